package overlays_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// TestReferenceTreesAreCurrent proves that each tree is, byte for byte, what its document renders to.
func TestReferenceTreesAreCurrent(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("*/document.yaml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(documents), 9, "the reference trees are gone")
	for _, document := range documents {
		t.Run(filepath.Dir(document), func(t *testing.T) {
			t.Parallel()
			file, err := os.Open(document)
			require.NoError(t, err)
			defer file.Close()
			deployments, err := spec.Load(document, file)
			require.NoError(t, err)
			var trees []*render.Tree
			for _, deployment := range deployments {
				tree, treeErr := render.NewGenerator().Tree(deployment)
				require.NoError(t, treeErr)
				trees = append(trees, tree)
			}
			trees = append(trees, shared(t, filepath.Dir(document), deployments)...)
			update, err := render.Reconcile(os.DirFS(filepath.Dir(document)), trees, render.Options{})
			require.NoError(t, err)
			assert.Empty(t, update.Conflicts)
			for _, change := range update.Changes {
				assert.Failf(t, "not current", "%s would change; run make overlays", change.Path)
			}
			assertNothingElse(t, filepath.Dir(document), trees)
		})
	}
}

// shared is what `render --shared` adds, for a folder that has it.
func shared(t *testing.T, dir string, deployments []*spec.Deployment) []*render.Tree {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, render.SharedName)); err != nil {
		return nil
	}
	tree, err := render.NewGenerator().Shared(deployments)
	require.NoError(t, err)
	return []*render.Tree{tree}
}

// assertNothingElse finds files that no document accounts for.
func assertNothingElse(t *testing.T, dir string, trees []*render.Tree) {
	t.Helper()
	known := map[string]bool{"document.yaml": true, "README.md": true}
	for _, tree := range trees {
		known[filepath.Join(tree.Name, render.LockFile)] = true
		for _, file := range tree.Files {
			known[filepath.Join(tree.Name, file.Path)] = true
		}
	}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			relative, _ := filepath.Rel(dir, path)
			assert.Truef(t, known[relative], "%s belongs to nothing", path)
		}
		return err
	}))
}
