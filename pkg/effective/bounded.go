package effective

import (
	"fmt"
	"regexp"
	"strings"
)

// KServe executes containers, and the templates of inferenceservice-config, as Go templates (ReplacePlaceholders,
// GenerateDomainName). A loop or a nested call can take any time and memory, so what holds one is not run. An
// action cannot reach over two texts of an object: JSON puts quotes between them.
var unbounded = regexp.MustCompile(`\{\{-?\s*(range|template|block|define)\b|\{\{.*\bprintf\b`)

// checkBounded finds a text that is better not executed.
func checkBounded(v any) error {
	for _, l := range leaves(v) {
		text, ok := l.value.(string)
		if !ok || !strings.Contains(text, "{{") {
			continue
		}
		if found := unbounded.FindString(strings.ReplaceAll(text, "\n", " ")); found != "" {
			return fmt.Errorf("%s holds %q: KServe would execute it as a Go template without a limit; it is not run here", l.pointer, found)
		}
	}
	return nil
}
