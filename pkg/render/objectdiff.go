package render

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// ObjectDiff is what changes in one object.
type ObjectDiff struct {
	// Action is add, remove or change.
	Action    string      `json:"action"`
	Kind      string      `json:"kind"`
	Namespace string      `json:"namespace,omitempty"`
	Name      string      `json:"name"`
	Fields    []FieldDiff `json:"fields,omitempty"`
}

// FieldDiff is one field that changes. Old is absent where it is added, New where it is removed. In Path an item of
// a list has its name, or its position where it has none.
type FieldDiff struct {
	Path string `json:"path"`
	Old  any    `json:"old,omitempty"`
	New  any    `json:"new,omitempty"`
}

// DiffObjects compares what is with what would be, in the order of what would be; removed objects come last.
func DiffObjects(was, want []map[string]any) []ObjectDiff {
	var diffs []ObjectDiff
	key := func(object map[string]any) string {
		id := identify(object)
		return fmt.Sprint(object["apiVersion"], id.Kind, id.Namespace, id.Name)
	}
	find := func(objects []map[string]any, wanted string) int {
		return slices.IndexFunc(objects, func(object map[string]any) bool { return key(object) == wanted })
	}
	for _, object := range want {
		diff := identify(object)
		if i := find(was, key(object)); i >= 0 {
			diff.Action = "change"
			if diff.Fields = fields(was[i], object); len(diff.Fields) == 0 {
				continue
			}
		} else {
			diff.Action = "add"
		}
		diffs = append(diffs, diff)
	}
	for _, object := range was {
		if find(want, key(object)) < 0 {
			diff := identify(object)
			diff.Action = "remove"
			diffs = append(diffs, diff)
		}
	}
	return diffs
}

func identify(object map[string]any) ObjectDiff {
	meta, _ := object["metadata"].(map[string]any)
	text := func(v any) string { s, _ := v.(string); return s }
	return ObjectDiff{Kind: text(object["kind"]), Namespace: text(meta["namespace"]), Name: text(meta["name"])}
}

// fields lists what changes below a path.
func fields(was, want map[string]any) []FieldDiff {
	return changes("", numbers(was), numbers(want))
}

func changes(path string, was, want any) []FieldDiff {
	switch want := want.(type) {
	case map[string]any:
		if was, ok := was.(map[string]any); ok {
			return mapChanges(path, was, want)
		}
	case []any:
		if was, ok := was.([]any); ok {
			return listChanges(path, was, want)
		}
	}
	if reflect.DeepEqual(was, want) {
		return nil
	}
	return []FieldDiff{{Path: path, Old: was, New: want}}
}

func mapChanges(path string, was, want map[string]any) []FieldDiff {
	var list []FieldDiff
	for _, key := range slices.Compact(slices.Sorted(chain(maps.Keys(was), maps.Keys(want)))) {
		at := step(path, key)
		old, had := was[key]
		value, has := want[key]
		switch {
		case !had:
			list = append(list, FieldDiff{Path: at, New: value})
		case !has:
			list = append(list, FieldDiff{Path: at, Old: old})
		default:
			list = append(list, changes(at, old, value)...)
		}
	}
	return list
}

func chain(keys ...iter.Seq[string]) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, seq := range keys {
			for key := range seq {
				if !yield(key) {
					return
				}
			}
		}
	}
}

// listChanges compares the items of a list by their names where they have some and their order stays, so that one
// that comes or goes does not make changes of all behind it; else by position.
func listChanges(path string, was, want []any) []FieldDiff {
	oldNames, names := namesOf(was), namesOf(want)
	common := func(names, others []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(others, name) })
	}
	switch {
	case oldNames != nil && names != nil && slices.Equal(common(oldNames, names), common(names, oldNames)):
		return itemChanges(path, was, want, oldNames, names)
	case len(was) == len(want):
		var list []FieldDiff
		for i := range want {
			list = append(list, changes(fmt.Sprintf("%s[%d]", path, i), was[i], want[i])...)
		}
		return list
	}
	return []FieldDiff{{Path: path, Old: was, New: want}}
}

func itemChanges(path string, was, want []any, oldNames, names []string) []FieldDiff {
	var list []FieldDiff
	for i, name := range names {
		at := path + "[" + name + "]"
		if j := slices.Index(oldNames, name); j >= 0 {
			list = append(list, changes(at, was[j], want[i])...)
		} else {
			list = append(list, FieldDiff{Path: at, New: want[i]})
		}
	}
	for j, name := range oldNames {
		if !slices.Contains(names, name) {
			list = append(list, FieldDiff{Path: path + "[" + name + "]", Old: was[j]})
		}
	}
	return list
}

// namesOf names the items of a list: by name, or the destination of a route by its host. It is nil where they have
// no names or share one.
func namesOf(items []any) []string {
	names := make([]string, 0, len(items))
	for _, item := range items {
		fields, _ := item.(map[string]any)
		name, _ := fields["name"].(string)
		if destination, ok := fields["destination"].(map[string]any); ok && name == "" {
			host, _ := destination["host"].(string)
			name, _, _ = strings.Cut(host, ".")
		}
		if name == "" || slices.Contains(names, name) {
			return nil
		}
		names = append(names, name)
	}
	return names
}

// numbers makes integers of one type: Kustomize's are int, ours int64.
func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		copied := make(map[string]any, len(v))
		for key, value := range v {
			copied[key] = numbers(value)
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, value := range v {
			copied[i] = numbers(value)
		}
		return copied
	case int:
		return int64(v)
	}
	return v
}

// step appends a key to a path as people write it: spec.http[weights].route.
func step(path, key string) string {
	switch {
	case strings.ContainsAny(key, "./"):
		return path + "[" + strconv.Quote(key) + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

// Text prints one object's changes for people.
func (d ObjectDiff) Text() string {
	sign := map[string]string{"add": "+", "remove": "-", "change": "~"}[d.Action]
	text := fmt.Sprintf("  %s %s %s/%s\n", sign, d.Kind, d.Namespace, d.Name)
	for _, field := range d.Fields {
		switch {
		case field.Old == nil:
			text += fmt.Sprintf("      + %s: %s\n", field.Path, short(field.New))
		case field.New == nil:
			text += fmt.Sprintf("      - %s: %s\n", field.Path, short(field.Old))
		default:
			text += fmt.Sprintf("      ~ %s: %s → %s\n", field.Path, short(field.Old), short(field.New))
		}
	}
	return text
}

func short(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}
