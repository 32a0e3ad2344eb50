package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

const componentPrefix = "#/components/schemas/"

// any JSON, as a structural schema says it.
func anything() map[string]any { return map[string]any{"x-kubernetes-preserve-unknown-fields": true} }

// flattener turns a published component into the form of a CRD's schema: no references, no prose.
type flattener struct {
	components map[string]map[string]any
	amendments amendments
	open       []string // the components that the current one stands in
}

func (f *flattener) schema(component string) (map[string]any, error) {
	short := component[strings.LastIndexByte(component, '.')+1:]
	switch short {
	case "Quantity": // a number or text; pkg/schema knows the grammar by its format
		quantity := anything()
		quantity["format"] = "quantity"
		return quantity, nil
	case "IntOrString":
		return map[string]any{"x-kubernetes-int-or-string": true, "format": "int-or-string"}, nil
	}
	if slices.Contains(f.open, component) { // JSONSchemaProps of a CRD holds itself
		return anything(), nil
	}
	published, ok := f.components[component]
	if !ok {
		return nil, fmt.Errorf("no component %s", component)
	}
	f.open = append(f.open, component)
	defer func() { f.open = f.open[:len(f.open)-1] }()
	var own map[string]any
	if err := clone(published, &own); err != nil {
		return nil, err
	}
	if err := f.amendments.apply(component, own); err != nil {
		return nil, err
	}
	return f.flatten(own)
}

// flatten resolves references. A field's reference is published as allOf with one element, so that a
// description can stand beside it.
func (f *flattener) flatten(schema map[string]any) (map[string]any, error) {
	flat := map[string]any{}
	if reference := referenceOf(schema); reference != "" {
		target, err := f.schema(reference)
		if err != nil {
			return nil, err
		}
		flat = target
	}
	for _, key := range kept() {
		if value, ok := schema[key]; ok {
			flat[key] = value
		}
	}
	if flat["format"] == "byte" { // the server decodes an empty text, its validator for CRDs' byte refuses it
		flat["format"] = "base64"
	}
	if value, ok := schema["default"]; ok && !zero(value) {
		flat["default"] = value
	}
	if err := f.children(schema, flat); err != nil {
		return nil, err
	}
	if flat["type"] == nil && flat["x-kubernetes-int-or-string"] == nil {
		flat["x-kubernetes-preserve-unknown-fields"] = true // RawExtension, JSON, a quantity
	}
	if flat["type"] == "object" && flat["properties"] == nil && flat["additionalProperties"] == nil {
		flat["x-kubernetes-preserve-unknown-fields"] = true // FieldsV1
	}
	return flat, nil
}

// kept are the keywords of a published schema, or of native.yaml, that say what is valid.
func kept() []string {
	return []string{
		"type", "format", "required", "enum", "minimum", "maximum", "minLength", "minItems", "maxItems",
		"x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
	}
}

func (f *flattener) children(schema, flat map[string]any) error {
	if properties, ok := schema["properties"].(map[string]any); ok {
		flattened := map[string]any{}
		for name, property := range properties {
			child, err := f.flatten(property.(map[string]any))
			if err != nil {
				return err
			}
			flattened[name] = child
		}
		flat["properties"] = flattened
	}
	for _, key := range []string{"items", "additionalProperties"} {
		child, ok := schema[key].(map[string]any)
		if !ok {
			continue
		}
		flattened, err := f.flatten(child)
		if err != nil {
			return err
		}
		flat[key] = flattened
	}
	return nil
}

func referenceOf(schema map[string]any) string {
	if all, ok := schema["allOf"].([]any); ok && len(all) == 1 {
		schema, _ = all[0].(map[string]any)
	}
	reference, _ := schema["$ref"].(string)
	return strings.TrimPrefix(reference, componentPrefix)
}

// zero defaults say only that Go has no pointer there. That of a struct stays: the server validates it as if it were
// written, so that a Deployment without a spec lacks a selector.
func zero(value any) bool {
	switch value := value.(type) {
	case json.Number:
		return value == "0"
	case string:
		return value == ""
	case bool:
		return !value
	}
	return value == nil
}

func clone(from, into any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return decodeJSON(data, into)
}
