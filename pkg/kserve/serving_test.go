package kserve

import (
	"strings"
	"testing"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha2"
	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/runtimes"
)

func commented(t *testing.T, object manifest.Object) {
	t.Helper()
	data, err := manifest.FromTyped(object.Typed)
	require.NoError(t, err)
	_, err = manifest.MarshalCommented(data, object.Comments)
	require.NoError(t, err, "every comment must have its field")
}

func llmService(t *testing.T, target spec.Target, r spec.RevisionTarget) *v1alpha2.LLMInferenceService {
	t.Helper()
	target.Serving = spec.ServingLLMInferenceService
	object, err := NewBuilder().LLMInferenceService(target, r)
	require.NoError(t, err)
	commented(t, object)
	return object.Typed.(*v1alpha2.LLMInferenceService)
}

// TestNothingOfThePresetIsLeft: what KServe's preset says of the container must be said, or it would be merged in.
func TestNothingOfThePresetIsLeft(t *testing.T) {
	t.Parallel()
	for _, name := range runtimes.Names() {
		if name == spec.Simulator {
			continue // refused by the document's checks
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, r := revision(name)
			service := llmService(t, target, r)
			require.Len(t, service.Spec.Template.Containers, 1)
			container := service.Spec.Template.Containers[0]
			assert.Equal(t, "main", container.Name)
			assert.NotEmpty(t, container.Image)
			assert.NotEmpty(t, container.Command, "the preset's is a shell script for llm-d's image")
			assert.Contains(t, container.Args, "--port=8000", "KServe's Service leads there whatever is declared")
			assert.NotContains(t, strings.Join(container.Args, " "), "8080")
			require.Len(t, container.Ports, 1)
			assert.Equal(t, corev1.ContainerPort{Name: "http", ContainerPort: 8000, Protocol: corev1.ProtocolTCP}, container.Ports[0])
			for _, probe := range []*corev1.Probe{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe} {
				require.NotNil(t, probe)
				assert.Equal(t, int32(8000), probe.HTTPGet.Port.IntVal)
				assert.Equal(t, corev1.URISchemeHTTP, probe.HTTPGet.Scheme, "the preset's follows KServe's own setting")
			}
			require.NotNil(t, container.Lifecycle.PreStop.Exec, "the preset's hook is one; beside it another would be a second handler")
			assert.Nil(t, container.Lifecycle.PreStop.Sleep)
			assert.NotNil(t, service.Spec.Template.TerminationGracePeriodSeconds)
			assert.Equal(t, "m", service.Spec.Labels[spec.ModelLabel], "policies select the pods by it")
			assert.Equal(t, "v1", service.Spec.Labels[spec.RevisionLabel])
			assert.Equal(t, "8000", service.Spec.Annotations["prometheus.io/port"])
			assert.Nil(t, service.Spec.Router, "routes are ours")
		})
	}
}

// TestBothKindsRunTheSame: the container differs by its name, its port and by how it sleeps, and by nothing else.
func TestBothKindsRunTheSame(t *testing.T) {
	t.Parallel()
	target, r := revision("vllm-cuda")
	runtime, service := build(t, target, r)
	llm := llmService(t, target, r)
	was, is := runtime.Spec.Containers[0], llm.Spec.Template.Containers[0]
	assert.Equal(t, strings.Replace(strings.Join(was.Args, " "), "--port=8080", "--port=8000", 1), strings.Join(is.Args, " "))
	assert.Equal(t, was.Env, is.Env)
	assert.Equal(t, was.Image, is.Image)
	assert.Equal(t, was.VolumeMounts, is.VolumeMounts)
	assert.Equal(t, service.Spec.Predictor.Model.Resources, is.Resources)
	pod := corev1.PodSpec(service.Spec.Predictor.PodSpec)
	pod.InitContainers = llm.Spec.Template.InitContainers // KServe gives its own the same
	require.Len(t, pod.InitContainers, 1)
	assert.Equal(t, is.SecurityContext, pod.InitContainers[0].SecurityContext)
	pod.Containers, pod.Volumes = llm.Spec.Template.Containers, runtime.Spec.Volumes
	assert.Equal(t, pod, *llm.Spec.Template)
}

// TestReplicasAreLeftToAnAutoscaler: KServe keeps a Deployment's replicas where it is told none.
func TestReplicasAreLeftToAnAutoscaler(t *testing.T) {
	t.Parallel()
	target, r := revision("vllm-cuda")
	assert.Nil(t, llmService(t, target, r).Spec.Replicas)
	r.MaxReplicas = r.MinReplicas
	assert.EqualValues(t, 2, *llmService(t, target, r).Spec.Replicas)
}

func canaryTarget(weights ...int) spec.Target {
	target, first := revision("vllm-cuda")
	target.Expose = &spec.Expose{API: spec.APIKServe, Gateway: "kserve/gateway"}
	target.Platform.KServe = &spec.KServeRelease{Version: "v0.21.0"}
	target.Revisions = nil
	for i, weight := range weights {
		r := first
		r.Name, r.Weight, r.MaxReplicas = "v"+string(rune('1'+i)), weight, r.MinReplicas
		target.Revisions = append(target.Revisions, r)
	}
	return target
}

// TestFirstWithAShareIsStable: it is the predictor, and the others are its canary in the order of the document.
func TestFirstWithAShareIsStable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		weights []int
		stable  string
		canary  []string
		shares  []int
	}{
		{[]int{100}, "v1", nil, nil},
		{[]int{90, 10}, "v1", []string{"v2"}, []int{10}},
		{[]int{0, 100}, "v2", []string{"v1"}, []int{0}},
		{[]int{0, 60, 40}, "v2", []string{"v1", "v3"}, []int{0, 40}},
	} {
		target := canaryTarget(test.weights...)
		object, err := NewBuilder().Canary(target)
		require.NoError(t, err)
		commented(t, object)
		isvc := object.Typed.(*v1beta1.InferenceService)
		assert.Equal(t, test.stable, isvc.Spec.Predictor.Name)
		var names []string
		for _, canary := range isvc.Spec.Canary {
			names = append(names, canary.Predictor.Name)
			assert.Zero(t, canary.TrafficPercent, "traffic.yaml says it")
			assert.Zero(t, canary.Predictor.MaxReplicas, "KServe's webhook refuses it")
			assert.Nil(t, canary.Predictor.MinReplicas, "KServe computes it")
			assert.Equal(t, "m-"+canary.Predictor.Name, *canary.Predictor.Model.Runtime)
		}
		assert.Equal(t, test.canary, names)
		var shares []int
		for _, weight := range CanaryTraffic(target) {
			shares = append(shares, weight.Value)
		}
		assert.Equal(t, test.shares, shares)
		assert.EqualValues(t, 0, *isvc.Spec.Predictor.TimeoutSeconds, "left out it is 60 s")
		assert.NotContains(t, isvc.Labels, "networking.kserve.io/visibility", "KServe would make no route")
	}
}

// TestOwnReplicasOfACanaryAreSaid: otherwise KServe gives it its share of the stable ones'.
func TestOwnReplicasOfACanaryAreSaid(t *testing.T) {
	t.Parallel()
	target := canaryTarget(90, 10)
	target.Revisions[1].MinReplicas, target.Revisions[1].MaxReplicas = 1, 1
	object, err := NewBuilder().Canary(target)
	require.NoError(t, err)
	assert.EqualValues(t, 1, *object.Typed.(*v1beta1.InferenceService).Spec.Canary[0].Predictor.MinReplicas)
}
