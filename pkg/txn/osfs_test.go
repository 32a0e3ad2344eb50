//go:build unix

package txn

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func open(t *testing.T) (string, Dir) {
	root := t.TempDir()
	d, err := OS().Open(root)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return root, d
}

// The directory that is kept open must not outlive its name.
func TestDirectoryMadeAnew(t *testing.T) {
	t.Parallel()
	_, d := open(t)
	for range 2 {
		require.NoError(t, d.Mkdir("d", 0o755))
		require.NoError(t, d.WriteFile("d/x", []byte("x"), 0o644))
		data, err := d.ReadFile("d/x")
		require.NoError(t, err)
		require.Equal(t, "x", string(data))
		require.NoError(t, d.Remove("d/x"))
		require.NoError(t, d.Remove("d"))
		_, err = d.Lstat("d/x")
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
}

func TestDirErrors(t *testing.T) {
	t.Parallel()
	_, d := open(t)
	require.NoError(t, d.Mkdir("d", 0o755))
	require.NoError(t, d.WriteFile("d/x", nil, 0o644))
	require.ErrorIs(t, d.WriteFile("d/x", []byte("y"), 0o644), fs.ErrExist)
	require.ErrorIs(t, d.Mkdir("d", 0o755), fs.ErrExist)
	require.ErrorIs(t, d.Remove("d"), fs.ErrExist, "not empty")
	require.ErrorIs(t, d.Link("d/x", "d/x"), fs.ErrExist)
	require.ErrorIs(t, d.Rename("no", "yes"), fs.ErrNotExist)
	require.ErrorIs(t, d.Sync("no"), fs.ErrNotExist)
	require.NoError(t, d.Sync("d"))
	require.NoError(t, d.Sync("d/x"))
	_, err := d.Lock("no/lock")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// Nothing leads out of the root, even where the protocol's own checks would miss it.
func TestDirStaysInside(t *testing.T) {
	t.Parallel()
	root, d := open(t)
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "x"), nil, 0o644))
	require.NoError(t, os.Symlink(outside, filepath.Join(root, "l")))
	for _, name := range []string{"l/x", "../x"} {
		_, err := d.Lstat(name)
		require.ErrorContains(t, err, "path escapes from parent")
		_, err = d.ReadFile(name)
		require.Error(t, err)
		require.Error(t, d.WriteFile(name+"2", nil, 0o644))
		require.Error(t, d.Chmod(name, 0o600))
		require.Error(t, d.Rename(name, "y"))
		require.Error(t, d.Link(name, "y"))
		require.Error(t, d.Remove(name))
	}
	assert.FileExists(t, filepath.Join(outside, "x"))
	assert.NoFileExists(t, filepath.Join(outside, "x2"))
}
