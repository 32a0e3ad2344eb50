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

// knownProblems are findings on the reference trees that the trees, not the rules, have to lose.
func knownProblems() map[string]string {
	return map[string]string{
		"KG0105": "the builder writes spec.predictor.model.name, which KServe's webhook refuses",
	}
}

// TestReferenceTreesHaveNoFindings builds every overlay of overlays/ as kustomize does. It is not parallel with
// itself: kustomize keeps its schema in package variables.
func TestReferenceTreesHaveNoFindings(t *testing.T) {
	t.Parallel()
	overlays, err := filepath.Glob("../../overlays/*/*/overlays/*")
	require.NoError(t, err)
	require.NotEmpty(t, overlays)
	seen := map[string]bool{}
	for _, overlay := range overlays {
		objects, err := render.BuildObjects(filesys.MakeFsOnDisk(), overlay)
		require.NoError(t, err)
		set := lint.Set{Name: overlay}
		for _, object := range objects {
			set.Resources = append(set.Resources, manifest.Resource{Data: object})
		}
		for _, found := range run(t, nil, set) {
			if knownProblems()[found.Code] != "" {
				seen[found.Code] = true
				continue
			}
			assert.Lessf(t, found.Level, finding.Warning, "%s: %s %s %s: %s", overlay, found.Object, lineOf(found), found.Level, found.Message)
		}
	}
	for code, why := range knownProblems() {
		assert.Truef(t, seen[code], "%s is gone from the trees; remove it here (%s)", code, why)
	}
}
