package edit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// Path leads to a value of a document: keys of mappings as strings, indexes of lists as ints.
type Path []any

// String is the path as messages of this module write it: spec.traffic[1].weight.
func (p Path) String() string {
	var text strings.Builder
	for _, step := range p {
		switch step := step.(type) {
		case int:
			text.WriteString("[" + strconv.Itoa(step) + "]")
		case string:
			if text.Len() > 0 {
				text.WriteByte('.')
			}
			text.WriteString(step)
		}
	}
	return text.String()
}

// Op is one change.
type Op struct {
	path Path
	// text changes the file; found are the nodes on the path, the document's first.
	text func(t *text, found []*yaml.Node) error
	// data makes the same change in the data that the path's last node but one, or its last, is.
	data func(found []*yaml.Node)
}

// Apply makes the changes in a document of a file, one after the other. The document is given by its number among those
// that are not empty, from 0. The error is one of manifest.Problems where the file cannot be edited in place.
func Apply(file string, data []byte, document int, ops ...Op) ([]byte, error) {
	for _, op := range ops {
		edited, err := apply(file, data, document, op)
		if err != nil {
			return nil, err
		}
		data = edited
	}
	return data, nil
}

func apply(file string, data []byte, document int, op Op) ([]byte, error) {
	roots, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	if document >= len(roots) {
		return nil, fmt.Errorf("reading %s: it has %d documents; was the file changed meanwhile?", file, len(roots))
	}
	t := &text{file: file, data: data, lines: manifest.NewLines(data)}
	found, err := t.walk(roots[document], op.path)
	if err != nil {
		return nil, err
	}
	if err = op.text(t, found); err != nil {
		return nil, err
	}
	edited := t.spliced()
	want := expanded(roots)
	copies, _ := t.walk(want[document], op.path) // the same path in a copy without aliases
	op.data(copies)
	got, err := parse(edited)
	if err != nil || !reflect.DeepEqual(canonical(want), canonical(expanded(got))) {
		at := found[len(found)-1]
		return nil, t.refuse(at, "%s cannot be changed here alone (is it shared by an alias, or written in an unusual way?); edit the file by hand", op.path)
	}
	return edited, nil
}

// parse reads every document that is not empty. Aliases stay what they are.
func parse(data []byte) ([]*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))))
	var roots []*yaml.Node
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return roots, nil
		}
		if err != nil {
			return nil, err
		}
		if len(node.Content) == 0 || node.Content[0].ShortTag() == yaml.NodeTagNull && node.Content[0].Style&yaml.TaggedStyle == 0 {
			continue
		}
		roots = append(roots, node.Content[0])
	}
}

// walk follows a path and returns the nodes on it, the root first.
func (t *text) walk(root *yaml.Node, path Path) ([]*yaml.Node, error) {
	found := []*yaml.Node{root}
	for i, step := range path {
		at := found[len(found)-1]
		next := child(at, step)
		if next == nil {
			return nil, t.refuse(at, "there is no %s; was the file changed meanwhile?", path[:i+1])
		}
		if next.Kind == yaml.AliasNode {
			return nil, t.refuse(next, "%s is an alias of what stands in line %d, and would change there, too; write it out, then run this again", path[:i+1], next.Alias.Line)
		}
		found = append(found, next)
	}
	return found, nil
}

func child(n *yaml.Node, step any) *yaml.Node {
	switch step := step.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && step < len(n.Content) {
			return n.Content[step]
		}
	case string:
		if i := keyIndex(n, step); i >= 0 {
			return n.Content[i+1]
		}
	}
	return nil
}

// keyIndex is where a key is in the content of a mapping, -1 where it is not.
func keyIndex(n *yaml.Node, key string) int {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// expanded are copies in which aliases are replaced by what they name.
func expanded(roots []*yaml.Node) []*yaml.Node {
	copies := make([]*yaml.Node, len(roots))
	for i, root := range roots {
		copies[i] = expand(root)
	}
	return copies
}

func expand(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	c := *n
	c.Content = expanded(n.Content)
	return &c
}

// canonical is what documents say, in the order in which they say it.
func canonical(nodes []*yaml.Node) []any {
	list := make([]any, len(nodes))
	for i, n := range nodes {
		if n.Kind == yaml.ScalarNode {
			list[i] = [2]string{n.ShortTag(), n.Value}
			continue
		}
		list[i] = []any{n.Kind, canonical(n.Content)}
	}
	return list
}
