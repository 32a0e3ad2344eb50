package effective

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// KServe executes containers, and the templates of inferenceservice-config, as Go templates (ReplacePlaceholders,
// GenerateDomainName). A loop or a nested call can take any time and memory, so what holds one is not run. An
// action cannot reach over two texts of an object: JSON puts quotes between them.
var unbounded = regexp.MustCompile(`\{\{-?\s*(range|template|block|define)\b|\{\{.*\bprintf\b`)

// checkBounded finds a text that is better not executed, the first in the order of the fields. Pointers are only
// made where there is one: that cost more than the looking.
func checkBounded(v any) error {
	if !holdsUnbounded(v) {
		return nil
	}
	for _, l := range leaves(v) {
		if found := findUnbounded(l.value); found != "" {
			return fmt.Errorf("%s holds %q: KServe would execute it as a Go template without a limit; it is not run here", l.pointer, found)
		}
	}
	return nil
}

// findUnbounded returns what makes a text unbounded; empty where nothing does, or v is no text.
func findUnbounded(v any) string {
	text, ok := v.(string)
	if !ok || !strings.Contains(text, "{{") {
		return ""
	}
	return unbounded.FindString(strings.ReplaceAll(text, "\n", " "))
}

func holdsUnbounded(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, value := range v {
			if holdsUnbounded(value) {
				return true
			}
		}
		return false
	case []any:
		return slices.ContainsFunc(v, holdsUnbounded)
	}
	return findUnbounded(v) != ""
}
