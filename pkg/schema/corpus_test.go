package schema_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/schema"
)

// corpus is every object of every built overlay of the reference trees.
func corpus(t testing.TB) []map[string]any {
	t.Helper()
	dirs, err := filepath.Glob("../../overlays/*/*/overlays/*")
	require.NoError(t, err)
	require.NotEmpty(t, dirs, "the reference trees are gone")
	var objects []map[string]any
	for _, dir := range dirs {
		built, err := render.BuildObjects(filesys.MakeFsOnDisk(), dir)
		require.NoError(t, err)
		objects = append(objects, built...)
	}
	return objects
}

// TestReferenceTreesHaveNoProblems also proves that the kinds in them are known.
func TestReferenceTreesHaveNoProblems(t *testing.T) {
	c, err := schema.New(nil)
	require.NoError(t, err)
	for _, object := range corpus(t) {
		problems, err := c.Validate(t.Context(), object)
		require.NoError(t, err)
		assert.Emptyf(t, problems, "%s %s", object["kind"], object["metadata"].(map[string]any)["name"])
	}
}

// TestGood validates testdata/good/*.yaml, kinds and forms that the reference trees do not have.
func TestGood(t *testing.T) {
	t.Parallel()
	c := catalog(t, nil)
	objects := goodObjects(t)
	require.Greater(t, len(objects), 20, "the good objects are gone")
	for _, object := range objects {
		problems, err := c.Validate(t.Context(), object)
		require.NoError(t, err)
		assert.Emptyf(t, problems, "%s", object["kind"])
	}
}
