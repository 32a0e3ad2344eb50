package load

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// misfit is an operation of a patch that does not fit; test is set for one that tests.
type misfit struct {
	manifest.Place
	path, test string
}

// failing finds the first operation that does not fit the object that it is for.
func (g *graph) failing() misfit {
	for _, s := range g.sources {
		if s.generated {
			continue
		}
		tree := (&converter{dialect: kustomize}).placed(s.File, s.Node)
		for _, step := range g.steps {
			for _, p := range g.patches(step) {
				if p.node.Kind != yaml.SequenceNode || !p.targets(s.Resource, s.Resource) {
					continue
				}
				if i, ok := p.operate(tree, true, math.MaxInt); !ok {
					return p.misfit(i, s.Resource, tree)
				}
			}
		}
	}
	return misfit{}
}

// misfit describes an operation; what a Secret holds is not shown.
func (p patch) misfit(i int, object manifest.Resource, tree *placed) misfit {
	n := p.node.Content[i]
	found := misfit{Place: manifest.Place{File: p.file, Line: n.Line, Column: n.Column}, path: field(n, "path")}
	if field(n, "op") != "test" {
		return found
	}
	has := "another value"
	if object.Kind() != "Secret" {
		has = brief(tree.at(found.path))
	}
	expected := (&converter{dialect: patchDialect}).placed(p.file, manifest.Lookup(n, "/value"))
	found.test = fmt.Sprintf("the test of %s fails: the patch expects %s, and %s %s has %s", found.path, brief(expected), object.Kind(), object.Name(), has)
	return found
}

// longest is how much of a value a message shows, in bytes.
const longest = 80

// brief shows a value on one line.
func brief(p *placed) string {
	if p == nil {
		return "nothing"
	}
	text, err := json.Marshal(p.plain())
	if err != nil {
		return "unreadable"
	}
	if len(text) > longest {
		return strings.ToValidUTF8(string(text[:longest]), "") + "…"
	}
	return string(text)
}
