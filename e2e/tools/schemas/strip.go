package main

// prose are the keywords that say something to people only.
var prose = []string{"description", "title", "example", "externalDocs"}

// strip removes prose from a schema and the schemas in it, in place. Only where a schema stands: a field may
// be called description, too.
func strip(schema map[string]any) {
	for _, key := range prose {
		delete(schema, key)
	}
	for _, key := range []string{"properties", "patternProperties", "definitions"} {
		children, _ := schema[key].(map[string]any)
		for _, child := range children {
			stripAny(child)
		}
	}
	for _, key := range []string{"allOf", "anyOf", "oneOf"} {
		children, _ := schema[key].([]any)
		for _, child := range children {
			stripAny(child)
		}
	}
	for _, key := range []string{"items", "additionalProperties", "not"} {
		stripAny(schema[key])
	}
}

func stripAny(v any) {
	if schema, ok := v.(map[string]any); ok {
		strip(schema)
	}
}
