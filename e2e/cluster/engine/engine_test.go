package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/cluster/engine"
)

// TestPodman keeps storage, networks and locks in its own folders, not in those of the machine's podman.
func TestPodman(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	podman, err := engine.Podman(dir, "/built/runc")
	require.NoError(t, err)
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return string(content)
	}
	storage := read("storage.conf")
	assert.Contains(t, storage, "graphroot = '"+dir+"/storage'")
	assert.Contains(t, storage, "runroot = '/run/kservegen/")
	containers := read("containers.conf")
	assert.Contains(t, containers, "network_config_dir = '"+dir+"/networks'")
	assert.Contains(t, containers, "lock_type = 'file'")
	assert.Contains(t, containers, "runc = ['/built/runc']")
	assert.Contains(t, podman.Env, "CONTAINERS_CONF="+dir+"/containers.conf")
	before, err := os.Stat(filepath.Join(dir, "storage.conf"))
	require.NoError(t, err)
	_, err = engine.Podman(dir, "/built/other")
	require.NoError(t, err)
	after, err := os.Stat(filepath.Join(dir, "storage.conf"))
	require.NoError(t, err)
	assert.True(t, os.SameFile(before, after) && before.ModTime().Equal(after.ModTime()), "what is the same is not written again")
	assert.Contains(t, read("containers.conf"), "runc = ['/built/other']")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "and nothing is left beside")
	other, err := engine.Podman(t.TempDir(), "/built/runc")
	require.NoError(t, err)
	assert.NotEqual(t, podman.Env, other.Env)
}

// TestRun passes input and environment on, and says how a command failed by the end of what it wrote.
func TestRun(t *testing.T) {
	t.Parallel()
	output, err := engine.Run(t.Context(), []string{"WORD=b"}, strings.NewReader("a"), "sh", "-c", `cat; echo "$WORD"`)
	require.NoError(t, err)
	assert.Equal(t, "ab\n", output)
	_, err = engine.Run(t.Context(), nil, nil, "sh", "-c", "seq 100; echo cause >&2; exit 3")
	require.ErrorContains(t, err, "exit status 3\ncause")
	_, err = engine.Run(t.Context(), nil, nil, "sh", "-c", "seq 100; exit 3")
	require.ErrorContains(t, err, "\n100")
	assert.NotContains(t, err.Error(), "\n50\n")
}
