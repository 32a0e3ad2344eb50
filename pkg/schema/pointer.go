package schema

import (
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// Pointer turns a path as the API server writes it into a JSON pointer. The server joins names with dots and does
// not escape those in a name (metadata.labels.app.kubernetes.io/name), so the object decides where a name ends.
func Pointer(object any, path string) string {
	var b strings.Builder
	for path != "" {
		if path[0] == '.' {
			path = path[1:]
			continue
		}
		name, rest := nextName(object, path)
		b.WriteByte('/')
		b.WriteString(manifest.EscapeToken(name))
		object, path = child(object, name), rest
	}
	return b.String()
}

// nextName splits the first name, list index or bracketed map key off a path.
func nextName(object any, path string) (name, rest string) {
	opening, closing := "", ""
	if path[0] == '[' {
		opening, closing = "[", "]"
	}
	fields, _ := object.(map[string]any)
	for key := range fields {
		after, ok := strings.CutPrefix(path, opening+key+closing)
		ends := ok && (after == "" || after[0] == '.' || after[0] == '[')
		if ends && (rest == "" && name == "" || len(key) > len(name)) {
			name, rest = key, after
		}
	}
	switch {
	case name != "":
		return name, rest
	case opening != "":
		name, rest, _ = strings.Cut(path[1:], "]")
		return name, rest
	}
	if end := strings.IndexAny(path, ".["); end >= 0 {
		return path[:end], path[end:]
	}
	return path, ""
}

func child(object any, name string) any {
	switch object := object.(type) {
	case map[string]any:
		return object[name]
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(object) {
			return object[i]
		}
	}
	return nil
}

// tokens are the unescaped names of a JSON pointer.
func tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	names := strings.Split(pointer[1:], "/")
	for i, name := range names {
		names[i] = manifest.UnescapeToken(name)
	}
	return names
}
