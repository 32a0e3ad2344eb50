package manifest

import "sigs.k8s.io/kustomize/kyaml/yaml"

// expander replaces aliases by copies, within a budget: ten lines of aliases of aliases can stand for billions
// of values.
type expander struct {
	*reader
	open map[*yaml.Node]bool // the anchored nodes that the current one stands in
}

func (r *reader) expandAliases(root *yaml.Node) {
	e := &expander{reader: r, open: map[*yaml.Node]bool{}}
	e.expand(root)
}

// expand goes through the document in order. An alias comes after what it names, so that is expanded already
// and a plain copy will do. It returns false when it is no use to go on.
func (e *expander) expand(n *yaml.Node) bool {
	if n.Anchor != "" {
		e.open[n] = true
		defer delete(e.open, n)
		n.Anchor = ""
	}
	for i, child := range n.Content {
		if child.Kind != yaml.AliasNode {
			if !e.expand(child) {
				return false
			}
			continue
		}
		if e.open[child.Alias] {
			e.report(child.Line, child.Column, "alias *%s stands inside the value that it names; write the value out", child.Value)
			return false
		}
		expanded := e.copy(child.Alias)
		if expanded == nil {
			e.report(child.Line, child.Column, "with alias *%s the file has more than %d values and keys, the limit for one file", child.Value, e.limit)
			return false
		}
		expanded.HeadComment, expanded.LineComment, expanded.FootComment = child.HeadComment, child.LineComment, child.FootComment
		n.Content[i] = expanded
	}
	e.merge(n)
	return true
}

// copy returns a deep copy, or nil when the budget is used up.
func (e *expander) copy(n *yaml.Node) *yaml.Node {
	if e.nodes++; e.nodes > e.limit {
		return nil
	}
	clone := *n
	clone.Content = nil
	for _, child := range n.Content {
		c := e.copy(child)
		if c == nil {
			return nil
		}
		clone.Content = append(clone.Content, c)
	}
	return &clone
}
