package effective

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// leaf is a value that holds no others (or an empty list or mapping).
type leaf struct {
	// pointer is its JSON pointer; path names items of lists by their key instead of their index, so that the
	// same item is found in lists of other lengths.
	pointer, path string
	value         any
}

func leaves(v any) []leaf {
	var found []leaf
	collect(v, "", "", "", &found)
	return found
}

func index(v any) map[string]any {
	values := map[string]any{}
	for _, l := range leaves(v) {
		values[l.path] = l.value
	}
	return values
}

func collect(v any, pointer, path, field string, found *[]leaf) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			break
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			token := manifest.EscapeToken(name)
			collect(v[name], pointer+"/"+token, path+"/"+token, name, found)
		}
		return
	case []any:
		if len(v) == 0 {
			break
		}
		for i, item := range v {
			collect(item, pointer+"/"+strconv.Itoa(i), path+"/"+itemKey(field, i, item), "", found)
		}
		return
	}
	*found = append(*found, leaf{pointer, path, v})
}

// itemKey names an item of a list by what Kubernetes merges such lists by, or by its index.
func itemKey(field string, i int, item any) string {
	fields, ok := item.(map[string]any)
	if !ok {
		return strconv.Itoa(i)
	}
	keys := []string{"name"}
	switch field {
	case "volumeMounts":
		keys = []string{"mountPath"}
	case "ports":
		keys = []string{"containerPort", "targetPort"}
	case "tolerations", "topologySpreadConstraints", "ownerReferences":
		keys = nil
	}
	for _, name := range keys {
		if value, has := fields[name]; has {
			return fmt.Sprintf("[%v]", value)
		}
	}
	return strconv.Itoa(i)
}

// lookup follows names of fields.
func lookup(v any, names ...string) any {
	for _, name := range names {
		fields, _ := v.(map[string]any)
		v = fields[name]
	}
	return v
}

// plain turns a typed value into data; KServe's types always have a JSON form.
func plain(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var data any
	if err := utiljson.Unmarshal(text, &data); err != nil {
		return nil
	}
	dropTimes(data)
	return data
}
