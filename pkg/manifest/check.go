package manifest

import (
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const mergeTag = "!!merge"

// check reports what YAML allows and a Kubernetes object cannot hold, in the tree as it was written.
func (r *reader) check(n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		r.checkTag(n)
		r.checkKeys(n)
		for i := 1; i < len(n.Content); i += 2 {
			r.check(n.Content[i])
		}
	case yaml.SequenceNode:
		r.checkTag(n)
		for _, item := range n.Content {
			r.check(item)
		}
	case yaml.ScalarNode:
		if n.ShortTag() == mergeTag && n.Style&yaml.TaggedStyle == 0 {
			n.Tag = yaml.NodeTagString // << is a merge only as a key
		}
		r.checkTag(n)
	}
}

// checkKeys compares keys by their text, since they all become JSON strings.
func (r *reader) checkKeys(n *yaml.Node) {
	first := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		at := n.Content[i]
		key := at
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode:
			r.report(at.Line, at.Column, "the key is a list or a mapping; a key must be text")
			r.check(at)
			continue
		case key.ShortTag() == yaml.NodeTagNull:
			r.report(at.Line, at.Column, "the key is empty or null; quote it if it is meant as text")
			continue
		case key.ShortTag() == mergeTag && !r.merging:
			r.report(at.Line, at.Column, "merge keys (<<) are not supported; write the fields out")
			continue
		case key.ShortTag() == mergeTag && !merges(n.Content[i+1]):
			r.report(at.Line, at.Column, "a merge key (<<) takes a mapping, or a list of mappings; name an anchor of one: <<: *name")
			continue
		}
		if key.ShortTag() != mergeTag {
			r.checkTag(at)
		}
		if before, ok := first[key.Value]; ok {
			r.report(at.Line, at.Column, "duplicate key %s, first on line %d; remove one", excerpt(key.Value), before.Line)
			continue
		}
		first[key.Value] = at
	}
}

// checkTag accepts the types of JSON, and timestamps, which are text to Kubernetes.
func (r *reader) checkTag(n *yaml.Node) {
	tag := n.ShortTag()
	var fits bool
	switch tag {
	case yaml.NodeTagMap:
		fits = n.Kind == yaml.MappingNode
	case yaml.NodeTagSeq:
		fits = n.Kind == yaml.SequenceNode
	case yaml.NodeTagString, yaml.NodeTagInt, yaml.NodeTagFloat, yaml.NodeTagBool, yaml.NodeTagNull, "!!timestamp":
		fits = n.Kind == yaml.ScalarNode
	default:
		if n.Kind != yaml.AliasNode {
			r.report(n.Line, n.Column, "unknown tag %s; write the value without it", tag)
		}
		return
	}
	if fits && n.Kind == yaml.ScalarNode && n.Style&yaml.TaggedStyle != 0 {
		var v any
		fits = n.Decode(&v) == nil
	}
	if !fits && n.Kind != yaml.AliasNode {
		r.report(n.Line, n.Column, "the value does not fit its tag %s; remove the tag", tag)
	}
}
