package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLock lets one in at a time, and names it to the other.
func TestLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := &Suite{dir: dir}, &Suite{dir: dir}
	require.NoError(t, first.Lock(t.Context()))
	require.ErrorContains(t, second.Lock(t.Context()), fmt.Sprintf("process %d runs the suite in the same cluster", os.Getpid()))
	require.NoError(t, second.Unlock(), "it holds nothing")
	require.NoError(t, first.Unlock())
	require.NoError(t, second.Lock(t.Context()))
	require.NoError(t, second.Unlock())
}

// TestSweep removes what is half made, and nothing that is whole.
func TestSweep(t *testing.T) {
	t.Parallel()
	s := &Suite{dir: t.TempDir()}
	half := []string{
		"node/rootfs-1/proc", "node/rootfs-1.tar.gz", "node/node-2/containerd", "node/images/layer-3.tar",
		"node/images/pause-3.10-0a1b.tar.77", "images/layer-4.tar", "images/vllm-v1-0a1b.tar.77", "programs/vllm.77",
	}
	whole := []string{"node/base-0a1b.tar.gz", "node/images/pause-3.10-0a1b.tar", "images/vllm-v1-0a1b.tar", "programs/vllm-0a1b", "podman/storage"}
	for _, name := range append(half[:len(half):len(half)], whole...) {
		require.NoError(t, os.MkdirAll(filepath.Join(s.dir, name), 0o755))
	}
	require.NoError(t, s.Lock(t.Context()))
	for _, name := range half {
		assert.NoDirExists(t, filepath.Join(s.dir, name))
	}
	for _, name := range whole {
		assert.DirExists(t, filepath.Join(s.dir, name))
	}
	require.NoError(t, s.Unlock())
}
