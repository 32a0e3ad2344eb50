package manifest

import (
	"fmt"
	"strconv"
	"strings"
)

// EscapeToken escapes one step of a JSON pointer (RFC 6901 §3).
func EscapeToken(key string) string {
	if !strings.ContainsAny(key, "~/") {
		return key
	}
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

// UnescapeToken returns the key that a step of a JSON pointer names.
func UnescapeToken(token string) string {
	if !strings.Contains(token, "~") {
		return token
	}
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~") // in this order: ~01 is ~1
}

// SetValue puts a value at a JSON pointer. All but the last step must be there.
func SetValue(data map[string]any, pointer string, value any) error {
	container, last, err := parent(data, pointer)
	if err != nil {
		return err
	}
	if fields, ok := container.(map[string]any); ok {
		fields[last] = value
		return nil
	}
	items, _ := container.([]any)
	index, err := strconv.Atoi(last)
	if err != nil || index < 0 || index >= len(items) {
		return fmt.Errorf("there is no %s", pointer)
	}
	items[index] = value
	return nil
}

// removeField removes a field at a JSON pointer. All but the last step must be there.
func removeField(data map[string]any, pointer string) error {
	container, last, err := parent(data, pointer)
	if err != nil {
		return err
	}
	fields, ok := container.(map[string]any)
	if !ok {
		return fmt.Errorf("%s is no field", pointer)
	}
	delete(fields, last)
	return nil
}

// LookupValue finds a value of data at a JSON pointer, nil where there is none.
func LookupValue(data map[string]any, pointer string) any {
	container, last, err := parent(data, pointer)
	if err != nil {
		return nil
	}
	if fields, ok := container.(map[string]any); ok {
		return fields[last]
	}
	items, _ := container.([]any)
	if index, err := strconv.Atoi(last); err == nil && index >= 0 && index < len(items) {
		return items[index]
	}
	return nil
}

// parent follows all but the last step of a JSON pointer, and returns that step.
func parent(data map[string]any, pointer string) (any, string, error) {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	var at any = data
	for _, step := range steps[:len(steps)-1] {
		switch container := at.(type) {
		case map[string]any:
			at = container[UnescapeToken(step)]
		case []any:
			index, err := strconv.Atoi(step)
			if err != nil || index < 0 || index >= len(container) {
				return nil, "", fmt.Errorf("there is no %s", pointer)
			}
			at = container[index]
		}
	}
	switch at.(type) {
	case map[string]any, []any:
		return at, UnescapeToken(steps[len(steps)-1]), nil
	}
	return nil, "", fmt.Errorf("there is no %s", pointer)
}
