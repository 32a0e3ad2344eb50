package lint_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
)

// BenchmarkOverlay judges one overlay of a reference tree: two revisions, all policies.
func BenchmarkOverlay(b *testing.B) {
	const overlay = "../../overlays/deepseek-r1-distill-llama-8b-a10g/deepseek-r1/overlays/production"
	objects, err := render.BuildObjects(filesys.MakeFsOnDisk(), overlay)
	require.NoError(b, err)
	var set lint.Set
	for _, object := range objects {
		set.Resources = append(set.Resources, manifest.Resource{Data: object})
	}
	b.ReportMetric(float64(len(objects)), "objects")
	b.ReportAllocs()
	for b.Loop() {
		_, err := lint.Run(b.Context(), []lint.Set{set}, lint.Options{})
		require.NoError(b, err)
	}
}
