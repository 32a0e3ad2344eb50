package history_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/git"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/rollout/history"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/txn"
)

const document = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m}
spec:
  model: {id: openai/gpt-oss-20b}
  accelerator: {type: a10g}
  revisions: [{name: v1}, {name: v2, replicas: {max: 2}}]
  traffic: [{revision: v1, weight: 90}, {revision: v2, weight: 10}]
`

func files() history.Files {
	return history.Files{Model: "m", Document: "m.yaml", Tree: "deploy/m"}
}

// repository has a document and its tree in a first commit.
func repository(t *testing.T) (string, *git.Repository) {
	t.Helper()
	dir := t.TempDir()
	shell(t, dir, "init", "--quiet")
	shell(t, dir, "config", "user.email", "platform@example.com")
	shell(t, dir, "config", "user.name", "Platform")
	rendered(t, dir, document)
	commit(t, dir, "first")
	r, err := git.Open(t.Context(), dir)
	require.NoError(t, err)
	return dir, r
}

func shell(t *testing.T, dir string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...).CombinedOutput()
	require.NoErrorf(t, err, "git %v: %s", args, out)
}

func commit(t *testing.T, dir, message string) {
	t.Helper()
	shell(t, dir, "add", "--all")
	shell(t, dir, "commit", "--quiet", "--allow-empty", "--message", message)
}

// rendered writes a document and its tree.
func rendered(t *testing.T, dir, text string) {
	t.Helper()
	all, err := spec.Load("m.yaml", strings.NewReader(text))
	require.NoError(t, err)
	tree, err := render.NewGenerator().Tree(all[0])
	require.NoError(t, err)
	update, err := render.Reconcile(render.Empty(), []*render.Tree{tree}, render.Options{})
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "deploy")))
	_, err = txn.Commit(t.Context(), filepath.Join(dir, "deploy"), update.Changes, txn.Options{})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "m.yaml"), []byte(text), 0o600))
}

func edit(t *testing.T, dir, file, old, text string) {
	t.Helper()
	path := filepath.Join(dir, file)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(data), old)
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(data), old, text)), 0o600))
}

// TestWhatIsNoState: a commit is a state where the tree is, to the byte and to the weight, what its document renders to.
func TestWhatIsNoState(t *testing.T) {
	t.Parallel()
	const traffic = "deploy/m/overlays/default/patches/traffic.yaml"
	for name, test := range map[string]struct {
		spoil func(t *testing.T, dir string)
		why   string
	}{
		"nothing": {func(*testing.T, string) {}, ""},
		"a patch of ours": {func(t *testing.T, dir string) {
			edit(t, dir, "deploy/m/overlays/default/custom/kustomization.yaml", "patches: []", "patches: [] # none")
		}, ""},
		"a comment":      {func(t *testing.T, dir string) { edit(t, dir, "m.yaml", "spec:", "spec: # ours") }, ""},
		"a plan":         {func(t *testing.T, dir string) { edit(t, dir, "m.yaml", "spec:", "spec:\n  rollout: {steps: [100]}") }, ""},
		"an edited file": {func(t *testing.T, dir string) { edit(t, dir, "deploy/m/base/service.yaml", "Service", "service") }, "deploy/m/base/service.yaml is not what was rendered"},
		"a lost file": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "deploy/m/base/sidecar.yaml")))
		}, "deploy/m/base/sidecar.yaml is not what was rendered"},
		"other weights in the tree": {func(t *testing.T, dir string) { edit(t, dir, traffic, "value: 90 ", "value: 50 ") }, "the tree gives v1 50 in default"},
		"other weights in the document": {func(t *testing.T, dir string) {
			edit(t, dir, "m.yaml", "weight: 90", "weight: 80")
			edit(t, dir, "m.yaml", "weight: 10", "weight: 20")
		}, "the tree gives v"},
		"another document": {func(t *testing.T, dir string) { edit(t, dir, "m.yaml", "a10g", "l4") }, "the tree is of another document"},
		"no lock": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "deploy/m/kservegen.lock")))
		}, "there is no deploy/m/kservegen.lock"},
		"no document":   {func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "m.yaml"))) }, "there is no m.yaml"},
		"nonsense":      {func(t *testing.T, dir string) { edit(t, dir, "m.yaml", "spec:", "spce:") }, "the document is not valid: m.yaml:"},
		"another model": {func(t *testing.T, dir string) { edit(t, dir, "m.yaml", "name: m}", "name: n}") }, "the document is of other models"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, r := repository(t)
			test.spoil(t, dir)
			commit(t, dir, "second")
			states, err := history.Read(t.Context(), r, files(), 1)
			require.NoError(t, err)
			require.Len(t, states, 1)
			assert.Equal(t, test.why == "", states[0].Rendered, states[0].Why)
			assert.Contains(t, states[0].Why, test.why)
		})
	}
}

// TestBackAndThere: back counts states that differ, skips commits that are none, and restoring gives the files of then, what is
// the user's own left alone.
func TestBackAndThere(t *testing.T) {
	t.Parallel()
	dir, r := repository(t)
	was := contents(t, dir)
	edit(t, dir, "m.yaml", "spec:", "spec: # the same, said differently")
	commit(t, dir, "a comment")
	without, _, _ := strings.Cut(document, "  revisions:")
	rendered(t, dir, without+"  revisions: [{name: v1}]\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "deploy/m/overlays/default/custom/mine.yaml"), []byte("mine"), 0o600))
	commit(t, dir, "without v2")
	edit(t, dir, "m.yaml", "a10g", "l4")
	commit(t, dir, "no state")

	state, err := history.Back(t.Context(), r, files(), 1)
	require.NoError(t, err)
	assert.Equal(t, "without v2", state.Subject)
	state, err = history.Back(t.Context(), r, files(), 2)
	require.NoError(t, err)
	assert.Equal(t, "a comment", state.Subject)
	_, err = history.Back(t.Context(), r, files(), 3)
	require.ErrorContains(t, err, "3 back is none of the states")

	changes, err := history.Restore(t.Context(), r, files(), state)
	require.NoError(t, err)
	_, err = txn.Commit(t.Context(), dir, changes, txn.Options{})
	require.NoError(t, err)
	now := contents(t, dir)
	assert.Equal(t, "mine", now["deploy/m/overlays/default/custom/mine.yaml"])
	delete(now, "deploy/m/overlays/default/custom/mine.yaml")
	was["m.yaml"] = strings.Replace(document, "spec:", "spec: # the same, said differently", 1)
	assert.Equal(t, was, now)
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if entry != nil && entry.Name() == ".git" {
			return filepath.SkipDir
		}
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		found[filepath.ToSlash(name)] = string(data)
		return err
	}))
	return found
}
