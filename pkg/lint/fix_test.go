package lint_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
)

// TestFixesTakeFindingsAway: after the edits of a fixture the findings that had one are gone, no other has come,
// and no line but the edited ones has changed.
func TestFixesTakeFindingsAway(t *testing.T) {
	t.Parallel()
	fixed := map[string]bool{}
	for _, f := range fixtures(t) {
		set := readSet(t, f.file, f.data)
		options := lint.Options{Versions: versionsOf(t, f.data)}
		before := run(t, options.Versions, set)
		edits := editsOf(before)
		if len(edits) == 0 {
			continue
		}
		out, made := lint.Apply(f.data, edits)
		assert.Equal(t, len(edits), made, "%s: every edit of a fixture can be made", f.file)
		after := run(t, options.Versions, readSet(t, f.file, out))
		assert.Len(t, after, len(before)-made, f.file)
		lines := strings.Split(string(f.data), "\n")
		for _, line := range strings.Split(string(out), "\n") {
			if !strings.Contains(line, "# want:") {
				assert.Contains(t, lines, line, f.file)
			}
		}
		again, made := lint.Apply(out, edits)
		if f.code != "KG0508" {
			assert.Zerof(t, made, "%s: the place doesn't look as expected any more", f.file)
			assert.Equal(t, string(out), string(again))
		}
		fixed[f.code] = true
	}
	for _, code := range []string{"KG0105", "KG0201", "KG0206", "KG0220", "KG0223", "KG0308", "KG0508"} {
		assert.Truef(t, fixed[code], "no fixture shows the fix of %s", code)
	}
}

func editsOf(findings []finding.Finding) []finding.Edit {
	var edits []finding.Edit
	for _, f := range findings {
		if f.Edit != (finding.Edit{}) {
			edits = append(edits, f.Edit)
		}
	}
	return edits
}

func TestApplyKeepsItsHandsOff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, want string
		edit       finding.Edit
	}{
		"quoted":             {"a: \"x\" # why\n", "a: y # why\n", finding.Edit{Line: 1, Column: 4, Key: "a", Old: "x", Text: "y"}},
		"single quotes":      {"a: 'it''s'\n", "a: y\n", finding.Edit{Line: 1, Column: 4, Key: "a", Old: "it's", Text: "y"}},
		"behind a wide rune": {"é🙂: {a: x}\n", "é🙂: {a: y}\n", finding.Edit{Line: 1, Column: 9, Key: "a", Old: "x", Text: "y"}},
		"another value":      {"a: z\n", "a: z\n", finding.Edit{Line: 1, Column: 4, Key: "a", Old: "x", Text: "y"}},
		"line is gone":       {"a: x\n", "a: x\n", finding.Edit{Line: 9, Column: 4, Key: "a", Old: "x", Text: "y"}},
		"no line":            {"a: x\n", "a: x\n", finding.Edit{Key: "a", Old: "x", Text: "y"}},
		"column is gone":     {"a: x\n", "a: x\n", finding.Edit{Line: 1, Column: 40, Key: "a", Old: "x", Text: "y"}},
		"entry removed":      {"b: 1\na: x # why\nc: 2\n", "b: 1\nc: 2\n", finding.Edit{Line: 2, Column: 4, Key: "a", Old: "x"}},
		"last line":          {"b: 1\na: x", "b: 1\n", finding.Edit{Line: 2, Column: 4, Key: "a", Old: "x"}},
		"only entry":         {"m:\n  a: x\nn: 1\n", "m:\n  a: x\nn: 1\n", finding.Edit{Line: 2, Column: 6, Key: "a", Old: "x"}},
		"in a flow":          {"m: {a: x, b: 1}\n", "m: {a: x, b: 1}\n", finding.Edit{Line: 1, Column: 8, Key: "a", Old: "x"}},
		"first of an item":   {"- a: x\n  b: 1\n", "- a: x\n  b: 1\n", finding.Edit{Line: 1, Column: 6, Key: "a", Old: "x"}},
		"carriage returns":   {"b: 1\r\na: x\r\nc: 2\r\n", "b: 1\r\nc: 2\r\n", finding.Edit{Line: 2, Column: 4, Key: "a", Old: "x"}},
		"byte order mark":    {"\ufeffa: x\n", "\ufeffa: y\n", finding.Edit{Line: 1, Column: 4, Key: "a", Old: "x", Text: "y"}},
	} {
		out, _ := lint.Apply([]byte(c.file), []finding.Edit{c.edit, c.edit})
		assert.Equal(t, c.want, string(out), name)
	}
}
