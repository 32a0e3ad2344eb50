package manifest

import "sigs.k8s.io/kustomize/kyaml/yaml"

// merges says whether a value is one that a merge key may have.
func merges(n *yaml.Node) bool {
	named := func(n *yaml.Node) *yaml.Node {
		if n.Kind == yaml.AliasNode {
			return n.Alias
		}
		return n
	}
	if n = named(n); n.Kind != yaml.SequenceNode {
		return n.Kind == yaml.MappingNode
	}
	for _, item := range n.Content {
		if named(item).Kind != yaml.MappingNode {
			return false
		}
	}
	return true
}

// merge puts the fields of a mapping's merge key in its place. Aliases in it are copies by now, counted and with
// their own merge keys resolved, so this only moves what is there.
func (e *expander) merge(n *yaml.Node) {
	at := mergeKey(n)
	if at < 0 {
		return
	}
	sources := []*yaml.Node{n.Content[at+1]}
	if sources[0].Kind == yaml.SequenceNode {
		sources = sources[0].Content
	}
	written := make(map[string]int, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		written[n.Content[i].Value] = i
	}
	var merged []*yaml.Node
	for _, source := range sources {
		for i := 0; i+1 < len(source.Content); i += 2 {
			key := source.Content[i]
			before, taken := written[key.Value]
			// go-yaml 2 (kubectl) lets what comes last win, go-yaml 3 (Kustomize) the field that is written out.
			if taken && before < at {
				e.report(n.Content[at].Line, n.Content[at].Column,
					"the merge key (<<) stands behind %s, which it holds, too: kubectl and Kustomize take different ones; put << first",
					excerpt(key.Value))
			}
			if !taken {
				merged = append(merged, key, source.Content[i+1])
				written[key.Value] = len(n.Content)
			}
		}
	}
	n.Content = append(append(append([]*yaml.Node{}, n.Content[:at]...), merged...), n.Content[at+2:]...)
}

// mergeKey returns where a mapping's merge key is, -1 where there is none.
func mergeKey(n *yaml.Node) int {
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Kind == yaml.ScalarNode && n.Content[i].ShortTag() == mergeTag {
				return i
			}
		}
	}
	return -1
}
