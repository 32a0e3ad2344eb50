//go:build unix

package txn

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A second writer, and a second recovery, get an error while the first is at work, and find the root free afterwards.
func TestSecondWriter(t *testing.T) {
	t.Parallel()
	s := realistic()
	root := s.setUp(t)
	want := fmt.Sprintf("locking %s: another kservegen is writing here; wait until it ends, then run this again", filepath.Join(root, lockName))
	seconds := 0
	_, err := Commit(context.Background(), root, s.changes, Options{FS: &hooked{FS: OS(), before: func(op, _ string) {
		if op == "readfile" {
			return
		}
		seconds++
		_, err := Commit(context.Background(), root, []Change{write("second", "x")}, Options{})
		require.EqualError(t, err, want)
		require.ErrorIs(t, err, ErrLocked)
		_, err = Recover(root, nil)
		assert.EqualError(t, err, want)
	}}})
	require.NoError(t, err)
	require.Equal(t, 8+2+12, seconds, "staged files, journal, renames: each was tried against")
	require.Equal(t, s.before.with(s.changes), snapshot(t, root))
	_, err = Commit(context.Background(), root, []Change{write("second", "x")}, Options{})
	require.NoError(t, err)
}

// Many writers at once: each has its way or is told to wait; at the end the tree is the work of one.
func TestManyWriters(t *testing.T) {
	t.Parallel()
	root := filepath.Join(scratch(t), "out")
	const writers, files, rounds = 8, 10, 20
	var wg sync.WaitGroup
	for n := range writers {
		wg.Go(func() {
			for round := 0; round < rounds; {
				_, err := Commit(context.Background(), root, numbered(files, fmt.Sprintf("%d.%d", n, round)), Options{})
				if err == nil {
					round++
				} else if !errors.Is(err, ErrLocked) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	got := snapshot(t, root)
	require.Len(t, got, files+1)
	for i := range files {
		assert.Equal(t, got["d/0"], got[fmt.Sprintf("d/%d", i)])
	}
	noWorkDir(t, root)
}

// numbered are changes that give each of n files one content.
func numbered(n int, content string) []Change {
	var changes []Change
	for i := range n {
		changes = append(changes, write(fmt.Sprintf("d/%d", i), content))
	}
	return changes
}
