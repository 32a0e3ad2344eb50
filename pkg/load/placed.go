package load

import (
	"reflect"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// placed is a value whose every part knows where it stands.
type placed struct {
	manifest.Place
	fields map[string]*placed
	items  []*placed
	leaf   any
	kind   yaml.Kind
}

// placed turns a node of a file into a placed value.
func (c *converter) placed(file string, n *yaml.Node) *placed {
	if n == nil {
		return nil
	}
	p := &placed{Place: manifest.Place{File: file, Line: n.Line, Column: n.Column}, kind: n.Kind}
	switch n.Kind {
	case yaml.MappingNode:
		p.fields = make(map[string]*placed, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			p.fields[c.key(n.Content[i])] = c.placed(file, n.Content[i+1])
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			p.items = append(p.items, c.placed(file, item))
		}
	default:
		p.leaf = c.value(n)
	}
	return p
}

// equals compares with plain data.
func (p *placed) equals(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		if p.kind != yaml.MappingNode || len(v) != len(p.fields) {
			return false
		}
		for key, value := range v {
			if own, ok := p.fields[key]; !ok || !own.equals(value) {
				return false
			}
		}
		return true
	case []any:
		if p.kind != yaml.SequenceNode || len(v) != len(p.items) {
			return false
		}
		for i := range v {
			if !p.items[i].equals(v[i]) {
				return false
			}
		}
		return true
	}
	return p.kind == yaml.ScalarNode && reflect.DeepEqual(p.leaf, v)
}

// placer compares a built object with what patches make of its source, and notes the places that differ from
// those that the source's own nodes give.
type placer struct {
	steps  []*kustomized
	file   string
	places map[string]manifest.Place
}

func (p *placer) walk(pointer string, value any, t *placed, natural *yaml.Node) {
	switch value := value.(type) {
	case map[string]any:
		if t == nil || t.kind != yaml.MappingNode {
			t = &placed{Place: p.attribute(pointer), kind: yaml.MappingNode}
		}
		p.note(pointer, t.Place, natural)
		for key, child := range value {
			p.walk(pointer+"/"+manifest.EscapeToken(key), child, t.fields[key], lookupChild(natural, key))
		}
	case []any:
		if t == nil || t.kind != yaml.SequenceNode {
			t = &placed{Place: p.attribute(pointer), kind: yaml.SequenceNode}
		}
		p.note(pointer, t.Place, natural)
		for i, child := range value {
			p.walk(pointer+"/"+strconv.Itoa(i), child, t.item(i, child, len(value)), lookupChild(natural, strconv.Itoa(i)))
		}
	default:
		if t != nil && t.equals(value) {
			p.note(pointer, t.Place, natural)
			return
		}
		p.note(pointer, p.attribute(pointer), natural)
	}
}

// item finds the part of a list that a built item was made of: its equal, or the one at its index.
func (p *placed) item(i int, value any, length int) *placed {
	if i < len(p.items) && p.items[i].equals(value) {
		return p.items[i]
	}
	for _, item := range p.items {
		if item.equals(value) {
			return item
		}
	}
	if length == len(p.items) {
		return p.items[i]
	}
	return nil
}

func (p *placer) note(pointer string, at manifest.Place, natural *yaml.Node) {
	if natural != nil && at.File == p.file && at.Line == natural.Line && at.Column == natural.Column {
		return
	}
	p.places[pointer] = at
}

// attribute names the kustomization whose field may have written a value that no patch accounts for; the one
// that is applied last first, or else the one that was asked for.
func (p *placer) attribute(pointer string) manifest.Place {
	for _, name := range fieldsFor(pointer) {
		for i := len(p.steps) - 1; i >= 0; i-- {
			step := p.steps[i]
			if n := manifest.Lookup(step.document.Node, "/"+name); n != nil {
				return manifest.Place{File: step.file, Line: n.Line, Column: n.Column}
			}
		}
	}
	top := p.steps[len(p.steps)-1]
	return manifest.Place{File: top.file, Line: top.document.Node.Line, Column: top.document.Node.Column}
}

// fieldsFor are the fields of a kustomization that write to a place of an object.
func fieldsFor(pointer string) []string {
	var names []string
	switch {
	case strings.HasSuffix(pointer, "/namespace"):
		names = []string{"namespace"}
	case strings.HasSuffix(pointer, "/name"), strings.HasSuffix(pointer, "Name"):
		names = []string{"namePrefix", "nameSuffix"}
	case strings.Contains(pointer, "/labels"), strings.Contains(pointer, "/matchLabels"), strings.Contains(pointer, "/selector"):
		names = []string{"labels", "commonLabels"}
	case strings.Contains(pointer, "/annotations"):
		names = []string{"commonAnnotations"}
	case strings.HasSuffix(pointer, "/image"):
		names = []string{"images"}
	case strings.HasSuffix(pointer, "/replicas"):
		names = []string{"replicas"}
	}
	return append(names, "replacements", "vars", "transformers")
}

func lookupChild(n *yaml.Node, key string) *yaml.Node {
	if n == nil {
		return nil
	}
	return manifest.Lookup(n, "/"+manifest.EscapeToken(key))
}
