package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// Schema is what the server publishes of a kind (OpenAPI v3), with every reference replaced by what it refers
// to.
func (c *Client) Schema(ctx context.Context, kind schema.GroupVersionKind) (map[string]any, error) {
	path := "/openapi/v3/apis/" + kind.GroupVersion().String()
	if kind.Group == "" {
		path = "/openapi/v3/api/" + kind.Version
	}
	content, err := c.do(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("asking for the schema of %s: %w", kind, err)
	}
	document := map[string]any{}
	if err := utiljson.Unmarshal(content, &document); err != nil {
		return nil, err
	}
	components, _ := document["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	for _, candidate := range schemas {
		if candidate, ok := candidate.(map[string]any); ok && describes(candidate, kind) {
			resolved, _ := resolve(candidate, schemas, nil).(map[string]any)
			return resolved, nil
		}
	}
	return nil, fmt.Errorf("the server publishes no schema of %s", kind)
}

func describes(candidate map[string]any, kind schema.GroupVersionKind) bool {
	list, _ := candidate["x-kubernetes-group-version-kind"].([]any)
	for _, entry := range list {
		entry, _ := entry.(map[string]any)
		if entry["group"] == kind.Group && entry["version"] == kind.Version && entry["kind"] == kind.Kind {
			return true
		}
	}
	return false
}

// resolve copies a schema. One that holds itself, as that of a CRD, ends at the second time. The server writes
// a reference with a default beside it as allOf of one.
func resolve(node any, schemas map[string]any, within []string) any {
	switch node := node.(type) {
	case []any:
		list := make([]any, len(node))
		for i := range node {
			list[i] = resolve(node[i], schemas, within)
		}
		return list
	case map[string]any:
		if reference, ok := node["$ref"].(string); ok {
			name := reference[strings.LastIndex(reference, "/")+1:]
			if slices.Contains(within, name) {
				return nil
			}
			return resolve(schemas[name], schemas, append(slices.Clone(within), name))
		}
		return resolveFields(node, schemas, within)
	}
	return node
}

func resolveFields(node, schemas map[string]any, within []string) map[string]any {
	copied := map[string]any{}
	if all, ok := node["allOf"].([]any); ok && len(all) == 1 {
		if only, ok := resolve(all[0], schemas, within).(map[string]any); ok {
			copied = only
		}
	}
	for key, value := range node {
		if _, there := copied[key]; !there && key != "allOf" && key != "description" {
			copied[key] = resolve(value, schemas, within)
		}
	}
	return copied
}
