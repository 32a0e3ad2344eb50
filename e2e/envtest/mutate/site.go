package mutate

import (
	"maps"
	"slices"
)

// site is a place in an object that can be damaged.
type site struct {
	path  []any // of keys and indices
	value any
	field Field // what the schema says of the value
	owner Field // and of what holds it
}

// sites walks an object. What says which object it is, and where it lives, is left alone: another object
// would be judged by other rules.
func sites(object map[string]any, schemas Schemas) []site {
	root := Field(nil)
	if schemas != nil {
		apiVersion, _ := object["apiVersion"].(string)
		kind, _ := object["kind"].(string)
		root = schemas.Schema(apiVersion, kind)
	}
	var found []site
	walk(nil, object, root, func(s site) {
		switch text(s.path) {
		case "apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace":
			return
		}
		found = append(found, s)
	})
	return found
}

func walk(path []any, value any, field Field, visit func(site)) {
	step := func(key any, child any) {
		at := append(slices.Clone(path), key)
		inner := field.child(key)
		visit(site{path: at, value: child, field: inner, owner: field})
		walk(at, child, inner, visit)
	}
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			step(key, value[key])
		}
	case []any:
		for i, child := range value {
			step(i, child)
		}
	}
}

// holder is a map or a list, with a way to put another one in its place.
type holder struct {
	value   any
	replace func(any)
}

// parentOf finds what holds the last step of a path.
func parentOf(object map[string]any, path []any) holder {
	at := holder{value: object}
	for _, step := range path[:len(path)-1] {
		switch value := at.value.(type) {
		case map[string]any:
			key, _ := step.(string)
			at = holder{value[key], func(other any) { value[key] = other }}
		case []any:
			index, _ := step.(int)
			at = holder{value[index], func(other any) { value[index] = other }}
		}
	}
	return at
}

func (h holder) set(step, value any) {
	switch at := h.value.(type) {
	case map[string]any:
		key, _ := step.(string)
		at[key] = value
	case []any:
		index, _ := step.(int)
		at[index] = value
	}
}

func (h holder) get(step any) any {
	switch at := h.value.(type) {
	case map[string]any:
		key, _ := step.(string)
		return at[key]
	case []any:
		index, _ := step.(int)
		return at[index]
	}
	return nil
}

func (h holder) drop(step any) {
	switch at := h.value.(type) {
	case map[string]any:
		key, _ := step.(string)
		delete(at, key)
	case []any:
		index, _ := step.(int)
		h.replace(slices.Delete(at, index, index+1))
	}
}
