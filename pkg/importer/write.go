package importer

import (
	"bytes"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/spec"
)

// plain is a number as it is written; literal is text that may be empty.
type (
	plain   string
	literal string
)

// MarshalJSON writes the number as it is.
func (p plain) MarshalJSON() ([]byte, error) { return []byte(p), nil }

var numeral = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// scalar is a value of a field that takes any scalar: numbers stand without quotes.
func scalar(value string) any {
	if numeral.MatchString(value) {
		return plain(value)
	}
	return literal(value)
}

// lineWidth is what a mapping in one line may take.
const lineWidth = 100

// write prints a document in the order of its types, short mappings in one line, as a person writes it.
func write(document map[string]any, head string) (string, error) {
	node := nodeOf(document, reflect.TypeFor[spec.ModelDeployment](), 0)
	node.HeadComment = head
	var out bytes.Buffer
	encoder := yaml.NewEncoderWithOptions(&out, &yaml.EncoderOptions{SeqIndent: yaml.CompactSequenceStyle})
	if err := encoder.Encode(node); err != nil {
		return "", err
	}
	return out.String(), encoder.Close()
}

func nodeOf(v any, t reflect.Type, depth int) *yaml.Node {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := v.(type) {
	case map[string]any:
		return mappingOf(v, t, depth)
	case []any:
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: yaml.NodeTagSeq}
		scalars := true
		for _, item := range v {
			var element reflect.Type
			if t != nil && t.Kind() == reflect.Slice {
				element = t.Elem()
			}
			node := nodeOf(item, element, depth+1)
			scalars = scalars && node.Kind == yaml.ScalarNode
			list.Content = append(list.Content, node)
		}
		if scalars {
			list.Style = yaml.FlowStyle
		}
		return list
	case removed:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagNull, Value: "null"}
	case plain:
		tag := yaml.NodeTagInt
		if strings.Contains(string(v), ".") {
			tag = yaml.NodeTagFloat
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: string(v)}
	case literal:
		return textNode(string(v))
	case string:
		return textNode(v)
	}
	node := &yaml.Node{}
	_ = node.Encode(v) // booleans and whole numbers
	return node
}

// textNode quotes what YAML 1.1 or 1.2 would not read as text.
func textNode(value string) *yaml.Node {
	node := yaml.NewStringRNode(value).YNode()
	if yaml.IsYaml1_1NonString(node) {
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}

func mappingOf(m map[string]any, t reflect.Type, depth int) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}
	nested := false
	for _, key := range ordered(m, t) {
		value := nodeOf(m[key], typeOf(t, key), depth+1)
		nested = nested || value.Kind != yaml.ScalarNode && value.Style&yaml.FlowStyle == 0
		node.Content = append(node.Content, textNode(key), value)
	}
	// What stands directly in spec begins a paragraph, but for a handful of numbers.
	small := depth > 2 || t == reflect.TypeFor[spec.Replicas]() || t == reflect.TypeFor[spec.Resources]()
	if !nested && (small || len(m) == 0) {
		node.Style = yaml.FlowStyle
		if text, err := yaml.String(node); err != nil || len(text)+2*depth > lineWidth || strings.Count(text, "\n") > 1 {
			node.Style = 0
		}
	}
	return node
}

// ordered lists the keys of a mapping as its type does.
func ordered(m map[string]any, t reflect.Type) []string {
	var keys []string
	if t != nil && t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			name := jsonName(t.Field(i))
			if _, ok := m[name]; ok {
				keys = append(keys, name)
			}
		}
		return keys
	}
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// typeOf is the type of a field, nil where the mapping is free.
func typeOf(t reflect.Type, key string) reflect.Type {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		if jsonName(t.Field(i)) == key {
			return t.Field(i).Type
		}
	}
	return nil
}
