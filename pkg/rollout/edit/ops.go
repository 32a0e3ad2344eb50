package edit

import (
	"bytes"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Replace gives a scalar another value.
func Replace(path Path, value *yaml.Node) Op {
	return Op{
		path: path,
		text: func(t *text, found []*yaml.Node) error {
			n := found[len(found)-1]
			if n.Kind != yaml.ScalarNode {
				return t.refuse(n, "%s is no single value", path)
			}
			start, err := t.start(n)
			if err != nil {
				return err
			}
			end, err := t.end(n)
			t.replace(start, end, flow(value))
			return err
		},
		data: func(found []*yaml.Node) {
			n := found[len(found)-1]
			n.Tag, n.Value = value.Tag, value.Value
		},
	}
}

// Append puts an item behind the last one of a list.
func Append(path Path, item *yaml.Node) Op {
	return Op{
		path: path,
		text: func(t *text, found []*yaml.Node) error {
			list := found[len(found)-1]
			if list.Kind != yaml.SequenceNode {
				return t.refuse(list, "%s is no list; write one, or take it out", path)
			}
			if list.Style&yaml.FlowStyle != 0 || len(list.Content) == 0 {
				return t.appendFlow(list, list.Content, flow(item))
			}
			last := list.Content[len(list.Content)-1]
			line, indent, err := t.dash(last)
			if err != nil {
				return err
			}
			t.insertLines(t.blockEnd(line, indent, t.lastLine(last)), indent, dashed(itemLines(item, last.Style&yaml.FlowStyle != 0)))
			return nil
		},
		data: func(found []*yaml.Node) {
			list := found[len(found)-1]
			list.Content = append(list.Content, item)
		},
	}
}

// dash finds the line of the dash of an item, and its indentation.
func (t *text) dash(item *yaml.Node) (line, indent int, err error) {
	for line = item.Line; line > 0; line-- {
		_, content, _ := t.lines.Line(line)
		indent = indentation(content)
		rest := content[indent:]
		if bytes.HasPrefix(rest, []byte("-")) && indent < item.Column-1 && (len(rest) == 1 || blank(rest[1])) {
			return line, indent, nil
		}
		if rest = bytes.TrimSpace(rest); line < item.Line && len(rest) > 0 && rest[0] != '#' {
			break
		}
	}
	return 0, 0, t.refuse(item, "the dash of this item was not found; write it in the line of what follows")
}

// appendFlow puts an element behind the last one between brackets.
func (t *text) appendFlow(parent *yaml.Node, elements []*yaml.Node, element string) error {
	start, err := t.start(parent)
	if err != nil {
		return err
	}
	if len(elements) == 0 {
		t.replace(start+1, start+1, element)
		return nil
	}
	last := elements[len(elements)-1]
	from, err := t.start(last)
	if err != nil {
		return err
	}
	end, err := t.end(last)
	if err != nil {
		return err
	}
	closed := t.flowEnd(start) - 1
	if closed < end {
		return t.refuse(parent, "the end of this list was not found")
	}
	line := t.lineOf(end)
	if !t.beginsLine(from) || t.lineOf(closed) == line || !t.endsLine(end) {
		t.replace(end, end, ", "+element)
		return nil
	}
	if bytes.HasPrefix(bytes.TrimSpace(t.data[end:closed]), []byte(",")) {
		element += ","
	} else {
		t.replace(end, end, ",")
	}
	t.insertLines(line, last.Column-1, []string{element})
	return nil
}

// Insert adds a field to a mapping, behind the first of some others that is there, or else at the end.
func Insert(path Path, behind []string, key string, value *yaml.Node) Op {
	at := func(n *yaml.Node) int { // the index behind which it goes
		for _, name := range behind {
			if i := keyIndex(n, name); i >= 0 {
				return i
			}
		}
		return len(n.Content) - 2
	}
	return Op{
		path: path,
		text: func(t *text, found []*yaml.Node) error {
			n := found[len(found)-1]
			if n.Kind != yaml.MappingNode {
				return t.refuse(n, "%s is no mapping; write one, or take it out", path)
			}
			if n.Style&yaml.FlowStyle != 0 || len(n.Content) == 0 {
				return t.insertFlow(n, at(n), flow(Text(key))+": "+flow(value))
			}
			previous, last := n.Content[at(n)], n.Content[at(n)+1]
			indent := n.Content[0].Column - 1
			end := t.blockEnd(previous.Line, indent, t.lastLine(last))
			t.insertLines(end, indent, fieldLines(key, value, t.listIndent(n)))
			return nil
		},
		data: func(found []*yaml.Node) {
			n := found[len(found)-1]
			n.Content = slices.Insert(n.Content, at(n)+2, Text(key), value)
		},
	}
}

func (t *text) insertFlow(n *yaml.Node, at int, field string) error {
	if len(n.Content) == 0 {
		return t.appendFlow(n, nil, field)
	}
	end, err := t.end(n.Content[at+1])
	t.replace(end, end, ", "+field)
	return err
}

// listIndent is by how much the lists of a block mapping are indented against their keys.
func (t *text) listIndent(n *yaml.Node) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		list := n.Content[i+1]
		if list.Kind != yaml.SequenceNode || list.Style&yaml.FlowStyle != 0 || len(list.Content) == 0 {
			continue
		}
		if _, indent, err := t.dash(list.Content[0]); err == nil {
			return max(indent-(n.Content[i].Column-1), 0)
		}
	}
	return 0
}

// Remove takes an item out of a list or a field out of a mapping, with the comments that stand beside it or, but for the
// first, directly above it. What is removed must not be all there is.
func Remove(path Path) Op {
	last := path[len(path)-1]
	return Op{
		path: path,
		text: func(t *text, found []*yaml.Node) error {
			parent, n := found[len(found)-2], found[len(found)-1]
			if parent.Style&yaml.FlowStyle != 0 {
				return t.removeFlow(parent, last)
			}
			if name, ok := last.(string); ok {
				return t.removeField(parent, keyIndex(parent, name))
			}
			line, indent, err := t.dash(n)
			if err != nil {
				return err
			}
			t.removeLines(line, t.blockEnd(line, indent, t.lastLine(n)), indent, last != 0)
			return nil
		},
		data: func(found []*yaml.Node) {
			parent := found[len(found)-2]
			if index, ok := last.(int); ok {
				parent.Content = slices.Delete(parent.Content, index, index+1)
				return
			}
			at := keyIndex(parent, last.(string))
			parent.Content = slices.Delete(parent.Content, at, at+2)
		},
	}
}

func (t *text) removeField(parent *yaml.Node, at int) error {
	key, value := parent.Content[at], parent.Content[at+1]
	start, err := t.start(key)
	if err != nil {
		return err
	}
	if !t.beginsLine(start) {
		return t.refuse(key, "%s begins in the line of something else; take it out by hand", key.Value)
	}
	indent := key.Column - 1
	t.removeLines(key.Line, t.blockEnd(key.Line, indent, t.lastLine(value)), indent, at > 0)
	return nil
}

// element is a piece between two commas.
type element struct{ start, end int }

func (t *text) elements(n *yaml.Node) ([]element, error) {
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	var list []element
	for i := 0; i < len(n.Content); i += step {
		start, err := t.start(n.Content[i])
		if err != nil {
			return nil, err
		}
		end, err := t.end(n.Content[i+step-1])
		if err != nil {
			return nil, err
		}
		list = append(list, element{start, end})
	}
	return list, nil
}

// removeFlow takes an element and one comma away. Where the element has lines of its own, they go, and a comma in front of
// the closing bracket may stay, which YAML allows.
func (t *text) removeFlow(parent *yaml.Node, step any) error {
	all, err := t.elements(parent)
	if err != nil {
		return err
	}
	i, isIndex := step.(int)
	if !isIndex {
		i = keyIndex(parent, step.(string)) / 2
	}
	own := all[i]
	start, err := t.start(parent)
	if err != nil {
		return err
	}
	closed := t.flowEnd(start)
	switch {
	case len(all) == 1:
		t.replace(own.start, own.end, "")
	case t.beginsLine(own.start) && t.endsLine(own.end) && t.lineOf(max(closed, 0)) != t.lineOf(own.end):
		t.replace(t.lineStart(t.lineOf(own.start)), t.lineStart(t.lineOf(own.end)+1), "")
	case i < len(all)-1:
		t.replace(own.start, all[i+1].start, "")
	case bytes.ContainsAny(t.data[all[i-1].end:own.start], "#"):
		t.replace(own.start, own.end, "")
	default:
		t.replace(all[i-1].end, own.end, "")
	}
	return nil
}
