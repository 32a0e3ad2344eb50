package edit

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// lineWidth is what a mapping in one line may take.
const lineWidth = 100

// Map makes a mapping of keys and values in turn.
func Map(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}
	for i := 0; i+1 < len(pairs); i += 2 {
		n.Content = append(n.Content, Text(pairs[i].(string)), pairs[i+1].(*yaml.Node))
	}
	return n
}

// List makes a list.
func List(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: yaml.NodeTagSeq, Content: items}
}

// Number makes a whole number.
func Number(n int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagInt, Value: strconv.Itoa(n)}
}

// Text makes a string, quoted where YAML would read it as something else.
func Text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: value}
}

// plain is text that needs no quotes, wherever it stands.
var plain = regexp.MustCompile(`^[A-Za-z_/.][A-Za-z0-9_/.@+-]*(:[A-Za-z0-9_/.@+-]+)*$`)

// flow writes a value in one line.
func flow(n *yaml.Node) string {
	var parts []string
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			parts = append(parts, flow(n.Content[i])+": "+flow(n.Content[i+1]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case yaml.SequenceNode:
		for _, item := range n.Content {
			parts = append(parts, flow(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	if n.ShortTag() != yaml.NodeTagString {
		return n.Value
	}
	if plain.MatchString(n.Value) && !yaml.IsYaml1_1NonString(yaml.NewStringRNode(n.Value).YNode()) && resolvesToText(n.Value) {
		return n.Value
	}
	return quoted(n.Value)
}

// resolvesToText says that YAML 1.2 reads it as text, too.
func resolvesToText(value string) bool {
	return (&yaml.Node{Kind: yaml.ScalarNode, Value: value}).ShortTag() == yaml.NodeTagString
}

// quoted is text in double quotes. JSON's are YAML's.
func quoted(value string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // a string has an encoding
	return strings.TrimSuffix(out.String(), "\n")
}

// itemLines are the lines of an item of a list, without its dash.
func itemLines(n *yaml.Node, inOne bool) []string {
	if line := flow(n); inOne && len(line) <= lineWidth || n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return []string{line}
	}
	return mappingLines(n)
}

func mappingLines(n *yaml.Node) []string {
	var lines []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		lines = append(lines, fieldLines(n.Content[i].Value, n.Content[i+1], 0)...)
	}
	return lines
}

// fieldLines are the lines of a field: a short mapping or list of scalars in one, a list of mappings an item a line.
func fieldLines(key string, value *yaml.Node, listIndent int) []string {
	name := flow(Text(key)) + ":"
	line := name + " " + flow(value)
	mappings := value.Kind == yaml.SequenceNode && len(value.Content) > 0 && value.Content[0].Kind == yaml.MappingNode
	if !mappings && len(line) <= lineWidth || value.Kind == yaml.ScalarNode || len(value.Content) == 0 {
		return []string{line}
	}
	lines := []string{name}
	if value.Kind == yaml.MappingNode {
		return append(lines, indented(2, mappingLines(value))...)
	}
	for _, item := range value.Content {
		lines = append(lines, indented(listIndent, dashed(itemLines(item, true)))...)
	}
	return lines
}

// dashed puts the dash of an item before its first line.
func dashed(lines []string) []string {
	list := indented(2, lines)
	list[0] = "- " + lines[0]
	return list
}

func indented(by int, lines []string) []string {
	list := make([]string, len(lines))
	for i, line := range lines {
		list[i] = strings.Repeat(" ", by) + line
	}
	return list
}
