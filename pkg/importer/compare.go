package importer

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/secret"
)

// Loss is a field of the input, or a whole object, that the document does not carry.
type Loss struct {
	// Environments in which it is lost.
	Environments []string `json:"environments"`
	File         string   `json:"file,omitempty"`
	// Line and Column count from 1, 0 where they are not known.
	Line   int            `json:"line,omitempty"`
	Column int            `json:"column,omitempty"`
	Object finding.Object `json:"object"`
	// Path is a JSON pointer (RFC 6901), empty for the whole object.
	Path string `json:"path,omitempty"`
	// Value that is lost as JSON, without what is likely a secret; Rendered is what the tree has instead. Both may be empty.
	Value    string `json:"value,omitempty"`
	Rendered string `json:"rendered,omitempty"`
	// Why it is lost, and what to do.
	Why string `json:"why"`
	Fix string `json:"fix"`
}

// String is one line: where it stands, what is lost, why, and what to do.
func (l Loss) String() string {
	place := l.File
	if l.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", l.File, l.Line, l.Column)
	}
	what := l.Object.String()
	for _, more := range []string{l.Path, l.Value} {
		if more != "" {
			what += " " + more
		}
	}
	return fmt.Sprintf("%s: %s: %s; %s", place, what, l.Why, l.Fix)
}

// renderedScene is what a tree's environment holds, with what is shared.
func renderedScene(t, shared *render.Tree, i int) *scene {
	objects := slices.Concat(t.Environments[i].Objects, t.Environments[i].Sync)
	if shared != nil {
		for _, e := range shared.Environments {
			if e.Name == t.Environments[i].Name {
				objects = slices.Concat(objects, e.Objects, e.Sync)
			}
		}
	}
	var resources []manifest.Resource
	for _, data := range objects {
		resources = append(resources, manifest.Resource{Data: data})
	}
	return newScene(t.Environments[i].Name, resources)
}

// losses compares every environment with what the proposal renders it to.
func (p *proposal) losses(scenes []*scene) []Loss {
	var all []Loss
	for i, s := range scenes {
		after := renderedScene(p.tree, p.shared, i)
		was, is := factsOf(s, s.roles()), factsOf(after, after.roles())
		for _, role := range slices.Sorted(maps.Keys(was)) {
			all = append(all, p.lost(role, s.name, was[role], is)...)
		}
	}
	return together(all)
}

// lost lists the facts of one role that the tree does not have.
func (p *proposal) lost(role, environment string, was map[string]fact, is facts) []Loss {
	rendered, there := is[role]
	if !there && role != "secret" {
		return []Loss{wholeObject(role, was[""], environment)}
	}
	var list []Loss
	for _, address := range slices.Sorted(maps.Keys(was)) {
		f := was[address]
		if address == "" || strings.HasPrefix(address, implied) {
			continue
		}
		if now, ok := rendered[address]; !carried(address, f, now, ok, rendered) {
			list = append(list, p.loss(role, address, environment, f, now))
		}
	}
	return list
}

// carried says whether a fact is in the tree: as it is, by a stronger one, or, of an empty mapping, with something in it.
func carried(address string, was, is fact, found bool, rendered map[string]fact) bool {
	if found {
		return same(address, was.value, is.value)
	}
	if _, ok := rendered[implied+address]; ok {
		return true
	}
	if len(fields(was.value))+len(items(was.value)) > 0 || text(was.value) != "" {
		return false
	}
	switch was.value.(type) {
	case map[string]any, []any:
		for other := range rendered {
			if strings.HasPrefix(other, address+"/") || strings.HasPrefix(other, address+"[") {
				return true
			}
		}
	}
	return false
}

// implied marks what a stronger fact says as well.
const implied = "implied/"

// same compares values; quantities by what they are worth.
func same(address string, a, b any) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	if strings.Contains(address, "/env[") || strings.Contains(address, "/args[") || strings.Contains(address, "metadata") {
		return false
	}
	if sameDuration(a, b) {
		return true
	}
	was, wasErr := resource.ParseQuantity(text(quantity(a)))
	is, isErr := resource.ParseQuantity(text(quantity(b)))
	return wasErr == nil && isErr == nil && was.Cmp(is) == 0
}

func wholeObject(role string, f fact, environment string) Loss {
	l := lossAt(f.at, environment)
	l.Why = "nothing in the tree does what this object does"
	l.Fix = "keep applying it beside the tree, or list it in the overlay's custom/ if it is still needed"
	if strings.HasPrefix(role, httpRouteRole) {
		l.Why, l.Fix = "the tree has no HTTPRoute for it", "the tree's VirtualService does what it does; for HTTPRoutes set spec.expose with api: gateway"
	}
	switch group(*f.at.object) {
	case fluxSources, fluxKustomizations, argoCD:
		l.Fix = "keep applying it if it is about anything else; what pulls the tree is said in spec.gitops, and render --gitops writes it"
	}
	return l
}

func lossAt(at source, environment string) Loss {
	r := at.object
	place := r.At(at.pointer)
	return Loss{
		Environments: []string{environment}, File: place.File, Line: place.Line, Column: place.Column, Path: at.pointer,
		Object: objectOf(r),
	}
}

// loss says where a fact stands and why it is lost: because the document refuses it, because the tree says something
// else, or because the document has no field for it.
func (p *proposal) loss(role, address, environment string, was, is fact) Loss {
	l := lossAt(was.at, environment)
	l.Value = shown(address, was.value)
	if is.at.object != nil {
		l.Rendered = shown(address, is.value)
	}
	if ownPatch.MatchString(filepath.ToSlash(l.File)) {
		l.Why, l.Fix = "it is yours, in custom/", "nothing to do where the tree stays: render keeps it"
		return l
	}
	about := topicOf(role, address)
	l.Why, l.Fix = "the document has no field for it", "patch it in the overlay's custom/ if it is still needed"
	if l.Rendered != "" {
		l.Why = "the tree has " + l.Rendered
	}
	if about.why != "" {
		l.Why = about.why
	}
	if field, why := p.refusal(address, about.fields); field != "" {
		l.Why, l.Fix = field+" refuses it: "+why, "change "+field+" accordingly, or do without"
		return l
	}
	if about.fix != "" {
		l.Fix = about.fix
	} else if len(about.fields) > 0 {
		l.Fix = "set " + strings.Join(about.fields, " or ") + ", or patch it in the overlay's custom/"
	}
	return l
}

// refusal is what the document's own checks say against a fact, and of which field.
func (p *proposal) refusal(address string, fields []string) (field, why string) {
	for _, field := range fields {
		for refused, why := range p.refused {
			name, below := strings.CutPrefix(refused, field+".")
			if refused == field || below && (strings.HasSuffix(address, "["+name+"]") || strings.HasSuffix(address, "/"+name)) {
				return refused, why
			}
		}
	}
	return "", ""
}

// ownPatch is what a user has in a tree of ours.
var ownPatch = regexp.MustCompile(`(?:^|/)overlays/[^/]+/custom/`)

// together joins what several environments lose at one place, and sorts by place.
func together(list []Loss) []Loss {
	slices.SortStableFunc(list, func(a, b Loss) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Object.String(), b.Object.String()), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Why, b.Why))
	})
	joined := []Loss{}
	for _, l := range list {
		if n := len(joined); n > 0 {
			last := joined[n-1]
			environments := last.Environments
			last.Environments = l.Environments
			if reflect.DeepEqual(last, l) {
				if !slices.Contains(environments, l.Environments[0]) {
					environments = append(environments, l.Environments...)
				}
				joined[n-1].Environments = environments
				continue
			}
		}
		joined = append(joined, l)
	}
	return joined
}

const (
	mostShown = 80
	hidden    = "(not shown)"
)

// shown prints a value for a report, without what is likely a secret.
func shown(address string, v any) string {
	if named := strings.HasSuffix(address, "["+text(v)+"]"); text(v) != "" && !named && secret.Names(address) && (strings.Contains(address, "/env[") || strings.Contains(address, "/args[")) {
		return hidden
	}
	printed := secret.Hide(short(v), hidden)
	if runes := []rune(printed); len(runes) > mostShown {
		return string(runes[:mostShown-1]) + "…"
	}
	return printed
}
