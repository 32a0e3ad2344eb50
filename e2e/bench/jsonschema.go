package main

import (
	"encoding/json"
	"os"
	"strings"
)

const refPrefix = "#/components/schemas/"

// closed turns an OpenAPI schema into the JSON schema that kubeconform's users convert it to: unknown fields are
// refused, and an int-or-string may be either. The schema is changed in place.
func closed(schema map[string]any) map[string]any {
	for _, key := range []string{"properties", "patternProperties"} {
		children, _ := schema[key].(map[string]any)
		for _, child := range children {
			closeAny(child)
		}
	}
	for _, key := range []string{"items", "additionalProperties", "not"} {
		closeAny(schema[key])
	}
	_, fields := schema["properties"]
	_, open := schema["additionalProperties"]
	if fields && !open && schema["type"] == "object" && schema["x-kubernetes-preserve-unknown-fields"] != true {
		schema["additionalProperties"] = false
	}
	if schema["x-kubernetes-int-or-string"] == true || schema["format"] == "int-or-string" {
		delete(schema, "type")
		delete(schema, "format")
	}
	if either, ok := schema["type"].(string); ok && schema["nullable"] == true {
		schema["type"] = []any{either, "null"}
	}
	delete(schema, "description")
	return schema
}

func closeAny(schema any) {
	if schema, ok := schema.(map[string]any); ok {
		closed(schema)
	}
}

// writeNative writes a JSON schema for every kind of an OpenAPI file, with the definitions that it refers to.
func writeNative(file, out string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var document struct {
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.Unmarshal(content, &document); err != nil {
		return err
	}
	all := document.Components.Schemas
	for _, schema := range all {
		closed(schema)
	}
	for name, schema := range all {
		kinds, _ := schema["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 { // lists, options of requests
			continue
		}
		gvk, _ := kinds[0].(map[string]any)
		group, _ := gvk["group"].(string)
		version, _ := gvk["version"].(string)
		kind, _ := gvk["kind"].(string)
		definitions := map[string]any{}
		collect(map[string]any{"$ref": refPrefix + name}, all, definitions)
		whole := map[string]any{"$ref": refPrefix + name, "components": map[string]any{"schemas": definitions}}
		if err := writeJSON(kindFile(out, group, version, kind), whole); err != nil {
			return err
		}
	}
	return nil
}

// collect adds every definition that a value refers to.
func collect(value any, all map[string]map[string]any, into map[string]any) {
	switch value := value.(type) {
	case map[string]any:
		if ref, ok := value["$ref"].(string); ok {
			name := strings.TrimPrefix(ref, refPrefix)
			if _, known := into[name]; !known {
				into[name] = all[name]
				collect(all[name], all, into)
			}
		}
		for _, child := range value {
			collect(child, all, into)
		}
	case []any:
		for _, child := range value {
			collect(child, all, into)
		}
	}
}
