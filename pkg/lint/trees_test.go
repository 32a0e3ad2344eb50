package lint_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
)

// TestReferenceTreesHaveNoFindings builds every overlay of overlays/ as kustomize does. It is not parallel with
// itself: kustomize keeps its schema in package variables.
func TestReferenceTreesHaveNoFindings(t *testing.T) {
	t.Parallel()
	overlays, err := filepath.Glob("../../overlays/*/*/overlays/*")
	require.NoError(t, err)
	require.NotEmpty(t, overlays)
	for _, overlay := range overlays {
		objects, err := render.BuildObjects(filesys.MakeFsOnDisk(), overlay)
		require.NoError(t, err)
		set := lint.Set{Name: overlay}
		for _, object := range objects {
			set.Resources = append(set.Resources, manifest.Resource{Data: object})
		}
		for _, found := range run(t, nil, set) {
			assert.Lessf(t, found.Level, finding.Warning, "%s: %s %s %s: %s", overlay, found.Object, lineOf(found), found.Level, found.Message)
		}
	}
}
