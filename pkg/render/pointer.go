package render

import (
	"fmt"
	"strconv"
	"strings"
)

// set puts a value at a JSON pointer. All but the last step must be there.
func set(data map[string]any, pointer string, value any) error {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	var at any = data
	for i, step := range steps {
		last := i == len(steps)-1
		switch container := at.(type) {
		case map[string]any:
			key := unescape(step)
			if last {
				container[key] = value
				return nil
			}
			at = container[key]
		case []any:
			index, err := strconv.Atoi(step)
			if err != nil || index < 0 || index >= len(container) {
				return fmt.Errorf("there is no %s", pointer)
			}
			if last {
				container[index] = value
				return nil
			}
			at = container[index]
		default:
			return fmt.Errorf("there is no %s", pointer)
		}
	}
	return nil
}

// clone copies JSON-shaped data.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		copied := make(map[string]any, len(v))
		for key, value := range v {
			copied[key] = clone(value)
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, value := range v {
			copied[i] = clone(value)
		}
		return copied
	}
	return v
}
