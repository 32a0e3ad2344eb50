package load

import (
	"fmt"
	"strconv"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/finding"
)

// keysRead reports the keys that YAML 1.1 takes for booleans, and of those the ones that become the same text: the
// API server would get one value of two, and nobody would say so.
func (c *converter) keysRead(n *yaml.Node) []finding.Finding {
	var findings []finding.Finding
	if n.Kind == yaml.MappingNode {
		findings = c.keysOf(n)
	}
	for _, child := range n.Content {
		findings = append(findings, c.keysRead(child)...)
	}
	return findings
}

func (c *converter) keysOf(n *yaml.Node) []finding.Finding {
	var findings []finding.Finding
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		read := c.key(key)
		before, taken := first[read]
		first[read] = key
		if taken {
			c.fail(key, "duplicate key: %s (line %d) and %s are both read as %s (YAML 1.1); quote what is text", before.Value, before.Line, key.Value, read)
		}
		if read == key.Value {
			continue
		}
		findings = append(findings, finding.Finding{
			Code: CodeKeyRead, Level: finding.Warning, File: c.file, Line: key.Line, Column: key.Column,
			Message: fmt.Sprintf("key %s is read as %s (YAML 1.1); quote it", key.Value, read),
			Fix:     fmt.Sprintf("Write %q, with the quotes.", key.Value),
			Edit: finding.Edit{
				File: c.file, Line: key.Line, Column: key.Column, Key: key.Value, Old: key.Value, Text: strconv.Quote(key.Value),
			},
		})
	}
	return findings
}
