package spec_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// FuzzLoad looks for panics, for problems without a place, and for documents that pass and cannot be served. Its
// corpus is every bad document and every reference document.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.yaml", "../../overlays/*/document.yaml"} {
		paths, err := filepath.Glob(pattern)
		require.NoError(f, err)
		require.NotEmpty(f, paths, pattern)
		for _, path := range paths {
			data, err := os.ReadFile(path)
			require.NoError(f, err)
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		deployments, err := spec.Load("f.yaml", bytes.NewReader(data))
		if err != nil {
			var problems manifest.Problems
			require.ErrorAs(t, err, &problems)
			require.Nil(t, deployments)
			for _, problem := range problems {
				require.NotEmpty(t, problem.Message)
				require.LessOrEqual(t, problem.Line, len(data)+1, problem.Error())
			}
			return
		}
		for _, deployment := range deployments {
			require.NotEmpty(t, deployment.Name)
			require.NotEmpty(t, deployment.Digest())
			for _, target := range append(deployment.Environments, deployment.Base) {
				checkTarget(t, target)
			}
		}
		_ = spec.CheckTogether(deployments) // it must not panic; whether they go together is open
	})
}

func checkTarget(t *testing.T, target spec.Target) {
	t.Helper()
	sum := 0
	for _, revision := range target.Revisions {
		sum += revision.Weight
		require.GreaterOrEqual(t, revision.Weight, 0)
		if target.Scaling.Type != spec.KEDA {
			require.GreaterOrEqual(t, revision.MinReplicas, 1)
		}
		require.GreaterOrEqual(t, revision.MinReplicas, 0)
		require.GreaterOrEqual(t, revision.MaxReplicas, 1)
		require.GreaterOrEqual(t, revision.MaxReplicas, revision.MinReplicas)
	}
	require.Equal(t, 100, sum)
}
