package envtest

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/envtest/api"
)

var update = flag.Bool("update", false, "rewrite the lists of disagreements")

// Lines of the lists stay readable.
const (
	longestValue   = 40
	longestMessage = 160
)

var (
	longValue    = regexp.MustCompile(fmt.Sprintf(`"([^"]{%d})[^"]*"`, longestValue))
	webhookNamed = regexp.MustCompile(`^admission webhook "[^"]+" denied the request: `)
	blanks       = regexp.MustCompile(`\s+`)
)

// line says what both judges say of an object, the same in every run.
func (c comparison) line(reason string) string {
	object := c.Mutant.String()
	if c.Operator == asWritten {
		object = fmt.Sprintf("%s %s of %s", c.Kind, c.Name, c.Change)
	}
	who, verdict := "the server", c.server
	switch {
	case c.server.Accepted:
		who, verdict = "kservegen", c.own
	case c.server.Webhook != "":
		who = c.server.Webhook
	}
	return fmt.Sprintf("%s | %s refuses %s | %s", shorten(object), who, firstCause(verdict), reason)
}

// firstCause is the first in the order of the text: the server goes through maps.
func firstCause(verdict api.Verdict) string {
	causes := slices.Clone(verdict.Causes)
	slices.SortFunc(causes, func(a, b api.Cause) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	message := shorten(webhookNamed.ReplaceAllString(causes[0].Message, ""))
	return cmp.Or(causes[0].Path, "the object") + ": " + message
}

func shorten(text string) string {
	text = blanks.ReplaceAllString(longValue.ReplaceAllString(text, `"$1…"`), " ")
	if runes := []rune(text); len(runes) > longestMessage {
		return string(runes[:longestMessage]) + "…"
	}
	return text
}

// assertListed compares the disagreements with a list that is kept: a new one is looked at before it is added,
// and one that is gone leaves the list.
func assertListed(t *testing.T, file string, compared []comparison, reason func(comparison) string) {
	t.Helper()
	var lines []string
	for _, one := range compared {
		if !one.agrees() {
			why := reason(one)
			assert.NotEqual(t, unexplained, why, one.line(why))
			lines = append(lines, one.line(why)+"\n")
		}
	}
	slices.Sort(lines)
	got := strings.Join(lines, "")
	path := filepath.Join("testdata", file)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equalf(t, string(want), got, "read the difference; then go test -run %s -update", t.Name())
}
