package manifest

import (
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Lookup returns the value node at an RFC 6901 JSON pointer, nil where there is none.
func Lookup(n *yaml.Node, pointer string) *yaml.Node {
	if n != nil && n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	if pointer == "" {
		return n
	}
	if pointer[0] != '/' {
		return nil
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		if n = child(n, UnescapeToken(token)); n == nil {
			return nil
		}
	}
	return n
}

// LookupKey returns the node of the key that a JSON pointer ends with, nil where there is none: an item of a list has
// no key.
func LookupKey(n *yaml.Node, pointer string) *yaml.Node {
	slash := strings.LastIndexByte(pointer, '/')
	if slash < 0 {
		return nil
	}
	parent := Lookup(n, pointer[:slash])
	if parent == nil || parent.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(parent.Content); i += 2 {
		if parent.Content[i].Value == UnescapeToken(pointer[slash+1:]) {
			return parent.Content[i]
		}
	}
	return nil
}

func child(n *yaml.Node, token string) *yaml.Node {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == token {
				return n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(token); err == nil && strconv.Itoa(i) == token && i >= 0 && i < len(n.Content) {
			return n.Content[i]
		}
	}
	return nil
}
