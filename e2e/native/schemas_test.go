package native

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/envtest/mutate"
)

// fields are the schemas of pkg/schema/data by apiVersion and kind: what to damage objects by.
type fields map[string]mutate.Field

var _ mutate.Schemas = fields{}

// Schema is nil for what is no native kind.
func (f fields) Schema(apiVersion, kind string) mutate.Field { return f[apiVersion+" "+kind] }

func readFields(t *testing.T) fields {
	t.Helper()
	var index []struct {
		Product, Group, Kind, Data string
		Versions                   []string
	}
	content, err := os.ReadFile(filepath.Join(root, "pkg/schema/data/index.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &index))
	read := fields{}
	for _, entry := range index {
		if entry.Product == "kubernetes" {
			apiVersion := filepath.ToSlash(filepath.Join(entry.Group, entry.Versions[0]))
			read[apiVersion+" "+entry.Kind] = readField(t, entry.Data)
		}
	}
	return read
}

// node is a schema whose children are indices of smaller ones, as e2e/tools/schemas writes it.
type node struct {
	Schema     map[string]any `json:"schema"`
	Properties map[string]int `json:"properties"`
	Items      *int           `json:"items"`
	Values     *int           `json:"values"`
}

func readField(t *testing.T, name string) mutate.Field {
	t.Helper()
	file, err := os.Open(filepath.Join(root, "pkg/schema/data", name))
	require.NoError(t, err)
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	require.NoError(t, err)
	var stored struct {
		Versions []struct{ Root int }
		Nodes    []node
	}
	require.NoError(t, json.NewDecoder(unpacked).Decode(&stored))
	whole := make([]map[string]any, len(stored.Nodes))
	for i, n := range stored.Nodes { // children stand before their parents
		whole[i] = n.join(whole)
	}
	return whole[stored.Versions[0].Root]
}

func (n node) join(whole []map[string]any) map[string]any {
	joined := map[string]any{}
	for key, value := range n.Schema {
		joined[key] = value
	}
	properties := map[string]any{}
	for name, at := range n.Properties {
		properties[name] = whole[at]
	}
	if len(properties) > 0 {
		joined["properties"] = properties
	}
	if n.Items != nil {
		joined["items"] = whole[*n.Items]
	}
	if n.Values != nil {
		joined["additionalProperties"] = whole[*n.Values]
	}
	if values, ok := joined["enum"].([]any); ok { // an empty text stands for the default
		joined["enum"] = slices.DeleteFunc(values, func(value any) bool { return value == "" })
	}
	return joined
}
