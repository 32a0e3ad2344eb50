package main

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const dataDir = "../../../pkg/schema/data"

// TestStoredSchemasSayWhatTheSourcesSay reads each CRD again and compares it, without its prose, with what is stored
// once the sharing is undone.
func TestStoredSchemasSayWhatTheSourcesSay(t *testing.T) {
	t.Parallel()
	releases, err := readSources("sources.yaml")
	require.NoError(t, err)
	compared := 0
	for _, r := range releases {
		if len(r.CRDs) == 0 {
			continue
		}
		dir, err := download(t.Context(), r)
		require.NoError(t, err)
		for _, pattern := range r.CRDs {
			files, _ := filepath.Glob(filepath.Join(dir, pattern))
			for _, file := range files {
				compared += compareFile(t, r, file)
			}
		}
	}
	assert.Greater(t, compared, 140)
}

func compareFile(t *testing.T, r release, file string) int {
	t.Helper()
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	compared := 0
	for _, document := range documents(source) {
		var c crd
		require.NoError(t, decodeYAML(document, &c), file)
		if c.Kind != "CustomResourceDefinition" || len(c.Spec.Versions) == 0 {
			continue
		}
		stored := readStored(t, filepath.Join(dataDir, r.Product, r.Version, c.Spec.Names.Plural+"."+c.Spec.Group+".json.gz"))
		for i, v := range c.Spec.Versions {
			want := v.Schema.OpenAPIV3Schema
			strip(want)
			got := stored.expand(t, stored.Versions[i].Root)
			// assert.Equal would print megabytes of a difference
			assert.Truef(t, reflect.DeepEqual(want, got), "%s %s: %s is stored differently", r.Product, r.Version, c.Spec.Names.Kind)
			compared++
		}
	}
	return compared
}

func readStored(t *testing.T, file string) resource {
	t.Helper()
	packed, err := os.Open(file)
	require.NoError(t, err)
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	require.NoError(t, err)
	var stored resource
	require.NoError(t, json.NewDecoder(unpacked).Decode(&stored))
	return stored
}

func (r resource) expand(t *testing.T, at int) map[string]any {
	t.Helper()
	var n node
	require.NoError(t, decodeJSON(r.Nodes[at], &n))
	schema := n.Schema
	if schema == nil {
		schema = map[string]any{}
	}
	if n.Properties != nil {
		properties := map[string]any{}
		for name, child := range n.Properties {
			properties[name] = r.expand(t, child)
		}
		schema["properties"] = properties
	}
	if n.Items != nil {
		schema["items"] = r.expand(t, *n.Items)
	}
	if n.Values != nil {
		schema["additionalProperties"] = r.expand(t, *n.Values)
	}
	return schema
}

// TestStripKeepsFields: a field may have the name of a keyword that is prose.
func TestStripKeepsFields(t *testing.T) {
	t.Parallel()
	schema := map[string]any{
		"description": "prose",
		"properties": map[string]any{
			"description": map[string]any{"type": "string", "description": "prose", "example": "prose"},
		},
		"items": map[string]any{"title": "prose", "default": map[string]any{"title": "kept"}},
		"anyOf": []any{map[string]any{"description": "prose", "required": []any{"title"}}},
	}
	strip(schema)
	want := map[string]any{
		"properties": map[string]any{"description": map[string]any{"type": "string"}},
		"items":      map[string]any{"default": map[string]any{"title": "kept"}},
		"anyOf":      []any{map[string]any{"required": []any{"title"}}},
	}
	assert.Equal(t, want, schema)
}
