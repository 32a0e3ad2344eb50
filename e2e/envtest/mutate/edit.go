package mutate

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

// edit is one change at a site.
type edit struct {
	change string
	// harmless says that the schema makes one expect that the object stays right.
	harmless bool
	apply    func(parent holder, step any)
}

func set(value any, harmless bool) edit {
	shown := fmt.Sprintf("%#v", value)
	if len(shown) > 40 {
		shown = shown[:40] + "…"
	}
	return edit{"set to " + shown, harmless, func(parent holder, step any) { parent.set(step, value) }}
}

// edits are what an operator can do at a site.
func edits(operator Operator, s site) []edit {
	switch operator {
	case Drop:
		return []edit{{"dropped", !s.required(), func(parent holder, step any) { parent.drop(step) }}}
	case Rename:
		return s.rename()
	case Retype:
		return s.retype()
	case OutOfRange:
		return s.outOfRange()
	case Duplicate:
		return s.duplicate()
	case Enum:
		return s.enum()
	case ListKey:
		return s.listKey()
	}
	return nil
}

func (s site) key() (string, bool) {
	key, ok := s.path[len(s.path)-1].(string)
	return key, ok
}

func (s site) required() bool {
	key, ok := s.key()
	return ok && slices.Contains(s.owner.strings("required"), key)
}

// rename misspells a field, or gives an entry of a map of anything another name.
func (s site) rename() []edit {
	key, ok := s.key()
	if !ok {
		return nil
	}
	to := func(name string) edit {
		return edit{"renamed to " + name, s.owner.open(), func(parent holder, _ any) {
			parent.set(name, parent.get(key))
			parent.drop(key)
		}}
	}
	return []edit{to(key + "x"), to(strings.ToUpper(key[:1]) + key[1:])}
}

// retype gives a value of another type. Null means absent where the field is optional.
func (s site) retype() []edit {
	made := []edit{set(nil, !s.required())}
	switch value := s.value.(type) {
	case string:
		made = append(made, set(int64(7), s.field.intOrString()), set([]any{value}, false))
	case bool:
		made = append(made, set(fmt.Sprint(value), false))
	case int64:
		made = append(made, set(fmt.Sprint(value), s.field.intOrString()), set(float64(value)+0.5, false))
	case map[string]any:
		made = append(made, set([]any{}, false), set("text", false), set(map[string]any{}, true))
	case []any:
		made = append(made, set(map[string]any{}, false), set([]any{}, true))
	}
	return made
}

// outOfRange puts a number at and beyond its limits, and a text that is too short or too long.
func (s site) outOfRange() []edit {
	switch s.value.(type) {
	case int64:
		low, high := s.field.number("minimum", 0), s.field.number("maximum", math.MaxInt32)
		return []edit{
			set(low, true), set(high, true), set(low+1, true),
			set(low-1, false), set(high+1, false), set(int64(math.MaxInt64), false),
		}
	case string:
		return []edit{
			set("", false), set("-1", false), set("not/valid!", false), set(strings.Repeat("x", 300), false),
			set("x", s.field.free()), set("1", s.field.free()),
		}
	}
	return nil
}

// duplicate adds an entry of a list once more. That is wrong in lists that are sets or maps.
func (s site) duplicate() []edit {
	if _, ok := s.path[len(s.path)-1].(int); !ok {
		return nil
	}
	listType, _ := s.owner["x-kubernetes-list-type"].(string)
	return []edit{{"once more", listType == "" || listType == "atomic", func(parent holder, _ any) {
		list, _ := parent.value.([]any)
		parent.replace(append(list, runtime.DeepCopyJSONValue(s.value)))
	}}}
}

// enum sets another allowed value, and values that are none.
func (s site) enum() []edit {
	allowed := s.field.list("enum")
	value, ok := s.value.(string)
	if len(allowed) == 0 || !ok {
		return nil
	}
	made := []edit{set(value+"s", false), set(strings.ToLower(value)+"_", false)}
	for _, other := range allowed {
		if other != s.value {
			made = append(made, set(other, true))
		}
	}
	return made
}

// listKey changes what tells an entry of a list from the others: the keys that the schema names, else the name.
func (s site) listKey() []edit {
	entry, ok := s.value.(map[string]any)
	if _, inList := s.path[len(s.path)-1].(int); !inList || !ok {
		return nil
	}
	keys := s.owner.strings("x-kubernetes-list-map-keys")
	if len(keys) == 0 {
		keys = []string{"name"}
	}
	var made []edit
	for _, key := range keys {
		value, ok := entry[key]
		if !ok {
			continue
		}
		made = append(made,
			edit{key + " of a copy changed", true, func(parent holder, _ any) {
				list, _ := parent.value.([]any)
				parent.replace(append(list, with(entry, key, other(value))))
			}},
			edit{key + " changed", true, func(parent holder, step any) {
				parent.set(step, with(entry, key, other(value)))
			}},
			edit{"copied with its " + key, len(s.owner.strings("x-kubernetes-list-map-keys")) == 0, func(parent holder, _ any) {
				list, _ := parent.value.([]any)
				parent.replace(append(list, map[string]any{key: value}))
			}},
			edit{key + " dropped", false, func(parent holder, step any) {
				copied := maps.Clone(entry)
				delete(copied, key)
				parent.set(step, runtime.DeepCopyJSON(copied))
			}},
		)
	}
	return made
}

func with(entry map[string]any, key string, value any) map[string]any {
	changed := runtime.DeepCopyJSON(entry)
	changed[key] = value
	return changed
}

// other is another value of the same type.
func other(value any) any {
	switch value := value.(type) {
	case int64:
		return value + 1
	case string:
		return value + "x"
	}
	return "x"
}
