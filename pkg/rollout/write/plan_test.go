package write_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/rollout/write"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/txn"
)

const least = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: small}
spec:
  model: {id: openai/gpt-oss-20b} # ours
  accelerator: {type: a10g}
`

// place is a directory with a document and its tree.
type place struct{ root, document, trees string }

func newPlace(t *testing.T) place {
	t.Helper()
	root := t.TempDir()
	p := place{root, filepath.Join(root, "models", "small.yaml"), filepath.Join(root, "deploy")}
	require.NoError(t, os.MkdirAll(filepath.Dir(p.document), 0o755))
	require.NoError(t, os.WriteFile(p.document, []byte(least), 0o600))
	p.render(t)
	return p
}

// render writes the tree of the document.
func (p place) render(t *testing.T) {
	t.Helper()
	tree, err := render.NewGenerator().Tree(p.open(t).Deployment)
	require.NoError(t, err)
	update, err := render.Reconcile(render.Empty(), []*render.Tree{tree}, render.Options{})
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(p.trees))
	_, err = txn.Commit(t.Context(), p.trees, update.Changes, txn.Options{})
	require.NoError(t, err)
}

func (p place) open(t *testing.T) *steps.Document {
	t.Helper()
	data, err := os.ReadFile(p.document)
	require.NoError(t, err)
	d, err := steps.Open(p.document, data, "")
	require.NoError(t, err)
	return d
}

// plan is what a step would write.
func (p place) plan(t *testing.T, step func(*steps.Document) (steps.Change, error)) (write.Plan, error) {
	t.Helper()
	d := p.open(t)
	change, err := step(d)
	require.NoError(t, err)
	return write.Make(p.trees, write.Change{File: p.document, Data: change.Data, Before: d.Deployment, After: change.After})
}

func start(d *steps.Document) (steps.Change, error) {
	return d.Start(nil, steps.Start{Name: "v2", Set: []steps.Setting{{Path: "runtime.args.max-num-seqs", Value: "64"}}})
}

func tenPercent(d *steps.Document) (steps.Change, error) {
	return d.Set(nil, map[string]int{"v2": 10})
}

func (p place) do(t *testing.T, step func(*steps.Document) (steps.Change, error)) {
	t.Helper()
	plan, err := p.plan(t, step)
	require.NoError(t, err)
	_, err = plan.Commit(t.Context(), txn.Options{})
	require.NoError(t, err)
}

// files are all of the place by their paths, without what is unfinished.
func (p place) files(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(p.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		found[path] = string(data)
		return err
	}))
	return found
}

func (p place) restore(t *testing.T, files map[string]string) {
	t.Helper()
	require.NoError(t, os.RemoveAll(p.trees))
	for path, data := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(data), 0o600))
	}
}

// TestNeverHalf: the disk is full, or nothing works any more, from any operation on. Afterwards document and tree are both
// the old ones or both the new ones, at the latest when the next command has looked.
func TestNeverHalf(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	old := p.files(t)
	plan, err := p.plan(t, start)
	require.NoError(t, err)
	counted := &failing{FS: txn.OS()}
	_, err = plan.Commit(t.Context(), txn.Options{FS: counted})
	require.NoError(t, err)
	fresh := p.files(t)
	require.NotEqual(t, old[p.document], fresh[p.document])
	require.Greater(t, len(plan.Changes), 5, "the document, and several files of the tree")
	seen := map[bool]int{}
	for _, lasting := range []bool{false, true} {
		for n := 1; n <= counted.operations; n++ {
			p.restore(t, old)
			_, _ = plan.Commit(t.Context(), txn.Options{FS: &failing{FS: txn.OS(), at: n, lasting: lasting}})
			_, err := write.Recover(p.trees, p.document)
			require.NoError(t, err)
			got := p.files(t)
			isNew := got[p.document] == fresh[p.document]
			want := old
			if isNew {
				want = fresh
			}
			require.Equal(t, want, got, "failed at operation %d", n)
			seen[isNew]++
		}
	}
	assert.Positive(t, seen[true], "some are through")
	assert.Positive(t, seen[false], "some are undone")
}

// failing is a file system on which an operation fails, and perhaps every one after it.
type failing struct {
	txn.FS
	at, operations int
	lasting        bool
}

func (f *failing) step() error {
	f.operations++
	if f.at > 0 && (f.operations == f.at || f.lasting && f.operations > f.at) {
		return syscall.ENOSPC
	}
	return nil
}

func (f *failing) Open(dir string) (txn.Dir, error) {
	d, err := f.FS.Open(dir)
	return &failingDir{d, f}, err
}

type failingDir struct {
	txn.Dir
	f *failing
}

func (d *failingDir) WriteFile(name string, data []byte, perm fs.FileMode) error {
	return errors.Join(d.f.step(), d.Dir.WriteFile(name, data, perm))
}

func (d *failingDir) Mkdir(name string, perm fs.FileMode) error {
	if err := d.f.step(); err != nil {
		return err
	}
	return d.Dir.Mkdir(name, perm)
}

func (d *failingDir) Rename(oldName, newName string) error {
	if err := d.f.step(); err != nil {
		return err
	}
	return d.Dir.Rename(oldName, newName)
}

func (d *failingDir) Link(oldName, newName string) error {
	if err := d.f.step(); err != nil {
		return err
	}
	return d.Dir.Link(oldName, newName)
}

func (d *failingDir) Remove(name string) error {
	if err := d.f.step(); err != nil {
		return err
	}
	return d.Dir.Remove(name)
}

// TestWeightsWriteTheirFilesAlone: a step of weights writes the document and traffic.yaml, also where a newer kservegen would
// render another file differently.
func TestWeightsWriteTheirFilesAlone(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.do(t, start)
	edited := filepath.Join(p.trees, "small", "base", "service.yaml")
	require.NoError(t, os.WriteFile(edited, []byte("# of another release\n"), 0o600))
	plan, err := p.plan(t, tenPercent)
	require.NoError(t, err)
	var paths []string
	for _, change := range plan.Changes {
		paths = append(paths, change.Path)
	}
	assert.Equal(t, []string{"deploy/small/overlays/default/patches/traffic.yaml", "models/small.yaml"}, paths)
}

// TestStaleTreesAreRefused: what a step is not about must not change with it.
func TestStaleTreesAreRefused(t *testing.T) {
	t.Parallel()
	traffic := filepath.Join("small", "overlays", "default", "patches", "traffic.yaml")
	for name, test := range map[string]struct {
		spoil func(t *testing.T, p place)
		step  func(*steps.Document) (steps.Change, error)
		want  string
	}{
		"no tree": {func(t *testing.T, p place) { require.NoError(t, os.RemoveAll(p.trees)) }, tenPercent, "there is no tree in"},
		"no lock": {func(t *testing.T, p place) {
			require.NoError(t, os.Remove(filepath.Join(p.trees, "small", render.LockFile)))
		}, tenPercent, "there is no tree in"},
		"an edited file, and another revision": {func(t *testing.T, p place) {
			require.NoError(t, os.WriteFile(filepath.Join(p.trees, "small", "base", "service.yaml"), nil, 0o600))
		}, func(d *steps.Document) (steps.Change, error) { return d.Finish(nil, []string{"v2"}) }, "service.yaml"},
		"edited weights": {func(t *testing.T, p place) {
			data, err := os.ReadFile(filepath.Join(p.trees, traffic))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(p.trees, traffic), []byte(strings.Replace(string(data), "value: 100 ", "value: 60 ", 1)), 0o600))
		}, tenPercent, "traffic.yaml"},
		"a changed document": {func(t *testing.T, p place) {
			data, err := os.ReadFile(p.document)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(p.document, []byte(strings.Replace(string(data), "a10g}", "a10g}\n  replicas: {min: 3}", 1)), 0o600))
		}, tenPercent, "kservegen.lock"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.do(t, start)
			test.spoil(t, p)
			_, err := p.plan(t, test.step)
			var stale *write.Stale
			require.ErrorAs(t, err, &stale)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestRoot(t *testing.T) {
	t.Parallel()
	root, err := write.Root("/a/b/deploy", "/a/b/c/d.yaml")
	require.NoError(t, err)
	assert.Equal(t, "/a/b", root)
	root, err = write.Root("/a/b", "/a/b/d.yaml")
	require.NoError(t, err)
	assert.Equal(t, "/a/b", root)
	_, err = write.Root("/srv/deploy", "/home/d.yaml")
	require.ErrorContains(t, err, "no directory in common")
}

// TestSharedIsRenderedToo: a quota follows the revisions where the shared tree is asked for.
func TestSharedIsRenderedToo(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	require.NoError(t, os.WriteFile(p.document, []byte(least+"  quota: {devices: auto}\n"), 0o600))
	p.render(t)
	d := p.open(t)
	change, err := start(d)
	require.NoError(t, err)
	plan, err := write.Make(p.trees, write.Change{File: p.document, Data: change.Data, Before: d.Deployment, After: change.After, Together: []*spec.Deployment{change.After}})
	require.NoError(t, err)
	_, err = plan.Commit(context.Background(), txn.Options{})
	require.NoError(t, err)
	var quota string
	for path, data := range p.files(t) {
		if strings.Contains(path, "_shared") && strings.Contains(path, "resourcequota") {
			quota = data
		}
	}
	assert.Contains(t, quota, "nvidia.com/gpu")
}
