//go:build unix

package txn

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tree is what stands below a root: "mode content" for a file, "mode/" for a directory. The work directory is not part of it.
type tree map[string]string

func file(mode fs.FileMode, content string) string { return fmt.Sprintf("%04o %s", mode, content) }
func folder(mode fs.FileMode) string               { return fmt.Sprintf("%04o/", mode) }

func snapshot(t require.TestingT, root string) tree {
	found := tree{}
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if p == root && os.IsNotExist(err) {
			return fs.SkipAll
		}
		if err != nil || p == root {
			return err
		}
		if e.Name() == WorkDir {
			return fs.SkipDir
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(p, root+string(filepath.Separator)))
		if e.IsDir() {
			found[name] = folder(fi.Mode().Perm())
			return nil
		}
		data, err := os.ReadFile(p)
		found[name] = file(fi.Mode().Perm(), string(data))
		return err
	})
	require.NoError(t, err)
	return found
}

// make writes the tree below root.
func (tr tree) make(t require.TestingT, root string) {
	for name, content := range tr {
		p := filepath.Join(root, filepath.FromSlash(name))
		if strings.HasSuffix(content, "/") {
			require.NoError(t, os.MkdirAll(p, 0o755))
			continue
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
		require.NoError(t, os.WriteFile(p, []byte(content[5:]), 0o600))
	}
	for name, content := range tr {
		var mode fs.FileMode
		_, err := fmt.Sscanf(content, "%o", &mode)
		require.NoError(t, err)
		require.NoError(t, os.Chmod(filepath.Join(root, filepath.FromSlash(name)), mode))
	}
}

// with is the tree after the changes, by the contract and not by the code: what Commit must arrive at.
func (tr tree) with(changes []Change) tree {
	after := tree{}
	for name, content := range tr {
		after[name] = content
	}
	for _, c := range changes {
		if c.Remove {
			delete(after, c.Path)
			continue
		}
		mode := "0644"
		if before, ok := tr[c.Path]; ok {
			mode = before[:4]
		}
		after[c.Path] = mode + " " + string(c.Data)
		for d := path.Dir(c.Path); d != "."; d = path.Dir(d) {
			if _, ok := after[d]; !ok {
				after[d] = folder(0o755)
			}
		}
	}
	for _, c := range changes {
		if _, was := tr[c.Path]; !was || !c.Remove {
			continue
		}
		for d := path.Dir(c.Path); d != "." && after.empty(d); d = path.Dir(d) {
			delete(after, d)
		}
	}
	return after
}

func (tr tree) empty(dir string) bool {
	for name := range tr {
		if strings.HasPrefix(name, dir+"/") {
			return false
		}
	}
	return true
}

// scenario is a tree and changes to it.
type scenario struct {
	name    string
	missing bool // the root does not exist before
	before  tree
	changes []Change
}

func isLock(p string) bool { return path.Base(p) == "kservegen.lock" }

func write(p, data string) Change { return Change{Path: p, Data: []byte(data)} }
func remove(p string) Change      { return Change{Path: p, Remove: true} }

// realistic is a second rendering of one model, and the first of another.
func realistic() scenario {
	return scenario{name: "second rendering", before: tree{
		"m":                                  folder(0o755),
		"m/base":                             folder(0o755),
		"m/base/kustomization.yaml":          file(0o644, "resources: [a, gone]\n"),
		"m/base/a.yaml":                      file(0o644, "same\n"),
		"m/base/gone.yaml":                   file(0o644, "gone\n"),
		"m/base/narrow.yaml":                 file(0o600, "narrow\n"),
		"m/overlays":                         folder(0o755),
		"m/overlays/left":                    folder(0o750),
		"m/overlays/left/deep":               folder(0o700),
		"m/overlays/left/deep/x.yaml":        file(0o640, "x\n"),
		"m/overlays/left/kustomization.yaml": file(0o644, "left\n"),
		"m/overlays/mixed":                   folder(0o755),
		"m/overlays/mixed/ours.yaml":         file(0o644, "ours\n"),
		"m/overlays/mixed/theirs.md":         file(0o604, "a person's\n"),
		"m/empty":                            folder(0o711),
		"m/kservegen.lock":                   file(0o644, "lock 1\n"),
		"notes.md":                           file(0o644, "not rendered\n"),
		"m/overlays/dev":                     folder(0o755),
		"m/overlays/dev/custom":              folder(0o755),
		"m/overlays/dev/custom/mine.yaml":    file(0o644, "mine\n"),
		"m/overlays/dev/kustomization.yaml":  file(0o644, "dev 1\n"),
	}, changes: []Change{
		write("m/kservegen.lock", "lock 2\n"),
		write("n/kservegen.lock", "lock n\n"),
		write("m/base/kustomization.yaml", "resources: [a, b]\n"),
		write("m/base/a.yaml", "same\n"),
		write("m/base/b.yaml", "b\n"),
		write("m/base/narrow.yaml", "NARROW\n"),
		remove("m/base/gone.yaml"),
		remove("m/overlays/left/deep/x.yaml"),
		remove("m/overlays/left/kustomization.yaml"),
		remove("m/overlays/mixed/ours.yaml"),
		remove("m/never/was.yaml"),
		write("m/overlays/dev/kustomization.yaml", "dev 2\n"),
		write("n/base/kustomization.yaml", ""),
		write("n/overlays/dev/kustomization.yaml", "n dev\n"),
	}}
}

func first() scenario {
	return scenario{name: "first rendering", missing: true, before: tree{}, changes: []Change{
		write("m/base/kustomization.yaml", "resources: [a]\n"),
		write("m/base/a.yaml", "a\n"),
		write("m/overlays/dev/kustomization.yaml", "dev\n"),
		write("m/kservegen.lock", "lock\n"),
	}}
}

// scratch is a new directory, in memory where the system offers that: the fault tests write a million files.
func scratch(t testing.TB) string {
	const memory = "/dev/shm"
	if fi, err := os.Stat(memory); err != nil || !fi.IsDir() {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "kservegen-txn-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// setUp makes the scenario's tree and returns its root.
func (s scenario) setUp(t testing.TB) string {
	root := filepath.Join(scratch(t), "out")
	s.reset(t, root)
	return root
}

func (s scenario) reset(t testing.TB, root string) {
	require.NoError(t, os.RemoveAll(root))
	if !s.missing {
		require.NoError(t, os.MkdirAll(root, 0o755))
	}
	s.before.make(t, root)
}

// commit runs the scenario's changes on a file system that may kill it.
func (s scenario) commit(root string, f *faulty) (res Result, err error, dead bool) {
	defer func() {
		if p := recover(); p != nil {
			if _, dead = p.(killed); !dead {
				panic(p)
			}
		}
	}()
	res, err = Commit(context.Background(), root, s.changes, Options{FS: f, Last: isLock})
	return res, err, false
}

func recoverWith(root string, f *faulty) (report string, err error, dead bool) {
	defer func() {
		if p := recover(); p != nil {
			if _, dead = p.(killed); !dead {
				panic(p)
			}
		}
	}()
	report, err = Recover(root, f)
	return report, err, false
}

func journalStands(root string) bool {
	_, err := os.Lstat(filepath.Join(root, journalName))
	return err == nil
}

func noWorkDir(t require.TestingT, root string) {
	_, err := os.Lstat(filepath.Join(root, WorkDir))
	require.ErrorIs(t, err, fs.ErrNotExist)
}
