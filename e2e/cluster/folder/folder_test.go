package folder

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestUnder takes mounts of the folder, and of no other whose name begins like it.
func TestUnder(t *testing.T) {
	t.Parallel()
	table := "1 0 0:1 / / rw - overlay overlay rw\n" +
		`2 1 0:2 / /a\040b/root/proc rw,nosuid shared:5 - proc proc rw` + "\n" +
		"3 1 0:3 / /a\\040b/rooted rw - tmpfs tmpfs rw\n" +
		"4 1 0:4 / /a\\040b/root/proc/x rw - tmpfs tmpfs rw\n"
	assert.Equal(t, []string{"/a b/root/proc", "/a b/root/proc/x"}, under(table, "/a b/root"))
	assert.Equal(t, []string{"/a b/rooted"}, under(table, "/a b/rooted"))
}

// TestRemove removes a folder with what is in it, and is content with none.
func TestRemove(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "root")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "a", "b"), 0o755))
	require.NoError(t, Remove(t.Context(), dir))
	assert.NoDirExists(t, dir)
	require.NoError(t, Remove(t.Context(), dir))
}
