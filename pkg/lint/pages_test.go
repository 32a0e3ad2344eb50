package lint_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/validate"
)

var update = flag.Bool("update", false, "write the pages in docs/rules")

// TestPagesAreCurrent compares docs/rules with the rules and the other codes, and writes it with -update.
func TestPagesAreCurrent(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "docs", "rules")
	pages := map[string]string{"README.md": lint.Index(validate.Rules())}
	for _, r := range validate.Rules() {
		pages[r.Code+".md"] = lint.PlainPage(r)
	}
	for _, r := range lint.All() {
		pages[r.Code+".md"] = lint.Page(r)
	}
	if *update {
		require.NoError(t, os.RemoveAll(dir))
		require.NoError(t, os.MkdirAll(dir, 0o755))
		for name, page := range pages {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(page), 0o644))
		}
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, len(pages), "pages of rules that are gone; run go test ./pkg/lint -update")
	for name, page := range pages {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, page, string(data), "%s is out of date; run go test ./pkg/lint -update", name)
	}
}
