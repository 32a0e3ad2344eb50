package cluster_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
)

// facts reads what upstream's tools take, as hack/eksfacts found it.
func facts[T any](t require.TestingT, name string) T {
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	var into T
	require.NoError(t, json.Unmarshal(data, &into))
	return into
}

// jsonSchema is the part of JSON schema that eksctl's has.
type jsonSchema struct {
	Ref                  string                 `json:"$ref"`
	Type                 string                 `json:"type"`
	Enum                 []any                  `json:"enum"`
	Required             []string               `json:"required"`
	Properties           map[string]*jsonSchema `json:"properties"`
	AdditionalProperties json.RawMessage        `json:"additionalProperties"`
	Items                *jsonSchema            `json:"items"`
}

type eksctlSchema struct {
	Definitions map[string]*jsonSchema `json:"definitions"`
}

// check returns what a value has that the schema doesn't allow.
func (s eksctlSchema) check(at string, node *jsonSchema, value any) []string {
	if node.Ref != "" {
		return s.check(at, s.Definitions[strings.TrimPrefix(node.Ref, "#/definitions/")], value)
	}
	var wrong []string
	if len(node.Enum) > 0 && !slices.Contains(node.Enum, value) {
		wrong = append(wrong, fmt.Sprintf("%s: %v is none of %v", at, value, node.Enum))
	}
	switch value := value.(type) {
	case map[string]any:
		wrong = append(wrong, s.checkFields(at, node, value)...)
	case []any:
		if node.Type != "array" {
			wrong = append(wrong, at+": a list is not wanted")
			break
		}
		for i, item := range value {
			wrong = append(wrong, s.check(fmt.Sprintf("%s[%d]", at, i), node.Items, item)...)
		}
	default:
		kind := map[bool]string{true: "boolean"}[value == true || value == false]
		switch value.(type) {
		case string:
			kind = "string"
		case float64:
			kind = "integer"
		}
		if node.Type != "" && node.Type != kind {
			wrong = append(wrong, fmt.Sprintf("%s: %v is not of type %s", at, value, node.Type))
		}
	}
	return wrong
}

func (s eksctlSchema) checkFields(at string, node *jsonSchema, value map[string]any) []string {
	var wrong []string
	for _, name := range node.Required {
		if _, ok := value[name]; !ok {
			wrong = append(wrong, at+": "+name+" is missing")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(value)) {
		field, known := node.Properties[name]
		switch {
		case known:
			wrong = append(wrong, s.check(at+"."+name, field, value[name])...)
		case string(node.AdditionalProperties) == "false" || node.AdditionalProperties == nil:
			wrong = append(wrong, at+"."+name+": there is no such field")
		}
	}
	return wrong
}

type terraformModule struct {
	Variables map[string]string `json:"variables"`
	Outputs   []string          `json:"outputs"`
}

// hclType is a type of Terraform's language: string, number, bool, any, or one of others.
type hclType struct {
	kind   string // string, number, bool, any, list, map, object
	of     *hclType
	fields map[string]*hclType
	needed map[string]bool
}

// parser reads what eksfacts.py leaves of a type: one line.
type parser struct {
	t    require.TestingT
	rest string
}

func parseType(t require.TestingT, text string) *hclType {
	p := &parser{t, text}
	parsed := p.parse()
	require.Empty(t, strings.TrimSpace(p.rest), text)
	return parsed
}

func (p *parser) take(token string) bool {
	p.rest = strings.TrimLeft(p.rest, " ,")
	if strings.HasPrefix(p.rest, token) {
		p.rest = p.rest[len(token):]
		return true
	}
	return false
}

var fieldName = regexp.MustCompile(`^([a-z0-9_]+) *= *`)

func (p *parser) parse() *hclType {
	for _, kind := range []string{"list", "set", "map"} {
		if p.take(kind + "(") {
			inner := p.parse()
			require.True(p.t, p.take(")"), p.rest)
			return &hclType{kind: strings.Replace(kind, "set", "list", 1), of: inner}
		}
	}
	if p.take("object({") {
		object := &hclType{kind: "object", fields: map[string]*hclType{}, needed: map[string]bool{}}
		for !p.take("}") {
			match := fieldName.FindStringSubmatch(strings.TrimLeft(p.rest, " ,"))
			require.NotNil(p.t, match, p.rest)
			p.take(match[0])
			optional := p.take("optional(")
			object.fields[match[1]], object.needed[match[1]] = p.parse(), !optional
			if optional {
				p.skipDefault()
			}
		}
		require.True(p.t, p.take(")"), p.rest)
		return object
	}
	for _, kind := range []string{"string", "number", "bool", "any"} {
		if p.take(kind) {
			return &hclType{kind: kind}
		}
	}
	require.Fail(p.t, "what type is this?", p.rest)
	return nil
}

// skipDefault passes over the default value of optional(, up to its parenthesis.
func (p *parser) skipDefault() {
	depth := 1
	for i, char := range p.rest {
		depth += map[rune]int{'(': 1, ')': -1}[char]
		if depth == 0 {
			p.rest = p.rest[i+1:]
			return
		}
	}
}

// check returns what a value has that the type doesn't. An expression may be anything.
func (h *hclType) check(at string, value any) []string {
	if text, ok := value.(string); ok && strings.HasPrefix(text, "${") || h.kind == "any" {
		return nil
	}
	var wrong []string
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			field := h.of
			if h.kind == "object" {
				field = h.fields[name]
			}
			if field == nil {
				wrong = append(wrong, at+"."+name+": there is no such field")
				continue
			}
			wrong = append(wrong, field.check(at+"."+name, value[name])...)
		}
		for name, needed := range h.needed {
			if _, there := value[name]; needed && !there {
				wrong = append(wrong, at+"."+name+" is missing")
			}
		}
	case []any:
		if h.kind != "list" {
			return []string{at + ": a list is not wanted"}
		}
		for i, item := range value {
			wrong = append(wrong, h.of.check(fmt.Sprintf("%s[%d]", at, i), item)...)
		}
	default:
		want := map[string]string{"string": "string", "float64": "number", "bool": "bool"}[fmt.Sprintf("%T", value)]
		if want != h.kind {
			wrong = append(wrong, fmt.Sprintf("%s: %v is no %s", at, value, h.kind))
		}
	}
	return wrong
}
