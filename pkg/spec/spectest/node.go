package spectest

import "slices"

// kind of a node.
type kind int

const (
	// mapping has keys and items, list has items.
	mapping kind = iota
	list
	// str is a string whatever it looks like, so it is quoted where it must be.
	str
	// text is a scalar whose type in YAML does not matter; null alone would.
	text
	// raw is written as it is: numbers and booleans.
	raw
)

// node is a value of the document. Unlike a Go map it keeps the order of its keys.
type node struct {
	kind  kind
	text  string
	keys  []string
	items []*node
}

// fields makes a mapping of keys and nodes in turn, and leaves nil ones out.
func fields(pairs ...any) *node {
	n := &node{kind: mapping}
	for i := 0; i+1 < len(pairs); i += 2 {
		if value, ok := pairs[i+1].(*node); ok && value != nil {
			n.set(pairs[i].(string), value)
		}
	}
	return n
}

func items(values ...*node) *node { return &node{kind: list, items: values} }

func scalar(k kind, value string) *node { return &node{kind: k, text: value} }

// null takes out what is inherited.
func null() *node { return scalar(raw, "null") }

// orNil leaves a mapping without fields out of its parent.
func orNil(n *node) *node {
	if n == nil || len(n.items) == 0 {
		return nil
	}
	return n
}

func (n *node) get(key string) *node {
	if n == nil || n.kind != mapping {
		return nil
	}
	if i := slices.Index(n.keys, key); i >= 0 {
		return n.items[i]
	}
	return nil
}

func (n *node) set(key string, value *node) {
	if i := slices.Index(n.keys, key); i >= 0 {
		n.items[i] = value
		return
	}
	n.keys = append(n.keys, key)
	n.items = append(n.items, value)
}

func (n *node) clone() *node {
	c := &node{kind: n.kind, text: n.text, keys: slices.Clone(n.keys)}
	for _, item := range n.items {
		c.items = append(c.items, item.clone())
	}
	return c
}
