package envtest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// reconcileTime is what the controller gets for all InferenceServices together.
const reconcileTime = 2 * time.Minute

// effective looks at what the running controller makes of each InferenceService that a tree brought.
func (s *suite) effective(t *testing.T) {
	kind := schema.GroupVersionKind{Group: "serving.kserve.io", Version: "v1beta1", Kind: "InferenceService"}
	services, err := s.API.List(t.Context(), kind, "")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(services), 10, "the trees have InferenceServices")
	for _, service := range services {
		t.Run(service.GetNamespace()+"/"+service.GetName(), func(t *testing.T) {
			t.Parallel()
			made := s.madeOf(t, service)
			require.Contains(t, made, "Deployment")
			require.Contains(t, made, "Service")
			assert.NotContains(t, made, "HorizontalPodAutoscaler", "the trees bring their own or none")
			assert.Len(t, made, 2)
			got, _, err := unstructured.NestedInt64(made["Deployment"].Object, "spec", "replicas")
			require.NoError(t, err)
			assert.Equal(t, replicas(t, service), got)
		})
	}
}

// replicas are those that the Deployment starts with. Where somebody else scales, KServe leaves the number out,
// and the server's default is one.
func replicas(t *testing.T, service *unstructured.Unstructured) int64 {
	t.Helper()
	if service.GetAnnotations()["serving.kserve.io/autoscalerClass"] == "external" {
		return 1
	}
	replicas, there, err := unstructured.NestedInt64(service.Object, "spec", "predictor", "minReplicas")
	require.NoError(t, err)
	require.True(t, there)
	return replicas
}

// autoscaled is a service for which KServe makes everything: an autoscaler, and a storage initializer in its
// pods.
func (s *suite) autoscaled(t *testing.T) {
	const namespace = "autoscaled"
	s.ensureNamespace(t, namespace)
	service := parse(t, `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: llama
  namespace: autoscaled
  annotations: {serving.kserve.io/deploymentMode: Standard, serving.kserve.io/autoscalerClass: hpa}
spec:
  predictor:
    minReplicas: 1
    maxReplicas: 3
    scaleMetric: cpu
    scaleTarget: 60
    model:
      modelFormat: {name: vLLM}
      runtime: kserve-vllmserver
      storageUri: s3://models/llama
      resources: {requests: {cpu: "2", memory: 8Gi}, limits: {cpu: "2", memory: 8Gi, nvidia.com/gpu: "1"}}
`)
	_, err := s.API.Apply(t.Context(), service)
	require.NoError(t, err)
	made := s.madeOf(t, service)
	require.Contains(t, made, "HorizontalPodAutoscaler")
	most, _, err := unstructured.NestedInt64(made["HorizontalPodAutoscaler"].Object, "spec", "maxReplicas")
	require.NoError(t, err)
	assert.EqualValues(t, 3, most)
	pod, err := s.Pod(t.Context(), made["Deployment"])
	require.NoError(t, err)
	containers, _, err := unstructured.NestedSlice(pod.Object, "spec", "initContainers")
	require.NoError(t, err)
	require.Len(t, containers, 1, "the pod's webhook adds the download")
	first, _ := containers[0].(map[string]any)
	assert.Equal(t, "storage-initializer", first["name"])
}

func (s *suite) madeOf(t *testing.T, service *unstructured.Unstructured) map[string]*unstructured.Unstructured {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), reconcileTime)
	defer cancel()
	objects, err := s.Effective(ctx, service)
	require.NoError(t, err)
	made := map[string]*unstructured.Unstructured{}
	for _, object := range objects {
		require.NotContainsf(t, made, object.GetKind(), "two of a kind")
		made[object.GetKind()] = object
	}
	return made
}
