//go:build unix

package txn

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// trace runs the scenario once without a fault and returns its operations and the number of the one that ends the transaction.
func (s scenario) trace(t *testing.T, noLinks bool) (ops []string, end int) {
	root := s.setUp(t)
	f := &faulty{noLinks: noLinks}
	_, err, _ := s.commit(root, f)
	require.NoError(t, err)
	require.Equal(t, s.before.with(s.changes), snapshot(t, root))
	end = slices.Index(f.ops, "remove "+journalName) + 1
	require.Positive(t, end)
	return f.ops, end
}

// variants are the scenarios that the fault tests go through, with and without hard links.
func variants(t *testing.T, test func(t *testing.T, s scenario, noLinks bool)) {
	for _, s := range []scenario{realistic(), first()} {
		for name, noLinks := range map[string]bool{"links": false, "no links": true} {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				test(t, s, noLinks)
			})
		}
	}
}

func TestErrorAtEveryOperation(t *testing.T) {
	t.Parallel()
	variants(t, func(t *testing.T, s scenario, noLinks bool) {
		ops, end := s.trace(t, noLinks)
		root := s.setUp(t)
		for n := 1; n <= len(ops); n++ {
			s.reset(t, root)
			_, err, _ := s.commit(root, &faulty{failAt: n, noLinks: noLinks})
			if n > end { // done: what fails is cleaning up
				require.NoError(t, err, ops[n-1])
				require.Equal(t, s.before.with(s.changes), snapshot(t, root), ops[n-1])
			} else {
				require.ErrorIs(t, err, syscall.ENOSPC, ops[n-1])
				require.Equal(t, s.before, snapshot(t, root), ops[n-1])
			}
			require.False(t, journalStands(root), ops[n-1])
			after := snapshot(t, root)
			_, err = Recover(root, nil)
			require.NoError(t, err, ops[n-1])
			noWorkDir(t, root)
			require.Equal(t, after, snapshot(t, root), ops[n-1])
		}
	})
}

// From one operation on nothing works any more, or nothing that needs room: the old files cannot always be put back at once.
func TestLastingErrors(t *testing.T) {
	t.Parallel()
	lasting := map[string]func(op string) bool{
		"everything fails": func(string) bool { return true },
		"disk full":        func(op string) bool { return slices.Contains([]string{"writefile", "mkdir", "link"}, op) },
		"no renames":       func(op string) bool { return op == "rename" },
		"no removals":      func(op string) bool { return op == "remove" },
	}
	for name, fails := range lasting {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := realistic()
			ops, end := s.trace(t, false)
			root := s.setUp(t)
			for n := 1; n <= end; n++ {
				s.reset(t, root)
				_, err, _ := s.commit(root, &faulty{failAt: n, lasting: fails})
				require.ErrorIs(t, err, syscall.ENOSPC, ops[n-1])
				want := s.before
				if journalStands(root) {
					require.ErrorContains(t, err, "the next run finishes the write or puts them back")
					want = s.before.with(s.changes)
				} else {
					require.Equal(t, s.before, snapshot(t, root), ops[n-1])
				}
				_, err = Recover(root, nil)
				require.NoError(t, err, ops[n-1])
				require.Equal(t, want, snapshot(t, root), ops[n-1])
				noWorkDir(t, root)
			}
		})
	}
}

func TestKillAtEveryOperation(t *testing.T) {
	t.Parallel()
	variants(t, func(t *testing.T, s scenario, noLinks bool) {
		ops, end := s.trace(t, noLinks)
		root := s.setUp(t)
		for n := 1; n <= len(ops); n++ {
			s.reset(t, root)
			_, _, dead := s.commit(root, &faulty{killAt: n, noLinks: noLinks})
			require.True(t, dead, ops[n-1])
			want := s.before
			if journalStands(root) || n > end {
				want = s.before.with(s.changes)
			}
			stood := journalStands(root)
			report, err := Recover(root, nil)
			require.NoError(t, err, ops[n-1])
			require.Equal(t, want, snapshot(t, root), ops[n-1])
			require.Equal(t, stood, strings.Contains(report, "finished"), report)
			noWorkDir(t, root)
		}
	})
}

// Killed at any operation, and the recovery killed at any of its own; with a broken-off Commit instead of Recover, too.
func TestKillDuringRecovery(t *testing.T) {
	t.Parallel()
	variants(t, func(t *testing.T, s scenario, noLinks bool) {
		ops, end := s.trace(t, noLinks)
		root := s.setUp(t)
		for n := range strided(t, ops) {
			for m := 1; ; m++ {
				s.reset(t, root)
				_, _, _ = s.commit(root, &faulty{killAt: n, noLinks: noLinks})
				want := s.before
				if journalStands(root) || n > end {
					want = s.before.with(s.changes)
				}
				_, err, dead := recoverWith(root, &faulty{killAt: m, noLinks: noLinks})
				require.NoError(t, err)
				_, err = Recover(root, nil)
				require.NoError(t, err, "%s, then operation %d", ops[n-1], m)
				require.Equal(t, want, snapshot(t, root), "%s, then operation %d", ops[n-1], m)
				noWorkDir(t, root)
				if !dead {
					break
				}
			}
		}
	})
}

// An error, and a kill while the old files are put back.
func TestKillDuringUndo(t *testing.T) {
	t.Parallel()
	variants(t, func(t *testing.T, s scenario, noLinks bool) {
		ops, end := s.trace(t, noLinks)
		root := s.setUp(t)
		for n := range strided(t, ops[:end]) {
			for m := n + 1; ; m++ {
				s.reset(t, root)
				_, _, dead := s.commit(root, &faulty{failAt: n, killAt: m, noLinks: noLinks})
				want := s.before
				if journalStands(root) {
					want = s.before.with(s.changes)
				}
				_, err := Recover(root, nil)
				require.NoError(t, err, "%s, then operation %d", ops[n-1], m)
				require.Equal(t, want, snapshot(t, root), "%s, then operation %d", ops[n-1], m)
				noWorkDir(t, root)
				if !dead {
					break
				}
			}
		}
	})
}

// Recovery meets an error itself: it goes back, or stops and can be run again.
func TestErrorDuringRecovery(t *testing.T) {
	t.Parallel()
	variants(t, func(t *testing.T, s scenario, noLinks bool) {
		ops, _ := s.trace(t, noLinks)
		root := s.setUp(t)
		for n := range strided(t, ops) {
			for m := 1; ; m++ {
				s.reset(t, root)
				_, _, _ = s.commit(root, &faulty{killAt: n, noLinks: noLinks})
				f := &faulty{failAt: m, noLinks: noLinks}
				report, err, _ := recoverWith(root, f)
				undone := err == nil && strings.Contains(report, "undid")
				if undone {
					require.Equal(t, s.before, snapshot(t, root), "%s, then %s", ops[n-1], f.ops[m-1])
				}
				stands := journalStands(root)
				_, err = Recover(root, nil)
				require.NoError(t, err)
				got := snapshot(t, root)
				if stands {
					require.Equal(t, s.before.with(s.changes), got)
				} else {
					require.Contains(t, []tree{s.before, s.before.with(s.changes)}, got, "%s, then operation %d", ops[n-1], m)
				}
				if m > len(f.ops) {
					break
				}
			}
		}
	})
}

// strided yields the numbers of the operations: all of them, or every fifth with -short, for the pairs of operations are thousands of runs.
func strided(t *testing.T, ops []string) func(func(int) bool) {
	t.Helper()
	step := 1
	if testing.Short() {
		step = 5
	}
	return func(yield func(int) bool) {
		for n := 1; n <= len(ops); n += step {
			if !yield(n) {
				return
			}
		}
	}
}
