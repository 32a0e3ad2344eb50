//go:build unix

package txn

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCancel(t *testing.T) {
	t.Parallel()
	for _, s := range []scenario{realistic(), first()} {
		for at := range 5 {
			root := s.setUp(t)
			ctx, cancel := context.WithCancel(context.Background())
			if at == 0 {
				cancel()
			}
			_, err := Commit(ctx, root, s.changes, Options{Last: isLock, Progress: func(done, _ int) {
				require.LessOrEqual(t, done, at, "staging went on")
				if done == at { // the last of four files of the first rendering: all is staged, nothing is decided
					cancel()
				}
			}})
			require.Equal(t, context.Canceled, err)
			require.Equal(t, s.before, snapshot(t, root))
			noWorkDir(t, root)
			if s.missing {
				require.NoDirExists(t, root)
			}
			cancel()
		}
	}
}

// A large tree is compared for seconds: that can be cancelled, too.
func TestCancelWhileComparing(t *testing.T) {
	t.Parallel()
	s := realistic()
	root := s.setUp(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	reads := 0
	_, err := Commit(ctx, root, s.changes, Options{FS: &hooked{FS: OS(), before: func(op, name string) {
		if op == "readfile" && name != journalName {
			reads++
			cancel()
		}
	}}})
	require.Equal(t, context.Canceled, err)
	require.Equal(t, 1, reads)
}

// A cancelled context stops nothing once the changes are decided.
func TestCancelIsTooLate(t *testing.T) {
	t.Parallel()
	s := realistic()
	root := s.setUp(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := Commit(ctx, root, s.changes, Options{FS: &hooked{FS: OS(), before: func(op, name string) {
		if op == "rename" && name == journalName {
			cancel()
		}
	}}})
	require.NoError(t, err)
	require.Equal(t, s.before.with(s.changes), snapshot(t, root))
}
