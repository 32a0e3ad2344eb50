//go:build unix

package txn

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCommit(t *testing.T) {
	t.Parallel()
	for _, s := range []scenario{realistic(), first()} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			root := s.setUp(t)
			res, err := Commit(context.Background(), root, s.changes, Options{Last: isLock})
			require.NoError(t, err)
			require.Equal(t, s.before.with(s.changes), snapshot(t, root))
			noWorkDir(t, root)
			assert.Equal(t, len(s.changes), res.Written+res.Removed+res.Unchanged)
			assert.Empty(t, res.Recovered)
		})
	}
}

// The tree of TestCommit, by hand: the model that the other tests compare with could be wrong itself.
func TestCommitByHand(t *testing.T) {
	t.Parallel()
	s := realistic()
	root := s.setUp(t)
	res, err := Commit(context.Background(), root, s.changes, Options{})
	require.NoError(t, err)
	assert.Equal(t, Result{Written: 8, Removed: 4, Unchanged: 2}, res)
	after := snapshot(t, root)
	for name, want := range map[string]string{
		"m/base/a.yaml":                     "0644 same\n",
		"m/base/b.yaml":                     "0644 b\n",
		"m/base/narrow.yaml":                "0600 NARROW\n",
		"m/base/gone.yaml":                  "",
		"m/overlays/left":                   "",
		"m/overlays/left/deep":              "",
		"m/overlays/mixed/theirs.md":        "0604 a person's\n",
		"m/empty":                           "0711/",
		"n/overlays":                        "0755/",
		"n/base/kustomization.yaml":         "0644 ",
		"m/overlays/dev/custom/mine.yaml":   "0644 mine\n",
		"m/never":                           "",
		"n/overlays/dev/kustomization.yaml": "0644 n dev\n",
	} {
		assert.Equal(t, want, after[name], name)
	}
}

func TestUnchangedFilesAreNotTouched(t *testing.T) {
	t.Parallel()
	s := first()
	root := s.setUp(t)
	_, err := Commit(context.Background(), root, s.changes, Options{})
	require.NoError(t, err)
	old := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	file := filepath.Join(root, "m", "base", "a.yaml")
	require.NoError(t, os.Chtimes(file, old, old))
	f := &faulty{}
	res, err, _ := s.commit(root, f)
	require.NoError(t, err)
	assert.Equal(t, Result{Unchanged: len(s.changes)}, res)
	fi, err := os.Stat(file)
	require.NoError(t, err)
	assert.True(t, fi.ModTime().Equal(old))
	reads := slices.DeleteFunc(f.ops, func(op string) bool { return !strings.HasPrefix(op, "readfile m/") })
	assert.Len(t, reads, len(s.changes), "one read each")
	noWorkDir(t, root)
}

func TestNothingToDo(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "a", "b")
	for _, changes := range [][]Change{nil, {remove("x/y")}} {
		res, err := Commit(context.Background(), root, changes, Options{})
		require.NoError(t, err)
		assert.Equal(t, Result{Unchanged: len(changes)}, res)
		assert.NoDirExists(t, filepath.Dir(root))
	}
	report, err := Recover(root, nil)
	require.NoError(t, err)
	assert.Empty(t, report)
}

// The paths of Last come at the end, in their order and not by name; the others come by name.
func TestOrder(t *testing.T) {
	t.Parallel()
	s := scenario{missing: true, changes: []Change{
		write("z.lock", "z"), write("b", "b"), write("a.lock", "a"), write("c/d", "d"), write("a", "a"), write("k.lock", "k"),
	}}
	root := s.setUp(t)
	f := &faulty{}
	_, err := Commit(context.Background(), root, s.changes, Options{FS: f, Last: func(p string) bool { return strings.HasSuffix(p, ".lock") }})
	require.NoError(t, err)
	var renamed []string
	for _, op := range f.ops {
		if name, ok := strings.CutPrefix(op, "rename "); ok && name != journalName {
			renamed = append(renamed, name)
		}
	}
	assert.Equal(t, []string{"a", "b", "c/d", "z.lock", "a.lock", "k.lock"}, renamed)
}

func TestProgress(t *testing.T) {
	t.Parallel()
	s := realistic()
	root := s.setUp(t)
	var calls [][2]int
	_, err := Commit(context.Background(), root, s.changes, Options{Progress: func(done, total int) { calls = append(calls, [2]int{done, total}) }})
	require.NoError(t, err)
	require.Len(t, calls, 8)
	assert.Equal(t, [2]int{1, 8}, calls[0])
	assert.Equal(t, [2]int{8, 8}, calls[7])
}

// A replaced file keeps its mode, whatever the umask makes of new ones; TestCommit compares modes too.
func TestModes(t *testing.T) {
	t.Parallel()
	s := scenario{before: tree{
		"a": file(0o755, "1"), "b": file(0o640, "1"), "c": file(0o444, "1"), "d": file(0o600, "1"), "e": file(0o644, "1"), "f": file(0o666, "1"),
	}}
	for name := range s.before {
		s.changes = append(s.changes, write(name, "2"))
	}
	root := s.setUp(t)
	_, err := Commit(context.Background(), root, s.changes, Options{})
	require.NoError(t, err)
	assert.Equal(t, tree{
		"a": file(0o755, "2"), "b": file(0o640, "2"), "c": file(0o444, "2"), "d": file(0o600, "2"), "e": file(0o644, "2"), "f": file(0o666, "2"),
	}, snapshot(t, root))
}

// The root itself may be a symbolic link: it is what the user named.
func TestRootIsALink(t *testing.T) {
	t.Parallel()
	s := realistic()
	root := s.setUp(t)
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(root, link))
	_, err := Commit(context.Background(), link, s.changes, Options{})
	require.NoError(t, err)
	require.Equal(t, s.before.with(s.changes), snapshot(t, root))
}

func TestRemoveEmptyFile(t *testing.T) {
	t.Parallel()
	s := scenario{before: tree{"a": file(0o644, "")}, changes: []Change{remove("a")}}
	root := s.setUp(t)
	res, err := Commit(context.Background(), root, s.changes, Options{})
	require.NoError(t, err)
	assert.Equal(t, Result{Removed: 1}, res)
	assert.Empty(t, snapshot(t, root))
}

// The journal reaches the disk before the first file of the tree changes; the files themselves are not synced.
func TestSyncs(t *testing.T) {
	t.Parallel()
	s := realistic()
	f := &faulty{}
	_, err, _ := s.commit(s.setUp(t), f)
	require.NoError(t, err)
	at := slices.Index(f.ops, "writefile "+journalTemp)
	assert.Equal(t, []string{"writefile " + journalTemp, "sync " + journalTemp, "rename " + journalName, "sync " + WorkDir}, f.ops[at:at+4])
	assert.Len(t, slices.DeleteFunc(f.ops, func(op string) bool { return !strings.HasPrefix(op, "sync ") }), 2)
}

// Some systems forbid hard links (EPERM), or removing a directory that another user owns: neither is worth failing for.
func TestNotPermitted(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"link " + oldName(2), "remove m/overlays/left/deep"} {
		s := realistic()
		root := s.setUp(t)
		_, err, _ := s.commit(root, &faulty{failAt: s.at(t, op), errno: syscall.EPERM})
		require.NoError(t, err, op)
		want := s.before.with(s.changes)
		if strings.HasPrefix(op, "remove") {
			want["m/overlays/left"], want["m/overlays/left/deep"] = folder(0o750), folder(0o700)
		}
		require.Equal(t, want, snapshot(t, root), op)
	}
}
