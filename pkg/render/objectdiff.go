package render

import (
	"encoding/json"
	"fmt"
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

// FieldDiff is one field that changes. Old is absent where it is added, New where it is removed.
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

// fields reads a comparison's operations as changes.
func fields(was, want map[string]any) []FieldDiff {
	var list []FieldDiff
	ops := compare(numbers(was).(map[string]any), numbers(want).(map[string]any))
	for i, o := range ops {
		switch o.op {
		case "add":
			list = append(list, FieldDiff{Path: dotted(o.path), New: o.value})
		case "remove":
			list = append(list, FieldDiff{Path: dotted(o.path), Old: ops[i-1].value})
		case "replace":
			list = append(list, FieldDiff{Path: dotted(o.path), Old: ops[i-1].value, New: o.value})
		}
	}
	return list
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

// dotted prints a JSON pointer as people write paths: spec.http[0].route.
func dotted(pointer string) string {
	var path strings.Builder
	for _, step := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		step = unescape(step)
		switch _, err := strconv.Atoi(step); {
		case err == nil:
			path.WriteString("[" + step + "]")
		case strings.ContainsAny(step, "./"):
			path.WriteString("[" + strconv.Quote(step) + "]")
		default:
			if path.Len() > 0 {
				path.WriteByte('.')
			}
			path.WriteString(step)
		}
	}
	return path.String()
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
