package cluster

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSuperseded keeps of each name what was used last, and what has no digest.
func TestSuperseded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, used := range map[string]int{
		"pause-00000000000000aa": 3, "pause-00000000000000bb": 1, "pause-00000000000000cc": 2,
		"vllm-v1-00000000000000aa.tar": 1, "vllm-v1-00000000000000bb.tar": 2, "vllm-v2-00000000000000aa.tar": 1,
		"base-00000000000000aa.tar.gz": 1, "base-00000000000000bb.tar.gz": 2, "lock": 1,
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, nil, 0o644))
		at := time.Unix(int64(1e9+used), 0)
		require.NoError(t, os.Chtimes(path, at, at))
	}
	require.NoError(t, superseded(dir))
	require.NoError(t, superseded(filepath.Join(dir, "none")))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var left []string
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	assert.Equal(t, []string{
		"base-00000000000000bb.tar.gz", "lock", "pause-00000000000000aa", "vllm-v1-00000000000000bb.tar", "vllm-v2-00000000000000aa.tar",
	}, left)
}

// TestClean removes what was built, and nothing else of the cache.
func TestClean(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("KSERVEGEN_CACHE", cache)
	s, _ := open(t)
	for _, name := range []string{"cluster/podman/storage", "tools/etcd", "other"} {
		require.NoError(t, os.MkdirAll(filepath.Join(cache, name), 0o755))
	}
	require.NoError(t, s.Lock(t.Context()))
	require.NoError(t, s.Clean(t.Context()))
	require.NoError(t, s.Unlock())
	entries, err := os.ReadDir(cache)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	assert.Equal(t, "other", entries[0].Name())
}
