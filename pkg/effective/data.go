package effective

import (
	"encoding/json"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// data returns a typed object as JSON-shaped data.
func (b *Builder) data(object client.Object) (map[string]any, error) {
	if err := stamp(b.scheme, object); err != nil {
		return nil, err
	}
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var data map[string]any
	if err := utiljson.Unmarshal(text, &data); err != nil {
		return nil, err
	}
	return clean(data), nil
}

// clean drops what only a cluster fills in.
func clean(data map[string]any) map[string]any {
	delete(data, "status")
	dropTimes(data)
	meta, _ := data["metadata"].(map[string]any)
	for _, name := range []string{"uid", "resourceVersion", "generation", "managedFields"} {
		delete(meta, name)
	}
	owners, _ := meta["ownerReferences"].([]any)
	for _, owner := range owners {
		if owner, ok := owner.(map[string]any); ok {
			delete(owner, "uid")
		}
	}
	return data
}

// dropTimes drops creationTimestamp: null, which every embedded ObjectMeta has.
func dropTimes(v any) {
	switch v := v.(type) {
	case map[string]any:
		if created, ok := v["creationTimestamp"]; ok && created == nil {
			delete(v, "creationTimestamp")
		}
		for _, field := range v {
			dropTimes(field)
		}
	case []any:
		for _, item := range v {
			dropTimes(item)
		}
	}
}
