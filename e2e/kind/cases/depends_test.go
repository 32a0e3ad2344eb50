package cases

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/kind/tree"
	"github.com/kservegen/kservegen/pkg/render"
)

// TestShare leaves the namespace, without labels, of what the reference tree's document shares.
func TestShare(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	overlay, err := tree.Read(reference)
	require.NoError(t, err)
	s := &synced{Env: &Env{Tree: overlay}, root: dir}
	loaded := loadedFrom(t, s.Env, "http://10.89.0.1:1/tree.git", nil)
	shared, err := render.NewGenerator().Shared(loaded)
	require.NoError(t, err)
	written(t, out, shared)
	require.NoError(t, s.share(filepath.Join(out, sharedTree)))
	left, err := tree.Read(filepath.Join(dir, sharedTree, "overlays", "production"))
	require.NoError(t, err)
	require.Len(t, left.Objects, 1)
	assert.Equal(t, "Namespace", left.Objects[0]["kind"])
	assert.Equal(t, map[string]any{"name": "llm"}, left.Objects[0]["metadata"])

	var lacks LacksError
	require.ErrorAs(t, s.share(filepath.Join(out, "nothing")), &lacks)
	_, err = namespacesAlone([]map[string]any{{"apiVersion": "networking.istio.io/v1", "kind": "Gateway"}})
	require.ErrorAs(t, err, &lacks)
}

// written is a tree in a folder of trees.
func written(t *testing.T, dir string, made *render.Tree) {
	t.Helper()
	for _, file := range made.Files {
		path := filepath.Join(dir, made.Name, file.Path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, file.Data, 0o600))
	}
}
