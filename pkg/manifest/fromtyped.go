package manifest

import (
	"fmt"
	"reflect"
)

// FromTyped is Convert of a Converter that is used once.
func FromTyped(obj any) (map[string]any, error) { return NewConverter().Convert(obj) }

// Convert converts a pointer to a typed Kubernetes object to JSON-shaped data. It leaves out what only a cluster
// fills in and would be noise in a file: a status without content and creationTimestamp: null.
func (c *Converter) Convert(obj any) (map[string]any, error) {
	v := reflect.ValueOf(obj)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("converting a %T to data: want a pointer to a struct", obj)
	}
	data := map[string]any{}
	if err := c.structure(v.Elem(), data); err != nil {
		return nil, fmt.Errorf("converting a %T to data: %w", obj, err)
	}
	if status, ok := data["status"]; ok && isZero(status) {
		delete(data, "status")
	}
	dropNullTimestamps(data)
	return data, nil
}

func isZero(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, field := range v {
			if !isZero(field) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	}
	return v == nil || v == "" || v == false || v == int64(0) || v == float64(0)
}

func dropNullTimestamps(v any) {
	switch v := v.(type) {
	case map[string]any:
		if created, ok := v["creationTimestamp"]; ok && created == nil {
			delete(v, "creationTimestamp")
		}
		for _, field := range v {
			dropNullTimestamps(field)
		}
	case []any:
		for _, item := range v {
			dropNullTimestamps(item)
		}
	}
}
