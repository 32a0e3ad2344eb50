//go:build unix

package txn

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is wrong with the changes themselves.
func TestRefusedChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		changes []Change
		want    string
	}{
		{"empty", []Change{write("", "x")}, `a change has an empty path; name a file below the output directory`},
		{"absolute", []Change{write("/etc/passwd", "x")}, `"/etc/passwd": is an absolute path; name a file below the output directory`},
		{"up", []Change{write("../x", "x")}, `"../x": leaves the output directory (..); name a file below it`},
		{"up inside", []Change{write("a/../b", "x")}, `"a/../b": leaves the output directory (..); name a file below it`},
		{"backslash", []Change{write(`a\b`, "x")}, `"a\\b": has a backslash in its path; separate with slashes`},
		{"NUL", []Change{write("a\x00b", "x")}, `"a\x00b": has a NUL character in its path; remove it`},
		{"dot", []Change{write(".", "x")}, `".": is not a clean path of valid UTF-8; leave out ., empty elements and a slash at the end`},
		{"slash at the end", []Change{write("a/", "x")}, `"a/": is not a clean path of valid UTF-8; leave out ., empty elements and a slash at the end`},
		{"not UTF-8", []Change{write("a\xff", "x")}, `"a\xff": is not a clean path of valid UTF-8; leave out ., empty elements and a slash at the end`},
		{"work directory", []Change{write(".KServeGen-txn/journal", "x")}, `".KServeGen-txn/journal": is in the directory of unfinished writes; choose another name`},
		{"removal with data", []Change{{Path: "a", Data: []byte{}, Remove: true}}, `a: is to be removed and has data; give one of the two`},
		{"twice", []Change{write("a/b", "x"), remove("a/b")}, `a/b: is changed twice; keep one`},
		{"file, then directory", []Change{write("a", "x"), write("a/b/c", "x")}, `a: is a file in one change and a directory in another; rename one`},
		{"directory, then file", []Change{write("a/b/c", "x"), write("a/b", "x")}, `a/b: is a file in one change and a directory in another; rename one`},
		{"case of a file", []Change{write("a/b", "x"), write("a/B", "x")}, `a/b and a/B: differ only in case, and are one on some systems; rename one`},
		{"case of a directory", []Change{write("a/b", "x"), write("A/c", "x")}, `a and A: differ only in case, and are one on some systems; rename one`},
		{"all at once", []Change{write("", "x"), write("ok", "x"), write("/a", "x")},
			"a change has an empty path; name a file below the output directory\n" + `"/a": is an absolute path; name a file below the output directory`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := filepath.Join(t.TempDir(), "out")
			_, err := Commit(context.Background(), root, c.changes, Options{})
			require.EqualError(t, err, c.want)
			require.ErrorIs(t, err, ErrRefused)
			require.NoDirExists(t, root)
		})
	}
}

type refusedTree struct {
	name    string
	prepare func(t *testing.T, root string)
	change  Change
	want    string // ROOT stands for the root's path
}

func refusedTrees() []refusedTree {
	link := func(target, name string) func(t *testing.T, root string) {
		return func(t *testing.T, root string) { require.NoError(t, os.Symlink(target, filepath.Join(root, name))) }
	}
	chmod := func(name string) func(t *testing.T, root string) {
		return func(t *testing.T, root string) {
			require.NoError(t, os.Chmod(filepath.Join(root, name), 0o555))
			t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, name), 0o755) })
		}
	}
	const throughLinks = "kservegen does not write through links: delete it"
	return []refusedTree{
		{"link to a file", link("d/f", "l"), write("l", "x"), "ROOT/l: is a symbolic link; " + throughLinks},
		{"dangling link", link("nowhere", "l"), write("l", "x"), "ROOT/l: is a symbolic link; " + throughLinks},
		{"removal of a link", link("d/f", "l"), remove("l"), "ROOT/l: is a symbolic link; " + throughLinks},
		{"link on the way", link("d", "l"), write("l/f", "x"), "ROOT/l: is a symbolic link on the way to a file; " + throughLinks},
		{"link on the way out", link("/", "d/l"), write("d/l/tmp/x", "x"), "ROOT/d/l: is a symbolic link on the way to a file; " + throughLinks},
		{"directory for a file", nil, write("d", "x"), "ROOT/d: is a directory where a file is expected; move it away"},
		{"removal of a directory", nil, remove("d"), "ROOT/d: is a directory where a file is expected; move it away"},
		{"file for a directory", nil, write("d/f/g/h", "x"), "ROOT/d/f: is a file where a directory is expected; move it away"},
		{"pipe", func(t *testing.T, root string) { require.NoError(t, syscall.Mkfifo(filepath.Join(root, "p"), 0o644)) },
			write("p", "x"), "ROOT/p: is not a regular file; move it away"},
		{"read-only directory", chmod("d"), write("d/f", "x"),
			"ROOT/d: is a read-only directory; make it writable (chmod u+w) or choose another output directory"},
		{"new directory in a read-only one", chmod("d"), write("d/new/er/f", "x"),
			"ROOT/d: is a read-only directory; make it writable (chmod u+w) or choose another output directory"},
		{"read-only root", chmod("."), write("x", "x"),
			"ROOT: is a read-only directory; make it writable (chmod u+w) or choose another output directory"},
		{"work directory is a link", link("d", WorkDir), write("x", "x"),
			"ROOT/.kservegen-txn: is not a directory; kservegen keeps its unfinished writes there: delete it"},
		{"staged is a link", func(t *testing.T, root string) {
			require.NoError(t, os.Mkdir(filepath.Join(root, WorkDir), 0o755))
			link("../d", stagedDir)(t, root)
		}, write("x", "x"), "ROOT/.kservegen-txn/staged: is not a directory; kservegen keeps its unfinished writes there: delete it"},
	}
}

// What is wrong with the tree.
func TestRefusedTrees(t *testing.T) {
	t.Parallel()
	for _, c := range refusedTrees() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := tree{"d": folder(0o755), "d/f": file(0o644, "f"), "a": file(0o644, "a")}
			root := t.TempDir()
			before.make(t, root)
			if c.prepare != nil {
				c.prepare(t, root)
			}
			list := func() []string {
				out, err := filepath.Glob(filepath.Join(root, "*"))
				require.NoError(t, err)
				return out
			}
			names := list()
			_, err := Commit(context.Background(), root, []Change{write("a", "b"), write("z/new", "z"), c.change}, Options{})
			require.EqualError(t, err, strings.ReplaceAll(c.want, "ROOT", root))
			require.ErrorIs(t, err, ErrRefused)
			assert.Equal(t, names, list())
			for name, want := range map[string]string{"a": "a", "d/f": "f"} {
				data, err := os.ReadFile(filepath.Join(root, name))
				require.NoError(t, err)
				assert.Equal(t, want, string(data))
			}
		})
	}
}

func TestRefusedTreeReportsAll(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	tree{"d": folder(0o755), "e": folder(0o755)}.make(t, root)
	require.NoError(t, os.Symlink("d", filepath.Join(root, "l")))
	_, err := Commit(context.Background(), root, []Change{write("d", "x"), write("l/a", "x"), write("l/b", "x"), write("e", "x")}, Options{})
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 3, "the link once, not once per file: %v", err)
}

func TestRefusedRoots(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o644))
	_, err := Commit(context.Background(), "", []Change{write("x", "x")}, Options{})
	require.EqualError(t, err, "no output directory given; use . for the current one")
	_, err = Commit(context.Background(), filepath.Join(dir, "file"), []Change{write("x", "x")}, Options{})
	require.EqualError(t, err, filepath.Join(dir, "file")+": is a file, not a directory; move it away or choose another output directory")
	require.ErrorIs(t, err, ErrRefused)
	_, err = Commit(context.Background(), filepath.Join(dir, "file", "below", "it"), []Change{write("x", "x")}, Options{})
	require.EqualError(t, err, filepath.Join(dir, "file")+": is a file, not a directory; move it away or choose another output directory")
}

// Not even the work directory is made in a read-only root.
func TestReadOnlyRootIsNotTried(t *testing.T) {
	t.Parallel()
	s := realistic()
	root := s.setUp(t)
	require.NoError(t, os.Chmod(root, 0o555))
	t.Cleanup(func() { _ = os.Chmod(root, 0o755) })
	f := &faulty{}
	_, err, _ := s.commit(root, f)
	require.ErrorIs(t, err, ErrRefused)
	assert.Equal(t, []string{"stat " + root, "open " + root, "lstat ."}, f.ops)
}
