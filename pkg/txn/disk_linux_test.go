package txn

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A disk that is full for real, at every size from too small for anything to just enough: old tree or new tree.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	failed := 0
	for kib := 64; !fits(t, dir, kib); kib += 64 {
		require.Less(t, kib, 4096, "never fits")
		failed++
	}
	require.Positive(t, failed)
}

// fits replaces a tree on a file system of the given size and says whether there was room.
func fits(t *testing.T, dir string, kib int) bool {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk", kib)); err != nil {
		t.Skipf("mounting a small file system needs root: %v", err)
	}
	// Detached: a process that another test is starting holds the files of this one for a moment (golang/go#22315).
	defer func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) }()
	root := filepath.Join(dir, "out")
	before := tree{"a": folder(0o755), "a/0": file(0o644, "old"), "a/gone": file(0o644, "gone")}
	before.make(t, root)
	changes := []Change{remove("a/gone")}
	for i := range 80 {
		changes = append(changes, write(fmt.Sprintf("a/%d", i), strings.Repeat("x", 4096)))
	}
	_, err := Commit(context.Background(), root, changes, Options{})
	if err == nil {
		require.Equal(t, before.with(changes), snapshot(t, root))
		return true
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Equal(t, before, snapshot(t, root))
	noWorkDir(t, root)
	return false
}
