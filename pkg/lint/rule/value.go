package rule

import (
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// Value is a value of an object, or the place where one would be. Objects come from people: every field may
// hold anything, and no method minds.
type Value struct {
	object *Object
	path   *step
	data   any
}

// step is a path from its end: most values are looked at and never reported, so pointers are written late.
type step struct {
	up    *step
	key   string
	index int
}

// Field returns what stands under keys, one below the other.
func (v Value) Field(keys ...string) Value {
	for _, key := range keys {
		fields, _ := v.data.(map[string]any)
		v.path = &step{up: v.path, key: key, index: -1}
		v.data = fields[key]
	}
	return v
}

// Items returns the items of a list, nothing of anything else.
func (v Value) Items() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		items, _ := v.data.([]any)
		for i := range items {
			if !yield(Value{v.object, &step{up: v.path, index: i}, items[i]}) {
				return
			}
		}
	}
}

// All returns what stands at a path in which * is every item of a list.
func (v Value) All(path ...string) iter.Seq[Value] {
	return func(yield func(Value) bool) { v.all(path, yield) }
}

func (v Value) all(path []string, yield func(Value) bool) bool {
	star := slices.Index(path, "*")
	if star < 0 {
		return yield(v.Field(path...))
	}
	for item := range v.Field(path[:star]...).Items() {
		if !item.all(path[star+1:], yield) {
			return false
		}
	}
	return true
}

// Item returns the i-th item of a list.
func (v Value) Item(i int) Value {
	items, _ := v.data.([]any)
	item := Value{object: v.object, path: &step{up: v.path, index: i}}
	if i >= 0 && i < len(items) {
		item.data = items[i]
	}
	return item
}

// Entries returns the fields of an object in the order of their names.
func (v Value) Entries() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		fields, _ := v.data.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(fields)) {
			if !yield(key, v.Field(key)) {
				return
			}
		}
	}
}

// Found says whether there is a value; null is none.
func (v Value) Found() bool { return v.data != nil }

// Len counts the items of a list or the fields of an object.
func (v Value) Len() int {
	switch data := v.data.(type) {
	case []any:
		return len(data)
	case map[string]any:
		return len(data)
	}
	return 0
}

// IsMap says whether the value is an object.
func (v Value) IsMap() bool {
	_, ok := v.data.(map[string]any)
	return ok
}

// Text returns a text, empty for anything else.
func (v Value) Text() string {
	text, _ := v.data.(string)
	return text
}

// IsText says whether the value is a text.
func (v Value) IsText() bool {
	_, ok := v.data.(string)
	return ok
}

// Scalar returns a text, number or boolean as text.
func (v Value) Scalar() string {
	switch data := v.data.(type) {
	case string:
		return data
	case bool:
		return strconv.FormatBool(data)
	case float64:
		return strconv.FormatFloat(data, 'g', -1, 64)
	}
	if n, ok := v.Int(); ok {
		return strconv.FormatInt(n, 10)
	}
	return ""
}

// Int returns a whole number.
func (v Value) Int() (int64, bool) {
	switch data := v.data.(type) {
	case int64:
		return data, true
	case int:
		return int64(data), true
	case float64:
		if data == math.Trunc(data) && math.Abs(data) < 1<<53 {
			return int64(data), true
		}
	}
	return 0, false
}

// IntOr returns a whole number, or a default where there is none.
func (v Value) IntOr(absent int64) int64 {
	if n, ok := v.Int(); ok {
		return n
	}
	return absent
}

// Is says whether the value is this boolean.
func (v Value) Is(want bool) bool {
	is, ok := v.data.(bool)
	return ok && is == want
}

// Strings returns the texts of a list.
func (v Value) Strings() []string {
	var texts []string
	for item := range v.Items() {
		if item.IsText() {
			texts = append(texts, item.Text())
		}
	}
	return texts
}

// Map returns the texts of an object: labels, annotations, selectors.
func (v Value) Map() map[string]string {
	fields, _ := v.data.(map[string]any)
	texts := make(map[string]string, len(fields))
	for key, value := range fields {
		if text, ok := value.(string); ok {
			texts[key] = text
		}
	}
	return texts
}

// Object returns the object that the value stands in.
func (v Value) Object() *Object { return v.object }

// Key returns the name of the field that the value is, empty for the item of a list.
func (v Value) Key() string {
	if v.path == nil {
		return ""
	}
	return v.path.key
}

// Pointer returns the value's RFC 6901 JSON pointer.
func (v Value) Pointer() string {
	var tokens []string
	for s := v.path; s != nil; s = s.up {
		if s.index >= 0 {
			tokens = append(tokens, strconv.Itoa(s.index))
		} else {
			tokens = append(tokens, manifest.EscapeToken(s.key))
		}
	}
	var pointer strings.Builder
	for _, token := range slices.Backward(tokens) {
		pointer.WriteString("/" + token)
	}
	return pointer.String()
}

// Place returns where the value stands, or what would hold it.
func (v Value) Place() manifest.Place { return v.object.Resource.At(v.Pointer()) }
