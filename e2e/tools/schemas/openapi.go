package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// document is the part of a published OpenAPI v3 file that matters here.
type document struct {
	Paths map[string]struct {
		Post *struct {
			Kind struct {
				Group   string `json:"group"`
				Version string `json:"version"`
				Kind    string `json:"kind"`
			} `json:"x-kubernetes-group-version-kind"`
		} `json:"post"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]map[string]any `json:"schemas"`
	} `json:"components"`
}

// readOpenAPI returns the kinds that can be created in the named group versions, a resource for each version:
// the API server's own kinds share no schema between versions.
func readOpenAPI(dir string, names []string, amendments amendments) ([]resource, error) {
	var resources []resource
	for _, name := range names {
		file := filepath.Join(dir, "api/openapi-spec/v3", name+"_openapi.json")
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		from, err := sourceOf(dir, file, data)
		if err != nil {
			return nil, err
		}
		var d document
		if err := decodeJSON(data, &d); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		found, err := d.resources(amendments)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for i := range found {
			found[i].source = from
		}
		resources = append(resources, found...)
	}
	return resources, nil
}

func (d document) resources(amendments amendments) ([]resource, error) {
	f := flattener{components: d.Components.Schemas, amendments: amendments}
	var resources []resource
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		post := d.Paths[path].Post
		if post == nil || post.Kind.Kind == "" || strings.Contains(path, "{name}") {
			continue // not a collection: a subresource such as pods/eviction
		}
		kind := post.Kind
		component := d.component(kind.Group, kind.Version, kind.Kind)
		namespaced := strings.Contains(path, "/namespaces/{namespace}/")
		if component == "" || namespaced != strings.Contains(path, "{namespace}") {
			continue
		}
		schema, err := f.schema(component)
		if err != nil {
			return nil, err
		}
		// Metadata is checked apart, as that of a custom resource is.
		schema["properties"].(map[string]any)["metadata"] = map[string]any{"type": "object"}
		_, status := d.Paths[path+"/{name}/status"]
		nodes := newInterner()
		root, err := nodes.add(schema)
		if err != nil {
			return nil, err
		}
		resources = append(resources, resource{
			Group: kind.Group, Kind: kind.Kind, Plural: path[strings.LastIndexByte(path, '/')+1:],
			Namespaced: namespaced, Native: true, Nodes: nodes.nodes,
			Versions: []version{{Name: kind.Version, Served: true, Storage: true, Root: root, Status: status}},
		})
	}
	return resources, nil
}

// component finds the schema of a kind by what it says about itself.
func (d document) component(group, version, kind string) string {
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		list, _ := d.Components.Schemas[name]["x-kubernetes-group-version-kind"].([]any)
		if len(list) != 1 {
			continue // DeleteOptions and the like stand in every group
		}
		gvk := list[0].(map[string]any)
		if gvk["group"] == group && gvk["version"] == version && gvk["kind"] == kind {
			return name
		}
	}
	return ""
}
