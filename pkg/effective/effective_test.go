package effective_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// TestSameBytesEveryTime: KServe builds env and labels from maps here and there.
func TestSameBytesEveryTime(t *testing.T) {
	t.Parallel()
	var first string
	for range 20 {
		text, err := json.Marshal(serve(t, merge(t, workers, `
add: [{apiVersion: v1, kind: ServiceAccount, metadata: {name: sa, namespace: llm, annotations: {eks.amazonaws.com/role-arn: a, serving.kserve.io/s3-region: x, serving.kserve.io/s3-endpoint: z}}}]
isvc: {spec: {predictor: {serviceAccountName: sa}}}`)))
		require.NoError(t, err)
		if first == "" {
			first = string(text)
		}
		require.Equal(t, first, string(text))
	}
	assert.NotContains(t, first, `"uid"`)
	assert.NotContains(t, first, "creationTimestamp")
}

// TestServicesDoNotMeet: one that is refused, or that has the name of another's objects, does not touch the next.
func TestServicesDoNotMeet(t *testing.T) {
	t.Parallel()
	resources := resourcesOf(t, "")
	good := resources[len(resources)-1]
	bad := resourcesOf(t, `isvc: {metadata: {name: bad}, spec: {predictor: {workerSpec: {}, model: {storageUri: "pvc://a/b"}}}}`)
	found := of(t, append([]manifest.Resource{bad[len(bad)-1]}, append(resources, good)...))
	require.Len(t, found.Services, 3)
	assert.NotEmpty(t, found.Services[0].Refused)
	assert.Empty(t, found.Services[1].Refused)
	assert.Equal(t, found.Services[1].Objects, found.Services[2].Objects)
}

func TestInputIsNotChanged(t *testing.T) {
	t.Parallel()
	resources, same := resourcesOf(t, workers), resourcesOf(t, workers)
	explained(t, resources)
	assert.Equal(t, same, resources)
}

func TestNamespaceOfObjectsWithoutOne(t *testing.T) {
	t.Parallel()
	builder, err := effective.New(effective.Options{Namespace: "there"})
	require.NoError(t, err)
	found, err := builder.Of(t.Context(), resourcesOf(t, `{runtime: {metadata: {namespace: null}}, isvc: {metadata: {namespace: null}}}`))
	require.NoError(t, err)
	require.Empty(t, found.Services[0].Refused)
	assert.Equal(t, "there", at(found.Services[0].Pod(), "metadata", "namespace"))
	assert.Equal(t, "there", found.Services[0].Reference.Namespace)
}

// TestStructuralDefaultsComeFirst: what the CRD's schema fills in, the webhooks see.
func TestStructuralDefaultsComeFirst(t *testing.T) {
	t.Parallel()
	builder, err := effective.New(effective.Options{Structural: func(_, kind string, data map[string]any) (map[string]any, error) {
		if kind == "InferenceService" {
			data["spec"].(map[string]any)["predictor"].(map[string]any)["minReplicas"] = int64(7)
		}
		return data, nil
	}})
	require.NoError(t, err)
	resources, same := resourcesOf(t, ""), resourcesOf(t, "")
	found, err := builder.Of(t.Context(), resources)
	require.NoError(t, err)
	assert.EqualValues(t, 7, at(found.Services[0].Find("Deployment"), "spec", "replicas"))
	assert.Equal(t, same, resources)
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	types := refused(t, `isvc: {spec: {predictor: {minReplicas: many}}}`)
	assert.Equal(t, "types", types.By)
	assert.Contains(t, types.Message, "minReplicas")
	builder, err := effective.New(effective.Options{})
	require.NoError(t, err)
	_, err = builder.Of(t.Context(), resourcesOf(t, `add: [{apiVersion: v1, kind: ConfigMap, metadata: {name: inferenceservice-config}, data: {deploy: "{"}}]`))
	require.ErrorContains(t, err, "ConfigMap inferenceservice-config")
	for _, odd := range []map[string]any{nil, {}, {"kind": "InferenceService"}, {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService"},
		{"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": "x", "spec": []any{}}, {"apiVersion": "v1", "kind": "Secret", "data": "x"}} {
		_, err = builder.Of(t.Context(), []manifest.Resource{{Data: odd}})
		require.NoError(t, err, "%v", odd)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = builder.Of(cancelled, resourcesOf(t, ""))
	assert.ErrorIs(t, err, context.Canceled)
}

func BenchmarkOf(b *testing.B) {
	builder, err := effective.New(effective.Options{})
	require.NoError(b, err)
	resources := resourcesOf(b, "")
	b.ReportAllocs()
	for b.Loop() {
		_, err := builder.Of(b.Context(), resources)
		require.NoError(b, err)
	}
}
