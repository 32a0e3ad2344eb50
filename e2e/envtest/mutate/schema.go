package mutate

import (
	"math"
	"strconv"
)

// Schemas finds the schema of a kind; nil, where there is none.
type Schemas interface {
	Schema(apiVersion, kind string) Field
}

// Field is an OpenAPI schema as JSON. A nil one says nothing.
type Field map[string]any

// child is the schema of what a map holds under a key, or a list at an index.
func (f Field) child(key any) Field {
	if name, ok := key.(string); ok {
		properties, _ := f["properties"].(map[string]any)
		if property, ok := properties[name].(map[string]any); ok {
			return property
		}
		additional, _ := f["additionalProperties"].(map[string]any)
		return additional
	}
	items, _ := f["items"].(map[string]any)
	return items
}

func (f Field) list(key string) []any {
	list, _ := f[key].([]any)
	return list
}

func (f Field) strings(key string) []string {
	var texts []string
	for _, entry := range f.list(key) {
		if text, ok := entry.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// number is a limit of the schema. JSON writes those as floats.
func (f Field) number(key string, otherwise int64) int64 {
	switch value := f[key].(type) {
	case int64:
		return value
	case float64:
		if value == math.Trunc(value) && math.Abs(value) < math.MaxInt32 {
			return int64(value)
		}
	case string:
		if parsed, err := strconv.ParseInt(value, 10, 64); err == nil {
			return parsed
		}
	}
	return otherwise
}

// open says that a map takes any key.
func (f Field) open() bool {
	_, additional := f["additionalProperties"]
	return additional || f["x-kubernetes-preserve-unknown-fields"] == true
}

func (f Field) intOrString() bool {
	return f["x-kubernetes-int-or-string"] == true || f["oneOf"] != nil || f["anyOf"] != nil || f["format"] == "int-or-string"
}

// free says that nothing is known that a text must be like.
func (f Field) free() bool {
	for _, key := range []string{"pattern", "enum", "format", "minLength", "maxLength"} {
		if f[key] != nil {
			return false
		}
	}
	return true
}
