package mutationtest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// operator is one kind of mistake. Its edits are what it can do, each where the place matches.
type operator struct {
	name  string
	edits []edit
}

// edit changes values at places: JSON pointers with * for an index. Kinds are those of the objects, any if none.
type edit struct {
	kinds  []string
	at     *regexp.Regexp
	change change
}

// change returns what may stand in the value's place; nothing where the mistake cannot be made.
type change func(value any) []any

// gone stands for a value that is dropped.
type gone struct{}

func at(pointer string, change change, kinds ...string) edit {
	return edit{kinds: kinds, at: regexp.MustCompile(`^` + pointer + `$`), change: change}
}

func drop(any) []any { return []any{gone{}} }

func set(values ...any) change {
	return func(value any) []any {
		var others []any
		for _, other := range values {
			if other != value {
				others = append(others, other)
			}
		}
		return others
	}
}

// text changes a text by all of the functions; an empty or unchanged result is no mistake.
func text(changes ...func(string) string) change {
	return func(value any) []any {
		old, ok := value.(string)
		if !ok {
			return nil
		}
		var others []any
		for _, change := range changes {
			if other := change(old); other != "" && other != old {
				others = append(others, other)
			}
		}
		return others
	}
}

func misspell(s string) string { return s + "x" }

// numbers changes a number, also one that is written as a text or ends an argument such as --port=8080.
func numbers(changes ...func(int64) int64) change {
	return func(value any) []any {
		var others []any
		for _, change := range changes {
			switch value := value.(type) {
			case int64:
				if other := change(value); other != value {
					others = append(others, other)
				}
			case string:
				flag, digits, isFlag := strings.Cut(value, "=")
				if !isFlag {
					flag, digits = "", value
				} else {
					flag += "="
				}
				if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
					others = append(others, fmt.Sprint(flag, change(n)))
				}
			}
		}
		return others
	}
}

// inShares changes the weight of one backend of several; where there is one alone, its weight means nothing.
func inShares(change change) change {
	return func(value any) []any {
		backends, _ := value.([]any)
		if len(backends) < 2 {
			return nil
		}
		var others []any
		for i := range backends {
			backend, _ := backends[i].(map[string]any)
			for _, weight := range change(backend["weight"]) {
				changed := maps.Clone(backend)
				put(changed, "weight", weight)
				others = append(others, slices.Replace(slices.Clone(backends), i, i+1, any(changed)))
			}
		}
		return others
	}
}

func add(n int64) func(int64) int64   { return func(v int64) int64 { return v + n } }
func times(n int64) func(int64) int64 { return func(v int64) int64 { return v * n } }

// argument changes the value of one argument.
func argument(name string, inner change) change {
	return func(value any) []any {
		if given, ok := value.(string); ok && strings.HasPrefix(given, name+"=") {
			return inner(value)
		}
		return nil
	}
}

// either takes the first change that has something to offer.
func either(changes ...change) change {
	return func(value any) []any {
		for _, change := range changes {
			if others := change(value); len(others) > 0 {
				return others
			}
		}
		return nil
	}
}

// replaced is what a pattern's first match becomes; texts without one are left alone.
func replaced(pattern, by string) func(string) string {
	compiled := regexp.MustCompile(pattern)
	return func(s string) string {
		if !compiled.MatchString(s) {
			return ""
		}
		return compiled.ReplaceAllString(s, by)
	}
}
