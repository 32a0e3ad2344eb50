package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWithoutLocks(t *testing.T) {
	t.Parallel()
	trees := filepath.Join(t.TempDir(), "trees")
	require.NoError(t, os.MkdirAll(filepath.Join(trees, "model", "base"), 0o755))
	for _, name := range []string{"kservegen.lock", "base/kustomization.yaml"} {
		require.NoError(t, os.WriteFile(filepath.Join(trees, "model", name), nil, 0o600))
	}
	foreign, err := withoutLocks(trees, filepath.Join(t.TempDir(), "foreign"))
	require.NoError(t, err)
	assert.NoFileExists(t, filepath.Join(foreign, "model", "kservegen.lock"))
	assert.FileExists(t, filepath.Join(foreign, "model", "base", "kustomization.yaml"))
	assert.FileExists(t, filepath.Join(trees, "model", "kservegen.lock"), "the trees stay as they are")
	_, err = withoutLocks(foreign, filepath.Join(t.TempDir(), "again"))
	assert.ErrorContains(t, err, "no lock", "or the row would measure the same twice")
}
