package importer

import (
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// dig descends through mappings; nil where a key is missing.
func dig(v any, keys ...string) any {
	for _, key := range keys {
		v = fields(v)[key]
	}
	return v
}

func fields(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func items(v any) []any {
	list, _ := v.([]any)
	return list
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// texts are the items of a list that are text.
func texts(v any) []string {
	var list []string
	for _, item := range items(v) {
		if s, ok := item.(string); ok {
			list = append(list, s)
		}
	}
	return list
}

// number reads a whole number, def where there is none.
func number(v any, def int) int {
	if n, ok := v.(int64); ok {
		return int(n)
	}
	return def
}

// textMap is a mapping of text to text, such as labels.
func textMap(v any) map[string]string {
	m := map[string]string{}
	for key, value := range fields(v) {
		if s, ok := value.(string); ok {
			m[key] = s
		}
	}
	return m
}

// put sets a field of a document; nothing where the value says nothing.
func put(document map[string]any, value any, path ...string) {
	switch v := value.(type) {
	case nil:
		return
	case string:
		if v == "" {
			return
		}
	case []any:
		if len(v) == 0 {
			return
		}
	}
	for _, key := range path[:len(path)-1] {
		below, ok := document[key].(map[string]any)
		if !ok {
			below = map[string]any{}
			document[key] = below
		}
		document = below
	}
	document[path[len(path)-1]] = value
}

// anys makes a list of a document.
func anys[T any](list []T) []any {
	out := make([]any, 0, len(list))
	for _, item := range list {
		out = append(out, item)
	}
	return out
}

// selects says whether a selector, which must not be empty, fits labels.
func selects(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return len(selector) > 0
}

// group is the part of an apiVersion that stays the same as an API matures.
func group(r manifest.Resource) string {
	name, _, found := strings.Cut(r.APIVersion(), "/")
	if !found {
		return "" // v1, which is of no group
	}
	return name
}
