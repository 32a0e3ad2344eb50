package envtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kservegen/kservegen/e2e/envtest/api"
	"github.com/kservegen/kservegen/e2e/envtest/trees"
)

// settleTime is what KServe's controller gets to stop writing its status.
const settleTime = 30 * time.Second

// applyTwice applies every tree in namespaces of its own, twice: accepted, stored as written, and no change
// the second time.
func (s *suite) applyTwice(t *testing.T) {
	require.GreaterOrEqual(t, len(s.trees), 20, "trees are gone")
	for i, tree := range s.trees {
		t.Run(tree.Name, func(t *testing.T) {
			t.Parallel()
			s.apply(t, tree, fmt.Sprintf("-%d", i))
		})
	}
}

// applySynced does the same with what makes Flux and Argo CD pull a tree.
func (s *suite) applySynced(t *testing.T) {
	require.GreaterOrEqual(t, len(s.synced), 5, "the golden files of pkg/render are gone")
	for i, tree := range s.synced {
		t.Run(tree.Name, func(t *testing.T) {
			t.Parallel()
			s.apply(t, tree, fmt.Sprintf("-sync-%d", i))
		})
	}
}

func (s *suite) apply(t *testing.T, tree trees.Tree, suffix string) {
	t.Helper()
	tree, namespaces := tree.Apart(suffix, s.namespaced)
	for _, namespace := range namespaces {
		s.ensureNamespace(t, namespace)
	}
	for _, object := range tree.Objects {
		stored, err := s.API.Apply(t.Context(), object)
		require.NoError(t, err)
		assert.Emptyf(t, api.Drift(object.Object, stored.Object), "%s %s: other values than applied",
			object.GetKind(), object.GetName())
	}
	for _, object := range tree.Objects {
		s.assertApplied(t, object)
	}
}

// assertApplied applies an object that is there. Its controller may write its status meanwhile, so what counts
// is that some application changes nothing: drift would make every one change something.
func (s *suite) assertApplied(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), settleTime)
	defer cancel()
	err := api.Until(ctx, "an application that changes nothing", func(ctx context.Context) (bool, error) {
		before, err := s.API.Get(ctx, object)
		if err != nil {
			return false, err
		}
		after, err := s.API.Apply(ctx, object)
		if err != nil {
			return false, err
		}
		return before.GetResourceVersion() == after.GetResourceVersion(), nil
	})
	assert.NoErrorf(t, err, "%s %s", object.GetKind(), object.GetName())
}

// driftIsSeen applies an object that KServe's defaulting changes: a client that compares would apply it for
// ever.
func (s *suite) driftIsSeen(t *testing.T) {
	s.ensureNamespace(t, "drifting")
	object := parse(t, `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: legacy
  namespace: drifting
  annotations: {serving.kserve.io/deploymentMode: RawDeployment}
spec: {predictor: {model: {modelFormat: {name: vLLM}, runtime: kserve-vllmserver, storageUri: s3://models/x}}}
`)
	stored, err := s.API.Apply(t.Context(), object)
	require.NoError(t, err)
	assert.Equal(t, []string{".metadata.annotations.serving.kserve.io/deploymentMode: applied RawDeployment, stored Standard"},
		api.Drift(object.Object, stored.Object))
}
