package k8s

import (
	"slices"
	"strings"
	"testing"
	"time"

	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

// scaled is the ScaledObject of a model with so few replicas.
func scaled(t *testing.T, low int, edit func(*spec.Target)) kedav1alpha1.ScaledObjectSpec {
	t.Helper()
	one := target("")
	one.Revisions[0].MinReplicas, one.Revisions[0].Cooldown = low, 20*time.Minute
	one.Expose = &spec.Expose{Gateway: "istio-ingress/llm"}
	one.Scaling.Prometheus.ServerAddress = "http://prometheus-operated.monitoring.svc:9090"
	if edit != nil {
		edit(&one)
	}
	object, ok := ScaledObject(one, one.Revisions[0]).Typed.(*kedav1alpha1.ScaledObject)
	require.True(t, ok)
	return object.Spec
}

// TestScaledObjectAboveZero has one trigger, by one number of its own pods, whose absence is an error.
func TestScaledObjectAboveZero(t *testing.T) {
	t.Parallel()
	spec := scaled(t, 2, nil)
	assert.Equal(t, &kedav1alpha1.ScaleTarget{APIVersion: "apps/v1", Kind: "Deployment", Name: "m-a-predictor"}, spec.ScaleTargetRef)
	assert.Equal(t, int32(2), *spec.MinReplicaCount)
	assert.Equal(t, int32(3), *spec.MaxReplicaCount)
	require.Len(t, spec.Triggers, 1)
	assert.Equal(t, map[string]string{
		"serverAddress": "http://prometheus-operated.monitoring.svc:9090", "threshold": "5", "ignoreNullValues": "false",
		"query": `sum(vllm:num_requests_waiting{namespace="llm", kservegen_dev_model="m", kservegen_dev_revision="a"})`,
	}, spec.Triggers[0].Metadata)
	assert.Nil(t, spec.Triggers[0].AuthenticationRef)
	assert.Nil(t, spec.CooldownPeriod)
	assert.Equal(t, int32(2), spec.Fallback.Replicas)
}

// TestScaledObjectAtZero: the fallback counts from 1, since KEDA takes none for 0 and removes the last replica
// (RequestScale in its pkg/scaling/executor/scale_scaledobjects.go).
func TestScaledObjectAtZero(t *testing.T) {
	t.Parallel()
	spec := scaled(t, 0, nil)
	assert.Equal(t, int32(0), *spec.MinReplicaCount)
	assert.Equal(t, int32(1), spec.Fallback.Replicas)
	assert.Equal(t, int32(1200), *spec.CooldownPeriod)
	assert.Equal(t, int32(1200), *spec.InitialCooldownPeriod)
	require.Len(t, spec.Triggers, 2)
	assert.NotContains(t, spec.Triggers[0].Metadata, "ignoreNullValues", "without a pod there is no metric")
	query := spec.Triggers[1].Metadata["query"]
	assert.Contains(t, query, `destination_service="m-a-predictor.llm.svc.cluster.local"`)
	assert.Contains(t, query, `absent_over_time(envoy_server_live{namespace="istio-ingress"}[5m])`)
}

// TestScaledObjectSaysWhoWakesIt where there is more than one revision, whatever their weights.
func TestScaledObjectSaysWhoWakesIt(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2} {
		one := target("")
		one.Revisions[0].MinReplicas = 0
		one.Revisions = slices.Repeat(one.Revisions[:1], n)
		one.Expose = &spec.Expose{Gateway: "istio-ingress/llm"}
		comments := ScaledObject(one, one.Revisions[0]).Comments.At
		assert.Equal(t, n > 1, strings.Contains(comments["/spec/minReplicaCount"], "have a tester wake it"))
	}
}

func TestScaledObjectAsksAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	triggers := scaled(t, 0, func(t *spec.Target) {
		t.Scaling.Target = "500m" // KEDA reads a number (its prometheus scaler's threshold)
		t.Scaling.Prometheus = spec.Prometheus{ServerAddress: "https://thanos.example.com", Authentication: "thanos"}
	}).Triggers
	assert.Equal(t, "0.5", triggers[0].Metadata["threshold"])
	for _, trigger := range triggers {
		assert.Equal(t, "https://thanos.example.com", trigger.Metadata["serverAddress"])
		assert.Equal(t, "thanos", trigger.AuthenticationRef.Name)
	}
}

// TestKEDAScalesGroups: a LeaderWorkerSet has a scale subresource of its own, and its pods the same labels.
func TestKEDAScalesGroups(t *testing.T) {
	t.Parallel()
	one := target("")
	one.Serving, one.Scaling = spec.ServingLeaderWorkerSet, spec.Scaling{Type: spec.KEDA, Metric: "vllm:num_requests_waiting", Target: "5"}
	one.Revisions[0].MinReplicas = 1
	scaled, ok := ScaledObject(one, one.Revisions[0]).Typed.(*kedav1alpha1.ScaledObject)
	require.True(t, ok)
	assert.Equal(t, &kedav1alpha1.ScaleTarget{APIVersion: "leaderworkerset.x-k8s.io/v1", Kind: "LeaderWorkerSet", Name: "m-a"}, scaled.Spec.ScaleTargetRef)
	assert.Contains(t, scaled.Spec.Triggers[0].Metadata["query"], `{namespace="llm", kservegen_dev_model="m", kservegen_dev_revision="a"}`)
}
