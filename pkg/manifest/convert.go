package manifest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// Converter turns typed values into JSON-shaped data by the rules of encoding/json. apimachinery's
// DefaultUnstructuredConverter gives the same (a test compares them) but first prepares every type that a type
// could lead to, which costs 15 ms of a process that lives for 50: a PodSpec leads to hundreds.
//
// It remembers the types that it met; not safe for concurrent use.
type Converter struct {
	fields map[reflect.Type][]field
}

// NewConverter returns a Converter that has met no type yet.
func NewConverter() *Converter { return &Converter{fields: map[reflect.Type][]field{}} }

// field is one field of a struct as JSON has it.
type field struct {
	index               int
	name                string
	inline              bool
	omitEmpty, omitZero bool
}

func (c *Converter) value(v reflect.Value) (any, error) {
	if !v.IsValid() {
		return nil, nil
	}
	if nilable(v.Kind()) && v.IsNil() {
		return nil, nil
	}
	if own, done, err := ownForm(v); done {
		return own, err
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return c.value(v.Elem())
	case reflect.Struct:
		data := make(map[string]any, v.NumField())
		return data, c.structure(v, data)
	case reflect.Map:
		return c.mapping(v)
	case reflect.Slice, reflect.Array:
		return c.list(v)
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return int64(v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	}
	return nil, fmt.Errorf("a %s has no JSON form", v.Type())
}

func nilable(kind reflect.Kind) bool {
	return kind == reflect.Pointer || kind == reflect.Interface || kind == reflect.Map || kind == reflect.Slice
}

// ownForm asks a value, or its address, for the form that it gives itself: quantities, times, Istio's messages.
func ownForm(v reflect.Value) (any, bool, error) {
	if v.Kind() != reflect.Pointer && v.CanAddr() {
		v = v.Addr()
	}
	if v.Type().NumMethod() == 0 || !v.CanInterface() {
		return nil, false, nil
	}
	switch own := v.Interface().(type) {
	case interface{ ToUnstructured() any }:
		return own.ToUnstructured(), true, nil
	case json.Marshaler:
		data, err := viaJSON(own)
		return data, true, err
	}
	return nil, false, nil
}

func viaJSON(marshaler json.Marshaler) (any, error) {
	encoded, err := marshaler.MarshalJSON()
	if err != nil {
		return nil, err
	}
	// This decoder gives whole numbers as int64.
	var data any
	if err := utiljson.Unmarshal(encoded, &data); err != nil {
		return nil, err
	}
	return data, nil
}

func (c *Converter) structure(v reflect.Value, data map[string]any) error {
	for _, f := range c.fieldsOf(v.Type()) {
		value := v.Field(f.index)
		if f.inline {
			if value.Kind() == reflect.Pointer {
				value = value.Elem()
			}
			if value.IsValid() {
				if err := c.structure(value, data); err != nil {
					return err
				}
			}
			continue
		}
		if f.omitEmpty && isEmpty(value) || f.omitZero && value.IsZero() {
			continue
		}
		converted, err := c.value(value)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		data[f.name] = converted
	}
	return nil
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.Array, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func (c *Converter) mapping(v reflect.Value) (any, error) {
	if v.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("a %s has keys that are not strings", v.Type())
	}
	data := make(map[string]any, v.Len())
	for entries := v.MapRange(); entries.Next(); {
		// A map's values have no address, and a MarshalJSON may need one.
		value := reflect.New(v.Type().Elem()).Elem()
		value.Set(entries.Value())
		converted, err := c.value(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entries.Key(), err)
		}
		data[entries.Key().String()] = converted
	}
	return data, nil
}

func (c *Converter) list(v reflect.Value) (any, error) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return nil, fmt.Errorf("a %s would be base64; no object here has one", v.Type())
	}
	data := make([]any, v.Len())
	for i := range data {
		converted, err := c.value(v.Index(i))
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i, err)
		}
		data[i] = converted
	}
	return data, nil
}

func (c *Converter) fieldsOf(t reflect.Type) []field {
	if fields, ok := c.fields[t]; ok {
		return fields
	}
	fields := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		declared := t.Field(i)
		name, options, _ := strings.Cut(declared.Tag.Get("json"), ",")
		if name == "-" || !declared.IsExported() {
			continue
		}
		f := field{index: i, name: name, omitEmpty: strings.Contains(options, "omitempty"), omitZero: strings.Contains(options, "omitzero")}
		f.inline = name == "" && declared.Anonymous
		if name == "" {
			f.name = declared.Name
		}
		fields = append(fields, f)
	}
	c.fields[t] = fields
	return fields
}
