package render

import (
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/kservegen/kservegen/pkg/traffic"
)

// patch is one file of operations on one object.
type patch struct {
	file   string
	target map[string]any
	ops    []op
	// weights are those of a traffic file, which has no ops.
	weights []traffic.Weight
}

// kustomization lists resources and components. Every kustomization sorts fifo: the CLIs would sort by kind
// otherwise, the library and Flux would not, and the same tree would give different bytes.
func kustomization(resources, components []string) map[string]any {
	k := map[string]any{
		"apiVersion":  types.KustomizationVersion,
		"kind":        types.KustomizationKind,
		"sortOptions": map[string]any{"order": string(types.FIFOSortOrder)},
		"resources":   strings2any(resources),
	}
	if len(components) > 0 {
		k["components"] = strings2any(components)
	}
	return k
}

// component holds patches. It must hold something: Kustomize refuses an empty one.
func component(patches []patch) map[string]any {
	list := make([]any, 0, len(patches))
	for _, p := range patches {
		list = append(list, map[string]any{"path": p.file, "target": p.target})
	}
	return map[string]any{
		"apiVersion":  types.ComponentVersion,
		"kind":        types.ComponentKind,
		"sortOptions": map[string]any{"order": string(types.FIFOSortOrder)},
		"patches":     list,
	}
}

// targetOf selects one object exactly.
func targetOf(object map[string]any) map[string]any {
	target := map[string]any{"kind": object["kind"]}
	group, version, grouped := strings.Cut(object["apiVersion"].(string), "/")
	if grouped {
		target["group"] = group
	} else {
		version = group
	}
	target["version"] = version
	meta := object["metadata"].(map[string]any)
	target["name"] = meta["name"]
	if namespace, ok := meta["namespace"]; ok { // a node pool has none
		target["namespace"] = namespace
	}
	return target
}

// targetOfAll selects objects that differ in their names alone. What a name holds means nothing else in a regular
// expression: they are DNS labels.
func targetOfAll(objects []map[string]any) map[string]any {
	target := targetOf(objects[0])
	if len(objects) > 1 {
		names := make([]string, 0, len(objects))
		for _, object := range objects {
			names = append(names, object["metadata"].(map[string]any)["name"].(string))
		}
		target["name"] = "(" + strings.Join(names, "|") + ")"
	}
	return target
}

func strings2any(list []string) []any {
	values := make([]any, 0, len(list))
	for _, s := range list {
		values = append(values, s)
	}
	return values
}
