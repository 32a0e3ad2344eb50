package schema

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// copyJSON copies an object and brings its numbers into the two types that the server's code knows.
func copyJSON(object map[string]any) (map[string]any, error) {
	copied, err := copyValue(object)
	if err != nil {
		return nil, err
	}
	return copied.(map[string]any), nil
}

func copyValue(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		fields := make(map[string]any, len(v))
		for key, value := range v {
			copied, err := copyValue(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			fields[key] = copied
		}
		return fields, nil
	case []any:
		items := make([]any, len(v))
		for i, value := range v {
			copied, err := copyValue(value)
			if err != nil {
				return nil, fmt.Errorf("%d: %w", i, err)
			}
			items[i] = copied
		}
		return items, nil
	}
	return scalar(v)
}

func scalar(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, string, int64:
		return v, nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint64: // over the largest int64: JSON's decoder makes it a float
		return float64(v), nil
	case float32:
		return scalar(float64(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%v is no number of JSON", v)
		}
		return v, nil
	}
	return nil, fmt.Errorf("%T is no type of JSON", v)
}

// digest of an object's content.
type digest [sha256.Size]byte

// hash is the same for equal content and for no other.
func hash(object map[string]any) (digest, error) {
	content, err := appendValue(make([]byte, 0, 4096), object)
	return sha256.Sum256(content), err
}

// appendValue writes each value behind its type and length, so that neighbours cannot be taken for each other.
func appendValue(b []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case map[string]any:
		b = mark(b, 'm', uint64(len(v)))
		for _, key := range sortedKeys(v) {
			b = appendText(b, key)
			if b, err = appendValue(b, v[key]); err != nil {
				return b, err
			}
		}
		return b, nil
	case []any:
		b = mark(b, 'l', uint64(len(v)))
		for _, item := range v {
			if b, err = appendValue(b, item); err != nil {
				return b, err
			}
		}
		return b, nil
	}
	v, err = scalar(v)
	switch v := v.(type) {
	case string:
		return appendText(b, v), err
	case int64:
		return mark(b, 'i', uint64(v)), err
	case float64:
		return mark(b, 'f', math.Float64bits(v)), err
	case bool:
		if v {
			return append(b, '1'), err
		}
		return append(b, '0'), err
	}
	return append(b, 'n'), err
}

func sortedKeys(fields map[string]any) []string {
	keys := make([]string, 0, len(fields))
	for key := range fields {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func mark(b []byte, kind byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, kind), number)
}

func appendText(b []byte, text string) []byte {
	return append(mark(b, 's', uint64(len(text))), text...)
}
