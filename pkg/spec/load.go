package spec

import (
	"cmp"
	"io"
	"reflect"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// Load reads every ModelDeployment of a file and resolves it. All problems of the file are returned together
// as manifest.Problems, each with its line and column; then no deployment is returned.
func Load(file string, r io.Reader) ([]*Deployment, error) {
	deployments, problems, err := loadAll(file, r)
	for _, deployment := range deployments {
		problems = append(problems, deployment.CannotStart...)
	}
	return deploymentsOr(deployments, problems, err)
}

// LoadAnyway is Load without the estimate's word on what cannot start: for those who show why it does not, and for those
// who read what runs.
func LoadAnyway(file string, r io.Reader) ([]*Deployment, error) {
	return deploymentsOr(loadAll(file, r))
}

func deploymentsOr(deployments []*Deployment, problems manifest.Problems, err error) ([]*Deployment, error) {
	switch {
	case err != nil:
		return nil, err
	case len(problems) > 0:
		return nil, sorted(problems)
	}
	return deployments, nil
}

func loadAll(file string, r io.Reader) ([]*Deployment, manifest.Problems, error) {
	documents, err := manifest.Read(file, r, manifest.DefaultLimits())
	if err != nil {
		return nil, nil, err
	}
	var (
		deployments []*Deployment
		problems    manifest.Problems
	)
	for _, document := range documents {
		deployment, found := load(file, document.Node)
		problems = append(problems, found...)
		if deployment != nil {
			deployments = append(deployments, deployment)
		}
	}
	return deployments, problems, nil
}

// load goes on after a mistake, so that all of them are told at once.
func load(file string, root *yaml.Node) (*Deployment, manifest.Problems) {
	d := newDecoder(file, fieldIndex{})
	var document ModelDeployment
	d.decode(root, "", reflect.ValueOf(&document).Elem())
	if !checkHeader(d, root, document) {
		return nil, d.problems
	}
	shape := d.problems
	d.problems = nil
	checkDocument(d, &document)
	deployment := &Deployment{
		File: file, Line: root.Line, Name: document.Metadata.Name, Namespace: document.Metadata.Namespace,
		Document: document, places: map[string]place{}, types: d.types, empties: emptiesOf(d.places),
	}
	for path, n := range d.places {
		deployment.places[path] = place{n.Line, n.Column, n.Style&yaml.FlowStyle != 0}
	}
	_, specNode := child(root, "spec")
	switch {
	case specNode == nil:
		d.reportf(root, "spec", "is missing; model.id and accelerator.type are the least it needs")
	case specNode.Kind == yaml.MappingNode, specNode.Tag == yaml.NodeTagNull:
		d.problems = append(d.problems, deployment.resolve(file, specNode)...)
		deployment.Remarks = sorted(deployment.Remarks)
	}
	return deployment, append(shape, withoutFollowing(root, shape, d.problems)...)
}

// withoutFollowing drops problems of values in which something of the wrong shape was found and left out: that
// weights do not sum to 100 is no news where one of them is no number.
func withoutFollowing(root *yaml.Node, shape, problems manifest.Problems) manifest.Problems {
	type position struct{ line, column int }
	broken := map[position]bool{}
	for _, problem := range shape {
		broken[position{problem.Line, problem.Column}] = true
	}
	var mark func(n *yaml.Node) bool
	mark = func(n *yaml.Node) bool {
		at := position{n.Line, n.Column}
		found := broken[at]
		for i, content := range n.Content {
			unknown := n.Kind == yaml.MappingNode && i%2 == 1 && broken[position{n.Content[i-1].Line, n.Content[i-1].Column}]
			found = mark(content) || found || unknown
			if unknown {
				broken[position{content.Line, content.Column}] = true
			}
		}
		broken[at] = found
		return found
	}
	mark(root)
	return slices.DeleteFunc(problems, func(problem manifest.Problem) bool {
		return broken[position{problem.Line, problem.Column}]
	})
}

// resolve builds the base and every environment. A problem of spec shows in each of them; it is told once.
func (m *Deployment) resolve(file string, specNode *yaml.Node) manifest.Problems {
	var problems manifest.Problems
	shared := without(specNode, "environments")
	_, list := child(specNode, "environments")
	for i, environment := range m.Document.Spec.Environments {
		over := without(list.Content[i], "name")
		target, found := resolveTarget(file, m, environment.Name, merge(shared, over))
		problems = append(problems, found...)
		m.Environments = append(m.Environments, target)
	}
	if len(m.Environments) == 0 {
		target, found := resolveTarget(file, m, DefaultEnvironment, shared)
		problems = append(problems, found...)
		m.Environments = []Target{target}
	}
	if baseStands(m.Document.Spec) {
		base, found := resolveTarget(file, m, "", shared)
		problems = append(problems, found...)
		m.Base = base
	} else {
		m.Base = m.Environments[0]
		m.Base.Environment = ""
	}
	return problems
}

// baseStands reports whether spec alone says what runs. Several revisions whose traffic only the environments
// give is legitimate; then the first environment stands for the base.
func baseStands(s Spec) bool {
	if len(s.Traffic) > 0 || len(s.Revisions) < 2 {
		return true
	}
	for _, environment := range s.Environments {
		if len(environment.Traffic) == 0 {
			return true
		}
	}
	return len(s.Environments) == 0
}

func resolveTarget(file string, m *Deployment, environment string, merged *yaml.Node) (Target, manifest.Problems) {
	shared := without(merged, "revisions")
	_, revisions := child(merged, "revisions")
	whole := newResolver(file, m, environment, shared)
	target := whole.target()
	for _, share := range whole.shares() {
		node := shared
		if share.index >= 0 {
			node = merge(shared, without(revisions.Content[share.index], "name"))
		}
		one := newResolver(file, m, environment, node)
		target.Revisions = append(target.Revisions, one.revision(share))
		one.checkClaims(target.Revisions)
		one.checkDownloads(target.Revisions)
		whole.problems = append(whole.problems, one.problems...)
	}
	whole.checkCanary(target)
	whole.checkSpare(target)
	whole.checkEKSNodes(target)
	return target, whole.problems
}

// sorted orders problems by place and drops repetitions.
func sorted(problems manifest.Problems) manifest.Problems {
	slices.SortStableFunc(problems, func(a, b manifest.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(problems)
}
