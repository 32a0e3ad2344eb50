package mutationtest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// mutant is a tree with one mistake in it.
type mutant struct {
	operator string
	// object is the index of the one that is changed, changed what it becomes; nil where it is dropped.
	object  int
	changed map[string]any
	// place is the JSON pointer of the value, was and is what stood and stands there.
	place   string
	was, is any
}

// String names the mistake in one line.
func (m mutant) String() string {
	if _, dropped := m.is.(gone); dropped {
		return m.place + " dropped"
	}
	return fmt.Sprintf("%s: %s for %s", m.place, short(m.is), short(m.was))
}

func short(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}

// mutants are all that the operators can make of the objects and that are not in seen yet.
func mutants(objects []map[string]any, seen map[string]bool) []mutant {
	var made []mutant
	for i, object := range objects {
		kind, _ := object["kind"].(string)
		walk(object, "", "", func(pattern, pointer string, value any) {
			for _, operator := range operators() {
				for _, other := range operator.at(kind, pattern, value) {
					m := mutant{operator: operator.name, object: i, place: pointer, was: value, is: other}
					m.changed = replace(object, pointer, other)
					if key := m.key(object); !seen[key] {
						seen[key] = true
						made = append(made, m)
					}
				}
			}
		})
	}
	return made
}

// key is the same for the same mistake in the same object, whichever tree it stands in.
func (m mutant) key(original map[string]any) string {
	content := m.changed
	if content == nil {
		content = original
	}
	encoded, err := json.Marshal(content)
	if err != nil {
		encoded = fmt.Append(nil, content) // JSON values always marshal
	}
	return fmt.Sprintf("%v %x", m.changed == nil, sha256.Sum256(encoded))
}

// at returns what the operator puts in the place of a value.
func (o operator) at(kind, pattern string, value any) []any {
	var others []any
	for _, e := range o.edits {
		if (len(e.kinds) == 0 || slices.Contains(e.kinds, kind)) && e.at.MatchString(pattern) {
			others = append(others, e.change(value)...)
		}
	}
	return others
}

// walk visits every value with its pointer, and with the pointer that has * for each index.
func walk(value any, pattern, pointer string, visit func(pattern, pointer string, value any)) {
	visit(pattern, pointer, value)
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			token := "/" + manifest.EscapeToken(key)
			walk(value[key], pattern+token, pointer+token, visit)
		}
	case []any:
		for i, item := range value {
			walk(item, pattern+"/*", fmt.Sprint(pointer, "/", i), visit)
		}
	}
}

// replace returns a copy with another value at a pointer; nil where the object itself is dropped.
func replace(object map[string]any, pointer string, value any) map[string]any {
	if pointer == "" {
		return nil
	}
	copied := manifest.DeepCopy(object)
	reassign := func(any) {}
	var at any = copied
	tokens := strings.Split(pointer[1:], "/")
	for i, token := range tokens {
		last := i == len(tokens)-1
		switch holder := at.(type) {
		case map[string]any:
			key := manifest.UnescapeToken(token)
			if last {
				put(holder, key, value)
				return copied
			}
			reassign = func(other any) { holder[key] = other }
			at = holder[key]
		case []any:
			index := indexOf(token)
			if last {
				reassign(putAt(holder, index, value))
				return copied
			}
			reassign = func(other any) { holder[index] = other }
			at = holder[index]
		}
	}
	return copied
}

func indexOf(token string) int {
	index := 0
	for _, digit := range token {
		index = 10*index + int(digit-'0')
	}
	return index
}

func put(holder map[string]any, key string, value any) {
	if _, dropped := value.(gone); dropped {
		delete(holder, key)
		return
	}
	holder[key] = value
}

func putAt(holder []any, index int, value any) []any {
	if _, dropped := value.(gone); dropped {
		return slices.Delete(holder, index, index+1)
	}
	holder[index] = value
	return holder
}
