package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// name of the document in messages about it.
const documentName = "the proposed document"

// proposal is a document with what it resolves and renders to.
type proposal struct {
	document   map[string]any
	deployment *spec.Deployment
	tree       *render.Tree
	shared     *render.Tree
	// refused are the fields that the document may not have, by their path, and why.
	refused map[string]string
}

// settler renders documents until one is right.
type settler struct {
	generator *render.Generator
}

// settle renders a document. What a document may not say is taken out of it, and kept with the reason.
func (s *settler) settle(document map[string]any) (*proposal, error) {
	p := &proposal{document: document, refused: map[string]string{}}
	put(document, spec.APIVersion, "apiVersion")
	put(document, spec.Kind, "kind")
	for {
		err := s.render(p)
		var problems manifest.Problems
		if err == nil || !errors.As(err, &problems) {
			return p, err
		}
		if !p.takeOut(problems) {
			return nil, fmt.Errorf("no document can be proposed: %s", messages(problems))
		}
	}
}

// messages of problems without their places, which are in a document that nobody sees.
func messages(problems manifest.Problems) string {
	var list []string
	for _, p := range problems {
		list = append(list, p.Message)
	}
	return strings.Join(list, "; ")
}

// render fills in the trees.
func (s *settler) render(p *proposal) error {
	if err := p.resolve(); err != nil {
		return err
	}
	return s.trees(p)
}

// trees renders what the document means.
func (s *settler) trees(p *proposal) error {
	var err error
	if p.tree, err = s.generator.Tree(p.deployment); err != nil {
		return err
	}
	p.shared, err = s.generator.Shared([]*spec.Deployment{p.deployment})
	return err
}

// resolve fills in what the document means. It is read as JSON, which is YAML too and less than half of the work.
func (p *proposal) resolve() error {
	text, err := json.Marshal(p.document)
	if err != nil {
		return err
	}
	deployments, err := spec.LoadAnyway(documentName, bytes.NewReader(text))
	if err != nil {
		return err
	}
	p.deployment = deployments[0]
	return nil
}

// takeOut removes the fields that problems point to; false where one of them must be there.
func (p *proposal) takeOut(problems manifest.Problems) bool {
	text, err := json.Marshal(p.document)
	if err != nil {
		return false
	}
	documents, err := manifest.Read(documentName, bytes.NewReader(text), manifest.Limits{})
	if err != nil {
		return false
	}
	taken := false
	for _, problem := range problems {
		if at := placeOf(documents[0].Node, nil, problem.Line, problem.Column); at != nil && p.remove(at) {
			field, why, _ := strings.Cut(problem.Message, ": ")
			p.refused[field] = why
			taken = true
		}
	}
	return taken
}

// placeOf finds the deepest field whose key or value stands at a place.
func placeOf(n *yaml.Node, at steps, line, column int) steps {
	if n.Line == line && n.Column == column && len(at) > 0 && n.Kind == yaml.ScalarNode {
		return at
	}
	for i, child := range n.Content {
		below := append(slices.Clone(at), strconv.Itoa(i))
		if n.Kind == yaml.MappingNode {
			if i%2 == 0 {
				continue
			}
			key := n.Content[i-1]
			below = append(slices.Clone(at), key.Value)
			if key.Line == line && key.Column == column {
				return below
			}
		}
		if found := placeOf(child, below, line, column); found != nil {
			return found
		}
	}
	if n.Line == line && n.Column == column && len(at) > 0 {
		return at
	}
	return nil
}

// remove deletes a field, or the list that it is an item of. What names something must stay.
func (p *proposal) remove(at steps) bool {
	var (
		container map[string]any
		key       string
		now       any = p.document
	)
	for _, step := range at {
		switch v := now.(type) {
		case map[string]any:
			if _, ok := v[step]; !ok {
				return false
			}
			container, key, now = v, step, v[step]
		case []any:
			i, ok := manifest.IndexOf(v, step)
			if !ok {
				return false
			}
			now = v[i]
		}
	}
	// A runtime is named to tell it from another; without a name it is that of the accelerator.
	if len(at) > 1 && at[len(at)-2] == "runtime" && key == "name" {
		delete(container, key)
		return true
	}
	if container == nil || slices.Contains([]string{"id", "type", "name", "namespace", "spec", "metadata", "apiVersion", "kind", "environments", "revisions", "model"}, key) {
		return false
	}
	delete(container, key)
	return true
}

// leaf is a field that could be left out.
type leaf struct {
	container map[string]any
	key       string
}

// removable lists the fields of a document, those that say where the weights are before those that say which. What is
// named keeps its name.
func removable(v any, named bool) []leaf {
	var found []leaf
	m := fields(v)
	for _, key := range slices.Backward(slices.Sorted(maps.Keys(m))) {
		list, _ := m[key].([]any)
		switch {
		case len(fields(m[key])) > 0:
			found = append(found, removable(m[key], false)...)
		case key == "environments", key == "revisions" && !bare(list):
			for _, item := range list {
				found = append(found, removable(item, true)...)
			}
		case key != "name" || !named:
			found = append(found, leaf{m, key})
		}
	}
	return found
}

// bare says whether the items of a list have nothing but a name.
func bare(list []any) bool {
	return !slices.ContainsFunc(list, func(item any) bool { return len(fields(item)) > 1 })
}

// minimize leaves out every field without which the document renders to the same, and then what that left empty. A tree
// follows from what the document means, so only where that changes is a tree made to see whether it does.
func (s *settler) minimize(p *proposal) error {
	meant, want := p.deployment, p.fingerprint()
	sameMeaning := func() bool { return p.resolve() == nil && means(p.deployment, meant) }
	sameTree := func() bool {
		return p.resolve() == nil && (means(p.deployment, meant) || s.trees(p) == nil && p.fingerprint() == want)
	}
	without(removable(p.document, false), sameMeaning)
	for _, l := range removable(p.document, false) {
		without([]leaf{l}, sameTree)
	}
	for {
		empty := slices.DeleteFunc(removable(p.document, false), func(l leaf) bool {
			list, isList := l.container[l.key].([]any)
			return len(fields(l.container[l.key])) > 0 || fields(l.container[l.key]) == nil && !(isList && l.key == "revisions" && bare(list))
		})
		if !without(empty, sameTree) { // what held an empty one may be empty now
			return s.render(p)
		}
	}
}

// means says whether two documents resolve to the same in every environment, reasons included.
func means(a, b *spec.Deployment) bool {
	return a.Name == b.Name && reflect.DeepEqual(a.Base, b.Base) && reflect.DeepEqual(a.Environments, b.Environments)
}

// without leaves out those of the fields without which the document stays the same, trying many at once, and says whether there
// were any.
func without(leaves []leaf, same func() bool) bool {
	if len(leaves) == 0 {
		return false
	}
	values := make([]any, len(leaves))
	for i, l := range leaves {
		values[i] = l.container[l.key]
		delete(l.container, l.key)
	}
	if same() {
		return true
	}
	for i, l := range leaves {
		l.container[l.key] = values[i]
	}
	if len(leaves) == 1 {
		return false
	}
	first := without(leaves[:len(leaves)/2], same)
	return without(leaves[len(leaves)/2:], same) || first
}

// fingerprint is what a proposal renders to, without comments: those tell reasons, and a reason may change where a field
// is left out that says what would be chosen anyway.
func (p *proposal) fingerprint() string {
	var print strings.Builder
	files := p.tree.Files
	if p.shared != nil {
		files = slices.Concat(files, p.shared.Files)
	}
	for _, file := range files {
		print.WriteString(file.Path)
		for line := range strings.SplitSeq(string(file.Data), "\n") {
			if trimmed := strings.TrimLeft(line, " "); !strings.HasPrefix(trimmed, "# ") {
				print.WriteString(line)
				print.WriteByte('\n')
			}
		}
	}
	return print.String()
}
