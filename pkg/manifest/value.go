package manifest

import (
	"strconv"
	"strings"
)

// ValueAt returns what stands at a JSON pointer in JSON-shaped data.
func ValueAt(v any, pointer string) (any, bool) {
	if pointer == "" {
		return v, true
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		switch container := v.(type) {
		case map[string]any:
			value, ok := container[UnescapeToken(token)]
			if !ok {
				return nil, false
			}
			v = value
		case []any:
			i, ok := IndexOf(container, token)
			if !ok {
				return nil, false
			}
			v = container[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// IndexOf reads a step of a JSON pointer as the index of an item that is there: digits, without a leading zero.
func IndexOf(list []any, token string) (int, bool) {
	i, err := strconv.Atoi(token)
	return i, err == nil && i >= 0 && i < len(list) && strconv.Itoa(i) == token
}
