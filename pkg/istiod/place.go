package istiod

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// searchLimit bounds the search for places, in bytes of objects that are validated for it: thousands of tries for an
// object as people write them, few for the largest that a server takes.
const searchLimit = 4 << 20

// costOfAsking is what the smallest object costs.
const costOfAsking = 256

// search finds what a reason is about. Istio's messages name no field, but its code is a function: what a reason goes
// away without is what it is about.
type search struct {
	ask    func(map[string]any) ([]Refusal, int)
	object map[string]any
	// before are the messages for the whole object.
	before []string
	left   int
}

// place goes down to the smallest value that a message goes away without.
func (s *search) place(message string) []string {
	for _, path := range [][]string{{"spec"}, {"metadata", "annotations"}} {
		if gone, _ := s.without(path, message); !gone {
			continue
		}
		for {
			key, ok := s.cause(path, message)
			if !ok {
				return path
			}
			path = append(path, key)
		}
	}
	return nil
}

// cause is the one field or item of the value at a path that the message goes away without; ok is false where there
// are several, as of two values that are the same, or none, as where one is missing. Without some fields Istio says
// something else instead: those count where no other does.
func (s *search) cause(path []string, message string) (key string, ok bool) {
	var causes, others []string
	for _, key := range keys(at(s.object, path)) {
		gone, instead := s.without(append(slices.Clip(path), key), message)
		switch {
		case gone && !instead:
			causes = append(causes, key)
		case gone:
			others = append(others, key)
		}
	}
	if len(causes) == 0 {
		causes = others
	}
	if len(causes) != 1 {
		return "", false
	}
	return causes[0], true
}

// without says whether a message is gone without the value at a path, and whether another has come instead.
func (s *search) without(path []string, message string) (gone, instead bool) {
	if s.left <= 0 {
		return false, false
	}
	left, size := s.ask(drop(s.object, path).(map[string]any))
	s.left -= size + costOfAsking
	said := messages(left)
	return !slices.Contains(said, message), slices.ContainsFunc(said, func(m string) bool { return !slices.Contains(s.before, m) })
}

func messages(refusals []Refusal) []string {
	list := make([]string, 0, len(refusals))
	for _, refusal := range refusals {
		list = append(list, refusal.Message)
	}
	return list
}

// keys of the fields or items of a value.
func keys(value any) []string {
	switch value := value.(type) {
	case map[string]any:
		return slices.Sorted(maps.Keys(value))
	case []any:
		list := make([]string, len(value))
		for i := range value {
			list[i] = strconv.Itoa(i)
		}
		return list
	}
	return nil
}

func at(value any, path []string) any {
	for _, key := range path {
		value = child(value, key)
	}
	return value
}

func child(value any, key string) any {
	switch value := value.(type) {
	case map[string]any:
		return value[key]
	case []any:
		if i, err := strconv.Atoi(key); err == nil && i < len(value) {
			return value[i]
		}
	}
	return nil
}

// drop returns a value without what stands at a path; it shares the rest.
func drop(value any, path []string) any {
	key, rest := path[0], path[1:]
	switch value := value.(type) {
	case map[string]any:
		value = maps.Clone(value)
		if len(rest) > 0 {
			value[key] = drop(value[key], rest)
		} else {
			delete(value, key)
		}
		return value
	case []any:
		i, _ := strconv.Atoi(key)
		if len(rest) == 0 {
			return slices.Delete(slices.Clone(value), i, i+1)
		}
		value = slices.Clone(value)
		value[i] = drop(value[i], rest)
		return value
	}
	return value
}

func pointer(path []string) string {
	var text strings.Builder
	for _, key := range path {
		text.WriteByte('/')
		text.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(key))
	}
	return text.String()
}
