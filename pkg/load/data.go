package load

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// dialect is how words such as yes are read.
type dialect bool

const (
	// kubectl reads YAML 1.1 (sigs.k8s.io/yaml on go-yaml 2): yes, no, on, off, y and n are booleans.
	kubectl dialect = true
	// kustomize reads YAML 1.2 (go-yaml 3): they are text.
	kustomize dialect = false
	// patchDialect is that of JSON6902 patches: Kustomize reads them by sigs.k8s.io/yaml, unlike all else
	// (filters/patchjson6902).
	patchDialect = kubectl
)

// converter turns nodes into the data that the API server sees: JSON-shaped, whole numbers int64.
type converter struct {
	dialect
	file     string
	problems manifest.Problems
}

func (c *converter) value(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		fields := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			fields[c.key(n.Content[i])] = c.value(n.Content[i+1])
		}
		return fields
	case yaml.SequenceNode:
		items := make([]any, len(n.Content))
		for i, item := range n.Content {
			items[i] = c.value(item)
		}
		return items
	case yaml.ScalarNode:
		return c.scalar(n)
	}
	return nil
}

func (c *converter) key(n *yaml.Node) string {
	if b, ok := c.boolean(n); ok {
		return strconv.FormatBool(b)
	}
	return n.Value
}

func (c *converter) scalar(n *yaml.Node) any {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) == 0 {
		if b, ok := c.boolean(n); ok {
			return b
		}
	}
	switch n.ShortTag() {
	case yaml.NodeTagNull:
		return nil
	case yaml.NodeTagString, "!!timestamp":
		return n.Value
	}
	var v any
	if err := n.Decode(&v); err != nil {
		c.fail(n, "%v", err)
		return nil
	}
	switch v := v.(type) {
	case int:
		return int64(v)
	case uint64:
		return float64(v)
	case float64:
		return c.float(n, v)
	}
	return v
}

// float follows the way through JSON, on which 1.0 and 1e3 become 1 and 1000, whole numbers.
func (c *converter) float(n *yaml.Node, v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		c.fail(n, "%s has no form in JSON, which the API server speaks; quote it if it is meant as text", n.Value)
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		c.fail(n, "%v", err)
		return nil
	}
	if whole, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return whole
	}
	return v
}

// boolean reads the words that only YAML 1.1 takes for booleans.
func (c *converter) boolean(n *yaml.Node) (value, ok bool) {
	if c.dialect != kubectl || n.Style != 0 || len(n.Value) > 3 {
		return false, false
	}
	switch n.Value {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		return true, true
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return false, true
	}
	return false, false
}

func (c *converter) fail(n *yaml.Node, format string, args ...any) {
	c.problems = append(c.problems, manifest.Problem{
		File: c.file, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...),
	})
}
