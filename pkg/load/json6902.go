package load

import (
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// operation is one step of a JSON6902 patch on a placed value.
type operation struct {
	op, path, from string
	value          *placed
}

// apply returns false where the operation does not fit.
func (o operation) apply(root *placed) bool {
	switch o.op {
	case "test":
		return true
	case "remove":
		_, ok := root.remove(o.path)
		return ok
	case "replace":
		if _, ok := root.remove(o.path); !ok {
			return false
		}
		return root.add(o.path, o.value)
	case "add":
		return root.add(o.path, o.value)
	case "move":
		moved, ok := root.remove(o.from)
		return ok && root.add(o.path, moved)
	case "copy":
		copied := root.at(o.from)
		return copied != nil && root.add(o.path, copied.clone())
	}
	return false
}

// holds says whether a test does.
func (o operation) holds(root *placed) bool {
	value := root.at(o.path)
	if value == nil || o.value == nil {
		return value == nil && (o.value == nil || o.value.equals(nil))
	}
	return value.equals(o.value.plain())
}

// plain is the value without its places.
func (p *placed) plain() any {
	switch p.kind {
	case yaml.MappingNode:
		fields := make(map[string]any, len(p.fields))
		for key, value := range p.fields {
			fields[key] = value.plain()
		}
		return fields
	case yaml.SequenceNode:
		items := make([]any, len(p.items))
		for i, item := range p.items {
			items[i] = item.plain()
		}
		return items
	}
	return p.leaf
}

// size counts the values.
func (p *placed) size() int {
	n := 1
	for _, value := range p.fields {
		n += value.size()
	}
	for _, item := range p.items {
		n += item.size()
	}
	return n
}

func (p *placed) clone() *placed {
	copied := *p
	if p.fields != nil {
		copied.fields = make(map[string]*placed, len(p.fields))
		for key, value := range p.fields {
			copied.fields[key] = value.clone()
		}
	}
	copied.items = make([]*placed, len(p.items))
	for i, item := range p.items {
		copied.items[i] = item.clone()
	}
	return &copied
}

// parent returns what holds the value at a pointer, and the last step.
func (p *placed) parent(pointer string) (*placed, string) {
	i := strings.LastIndexByte(pointer, '/')
	if i < 0 {
		return nil, ""
	}
	return p.at(pointer[:i]), manifest.UnescapeToken(pointer[i+1:])
}

func (p *placed) at(pointer string) *placed {
	if pointer == "" {
		return p
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		if p == nil {
			return nil
		}
		if p.kind == yaml.MappingNode {
			p = p.fields[manifest.UnescapeToken(token)]
			continue
		}
		i, ok := p.index(token)
		if !ok {
			return nil
		}
		p = p.items[i]
	}
	return p
}

// index reads an index of a list; -1 is the last one, as Kustomize's library has it.
func (p *placed) index(token string) (int, bool) {
	i, err := strconv.Atoi(token)
	if i < 0 {
		i += len(p.items)
	}
	return i, err == nil && i >= 0 && i < len(p.items)
}

func (p *placed) remove(pointer string) (*placed, bool) {
	parent, key := p.parent(pointer)
	if parent == nil {
		return nil, false
	}
	if parent.kind == yaml.MappingNode {
		removed, ok := parent.fields[key]
		delete(parent.fields, key)
		return removed, ok
	}
	i, ok := parent.index(key)
	if !ok {
		return nil, false
	}
	removed := parent.items[i]
	parent.items = slices.Delete(parent.items, i, i+1)
	return removed, true
}

func (p *placed) add(pointer string, value *placed) bool {
	parent, key := p.parent(pointer)
	if parent == nil || value == nil {
		return false
	}
	switch parent.kind {
	case yaml.MappingNode:
		parent.fields[key] = value
		return true
	case yaml.SequenceNode:
		i, err := strconv.Atoi(key)
		if key == "-" {
			i, err = len(parent.items), nil
		}
		if i < 0 {
			i += len(parent.items) + 1
		}
		if err != nil || i < 0 || i > len(parent.items) {
			return false
		}
		parent.items = slices.Insert(parent.items, i, value)
		return true
	}
	return false
}
