package envtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/kservegen/kservegen/e2e/envtest/api"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/rollout/live"
	"github.com/kservegen/kservegen/pkg/spec"
)

const watched = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: watched, namespace: status}
spec:
  model: {id: org/m}
  runtime: {name: simulator}
  revisions: [{name: v1}, {name: v2}]
  traffic:
  - {revision: v1, weight: 90}
  - {revision: v2, weight: 10, testers: {header: x-llm-track, value: v2}}
`

// status: `kservegen status` reads of a real server what the tree says, the Deployments that KServe's controller makes of it,
// and when they answer. No kubelet runs here; the test says that.
func (s *suite) status(t *testing.T) {
	documents, err := spec.Load("watched.yaml", strings.NewReader(watched))
	require.NoError(t, err)
	tree, err := render.NewGenerator().Tree(documents[0])
	require.NoError(t, err)
	s.ensureNamespace(t, "status")
	cluster, err := live.New(s.Config)
	require.NoError(t, err)
	empty, err := cluster.Read(t.Context(), "status", "watched")
	require.NoError(t, err)
	assert.Empty(t, empty.Revisions)
	for _, object := range tree.Environments[0].Objects {
		_, err := s.API.Apply(t.Context(), &unstructured.Unstructured{Object: object})
		require.NoError(t, err)
	}

	var model live.Model
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, api.Until(ctx, "the Deployments of both revisions", func(ctx context.Context) (bool, error) {
		model, err = cluster.Read(ctx, "status", "watched")
		return len(model.Revisions) == 2 && model.Revisions[0].Wanted == 1 && model.Revisions[1].Wanted == 1, err
	}))
	assert.Equal(t, "VirtualService", model.Routes)
	for i, weight := range []int{90, 10} {
		require.NotNil(t, model.Revisions[i].Weight)
		assert.Equal(t, weight, *model.Revisions[i].Weight)
		assert.False(t, model.Revisions[i].Ready)
		assert.NotEmpty(t, model.Revisions[i].Reason)
	}
	assert.Equal(t, &spec.HeaderMatch{Header: "x-llm-track", Value: "v2"}, model.Revisions[1].Testers)

	s.answer(t, "watched-v1-predictor")
	model, err = cluster.Read(t.Context(), "status", "watched")
	require.NoError(t, err)
	assert.True(t, model.Revisions[0].Ready, model.Revisions[0].Reason)
	assert.Equal(t, 1, model.Revisions[0].Answering)
	assert.False(t, model.Revisions[1].Ready)
}

// answer writes of a Deployment what its controller would once the pod is ready.
func (s *suite) answer(t *testing.T, name string) {
	t.Helper()
	client, err := dynamic.NewForConfig(s.Config)
	require.NoError(t, err)
	deployments := client.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}).Namespace("status")
	deployment, err := deployments.Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	deployment.Object["status"] = map[string]any{
		"observedGeneration": deployment.GetGeneration(), "replicas": int64(1), "readyReplicas": int64(1), "availableReplicas": int64(1), "updatedReplicas": int64(1),
	}
	_, err = deployments.UpdateStatus(t.Context(), deployment, metav1.UpdateOptions{})
	require.NoError(t, err)
}
