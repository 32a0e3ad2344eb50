package manifest

// DeepCopy copies JSON-shaped data: maps and lists anew, all else as it is.
func DeepCopy[T any](v T) T {
	copied, _ := deepCopy(v).(T) // the zero T for a nil any
	return copied
}

func deepCopy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		fields := make(map[string]any, len(v))
		for key, value := range v {
			fields[key] = deepCopy(value)
		}
		return fields
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = deepCopy(item)
		}
		return items
	}
	return v
}
