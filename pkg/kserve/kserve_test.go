package kserve

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/sizing"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/runtimes"
)

func revision(runtime string) (spec.Target, spec.RevisionTarget) {
	r := spec.RevisionTarget{
		Name: "v1", Weight: 100, MinReplicas: 2, MaxReplicas: 4, Devices: 2, TensorParallel: 2, MaxModelLen: 8192,
		Model:       spec.Model{ID: "a/b", Source: "hf://a/b"},
		Runtime:     spec.Runtime{Name: runtime},
		Resources:   spec.Resources{CPU: "6", Memory: "24Gi", SharedMemory: "4Gi"},
		Accelerator: catalog.Accelerator{Name: "a10g", Product: "NVIDIA A10G", Resource: "nvidia.com/gpu", TaintKey: "nvidia.com/gpu"},
		Startup:     sizing.Startup{Budget: 725 * time.Second, Why: "a test"},
	}
	return spec.Target{Name: "m", Namespace: "llm", ServedName: "served", Revisions: []spec.RevisionTarget{r}}, r
}

func build(t *testing.T, target spec.Target, r spec.RevisionTarget) (*v1alpha1.ServingRuntime, *v1beta1.InferenceService) {
	t.Helper()
	builder := NewBuilder()
	runtime, err := builder.ServingRuntime(target, r)
	require.NoError(t, err)
	service, err := builder.InferenceService(target, r)
	require.NoError(t, err)
	for _, object := range []manifest.Object{runtime, service} {
		data, err := manifest.FromTyped(object.Typed)
		require.NoError(t, err)
		_, err = manifest.MarshalCommented(data, object.Comments)
		require.NoError(t, err, "every comment must have its field")
	}
	return runtime.Typed.(*v1alpha1.ServingRuntime), service.Typed.(*v1beta1.InferenceService)
}

// TestEveryRuntimeAvoidsTheKnownTraps checks what must hold whatever runs the model.
func TestEveryRuntimeAvoidsTheKnownTraps(t *testing.T) {
	t.Parallel()
	for _, name := range runtimes.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, r := revision(name)
			runtime, service := build(t, target, r)
			container := runtime.Spec.Containers[0]
			assert.Equal(t, "http", container.Ports[0].Name, "Istio takes the protocol from the name")
			assert.Empty(t, container.Resources.Limits, "the InferenceService says them")
			assert.NotContains(t, runtime.Annotations, "serving.kserve.io/server-type", "KServe would rewrite the image")
			assert.NotContains(t, runtime.Spec.Annotations, "serving.kserve.io/server-type")
			assert.False(t, strings.HasSuffix(container.Image, ":latest"))
			for _, arg := range container.Args {
				assert.NotContains(t, arg, "{{", "KServe executes the container as a template (kserve#3851)")
			}
			assert.Contains(t, container.Args, "--served-model-name=served")
			assert.Equal(t, "Standard", service.Annotations["serving.kserve.io/deploymentMode"])
			assert.Equal(t, runtime.Name, *service.Spec.Predictor.Model.Runtime)
			formats, err := json.Marshal(runtime.Spec.SupportedModelFormats)
			require.NoError(t, err)
			assert.Contains(t, string(formats), strconv.Quote(service.Spec.Predictor.Model.ModelFormat.Name))
			assert.Empty(t, service.Spec.Predictor.Model.Name, "KServe refuses a name (kserve#4472)")
			resources := service.Spec.Predictor.Model.Resources
			if r.Runtime.Name == spec.Simulator {
				assert.NotContains(t, resources.Limits, corev1.ResourceCPU)
				delete(resources.Requests, corev1.ResourceCPU)
			}
			assert.Equal(t, resources.Requests, resources.Limits)
		})
	}
}

func TestArgsAreReplacedInPlaceAndAppendedByName(t *testing.T) {
	t.Parallel()
	target, r := revision("vllm-cuda")
	on, off := true, false
	r.Args = map[string]spec.Arg{
		"max-num-seqs":           {Values: []string{"128"}},
		"enable-prefix-caching":  {Values: []string{"true"}, Bool: &on},
		"enable-chunked-prefill": {Values: []string{"false"}, Bool: &off},
		"lora-modules":           {Values: []string{"a=/x", "b=/y"}},
		"hf-overrides.tied":      {Values: []string{"True"}, Bool: &on},
	}
	runtime, _ := build(t, target, r)
	assert.Equal(t, []string{
		"--port=8080", "--model=/mnt/models", "--served-model-name=served", "--shutdown-timeout=300",
		"--no-enable-chunked-prefill", "--enable-prefix-caching", "--hf-overrides.tied=true", "--lora-modules", "a=/x", "b=/y",
		"--max-model-len=8192", "--max-num-seqs=128", "--tensor-parallel-size=2",
	}, runtime.Spec.Containers[0].Args)
}

func TestOldServersDoNotGetTheShutdownFlag(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"v0.18.0": false, "v0.18.1": true, "v0.33.0": true, "v0.8.5.post1": false, "": true} {
		target, r := revision("vllm-cuda")
		r.Runtime.Version = version
		runtime, service := build(t, target, r)
		args := strings.Join(runtime.Spec.Containers[0].Args, " ")
		assert.Equalf(t, want, strings.Contains(args, "--shutdown-timeout"), "%q: %s", version, args)
		if version != "" {
			assert.Equal(t, "vllm/vllm-openai:"+version, runtime.Spec.Containers[0].Image)
		}
		assert.Equal(t, int64(15+300+30), *service.Spec.Predictor.TerminationGracePeriodSeconds)
	}
}

func TestStartupBudgetReachesProbeAndEngine(t *testing.T) {
	t.Parallel()
	target, r := revision("vllm-cuda")
	runtime, _ := build(t, target, r)
	container := runtime.Spec.Containers[0]
	probe := container.StartupProbe
	assert.GreaterOrEqual(t, probe.FailureThreshold*probe.PeriodSeconds, int32(725), "the probe must not end before the budget")
	assert.Less(t, probe.FailureThreshold*probe.PeriodSeconds, int32(725)+probe.PeriodSeconds)
	assert.Contains(t, container.Env, corev1.EnvVar{Name: readyTimeoutEnv, Value: "730"})
}

func TestDocumentsEnvironmentWins(t *testing.T) {
	t.Parallel()
	target, r := revision("vllm-cuda")
	r.Runtime.Env = map[string]spec.Text{"USER": "somebody", "NCCL_DEBUG": "INFO"}
	runtime, _ := build(t, target, r)
	values := map[string]string{}
	for _, env := range runtime.Spec.Containers[0].Env {
		assert.NotContains(t, values, env.Name, "a name must stand once")
		values[env.Name] = env.Value
	}
	assert.Equal(t, "somebody", values["USER"])
	assert.Equal(t, "INFO", values["NCCL_DEBUG"])
}

// TestClassFollowsScaling: class none lets KServe set the replicas; external leaves them to our autoscaler.
// KServe's own class would scale on CPU.
func TestClassFollowsScaling(t *testing.T) {
	t.Parallel()
	const class = "serving.kserve.io/autoscalerClass"
	target, r := revision("vllm-cuda")
	_, service := build(t, target, r)
	assert.Equal(t, "external", service.Annotations[class])
	r.MaxReplicas = r.MinReplicas
	_, service = build(t, target, r)
	assert.Equal(t, "none", service.Annotations[class])
	r.MaxReplicas = 9
	target.Scaling.Type = "off"
	_, service = build(t, target, r)
	assert.Equal(t, "none", service.Annotations[class])
	assert.Equal(t, int32(2), *service.Spec.Predictor.MinReplicas)
}

// TestDownloadedWeightsAreRequested: they land on the node's disk, and the scheduler must know.
func TestDownloadedWeightsAreRequested(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ runtime, source, want string }{
		{"vllm-cuda", "hf://a/b", "26Gi"}, {"vllm-cuda", "s3://b/p", "26Gi"}, {"vllm-cuda", "pvc://c/p", "0"},
		{"vllm-cuda", "oci://i:v1", "0"}, {"vllm-neuron", "s3://b/p", "66Gi"},
	} {
		target, r := revision("vllm-cuda")
		r.Runtime.Name, r.Model.Source, r.WeightsBytes = test.runtime, test.source, 15<<30+1
		_, service := build(t, target, r)
		resources := service.Spec.Predictor.Model.Resources
		assert.Equal(t, test.want, resources.Requests.StorageEphemeral().String(), test)
		assert.True(t, resources.Limits.StorageEphemeral().IsZero(), test)
	}
}

// TestSeveralEngines: what the flags' comment says of them is said where there are several, and nowhere else.
func TestSeveralEngines(t *testing.T) {
	t.Parallel()
	for engines, want := range map[int]bool{0: false, 1: false, 4: true} {
		target, r := revision("vllm-cuda")
		r.DataParallel = engines
		r.Args = map[string]spec.Arg{"data-parallel-size": {Values: []string{strconv.Itoa(max(engines, 1))}}}
		object, err := NewBuilder().ServingRuntime(target, r)
		require.NoError(t, err)
		text := ""
		for _, comment := range object.Comments.At {
			text += comment
		}
		assert.Equalf(t, want, strings.Contains(text, "4 engines behind one port"), "%d", engines)
	}
}

// TestSeveralEnginesDrain: with several servers, vLLM's default, none waits for its streams.
func TestSeveralEnginesDrain(t *testing.T) {
	t.Parallel()
	const one = "--api-server-count=1"
	for name, test := range map[string]struct {
		engines int
		version string
		args    map[string]spec.Arg
		want    bool
	}{
		"one engine":                {1, "", nil, false},
		"several":                   {4, "", nil, true},
		"the document's":            {4, "", map[string]spec.Arg{"api-server-count": {Values: []string{"4"}}}, false},
		"a server without draining": {4, "v0.18.0", nil, false},
	} {
		target, r := revision("vllm-cuda")
		r.DataParallel, r.Runtime.Version, r.Args = test.engines, test.version, test.args
		runtime, _ := build(t, target, r)
		assert.Equal(t, test.want, slices.Contains(runtime.Spec.Containers[0].Args, one), name)
	}
}

func TestSchedulerName(t *testing.T) {
	t.Parallel()
	target, r := revision("vllm-neuron")
	_, service := build(t, target, r)
	assert.Empty(t, service.Spec.Predictor.PodSpec.SchedulerName)
	r.SchedulerName = "my-scheduler"
	_, service = build(t, target, r)
	assert.Equal(t, "my-scheduler", service.Spec.Predictor.PodSpec.SchedulerName)
}

func TestDeviceGroups(t *testing.T) {
	t.Parallel()
	target, r := revision("vllm-rocm")
	r.DeviceGroups = []int{44, 109}
	_, service := build(t, target, r)
	assert.Equal(t, []int64{44, 109}, service.Spec.Predictor.PodSpec.SecurityContext.SupplementalGroups)
}

func TestSimulatorHasNoWeights(t *testing.T) {
	t.Parallel()
	target, r := revision("simulator")
	r.Model.Source, r.Devices, r.Accelerator = "", 0, catalog.Accelerator{Name: "none"}
	_, service := build(t, target, r)
	assert.Nil(t, service.Spec.Predictor.Model.StorageURI)
	assert.Equal(t, "huggingface", service.Spec.Predictor.Model.ModelFormat.Name, "any other format gets an agent sidecar")
	assert.Nil(t, service.Spec.Predictor.Affinity)
	assert.Empty(t, service.Spec.Predictor.Tolerations)
	assert.Equal(t, int64(5+30+10), *service.Spec.Predictor.TerminationGracePeriodSeconds)
}

// TestTemplatesAreNotShared: building one revision must leave the catalogue's runtime as it was.
func TestTemplatesAreNotShared(t *testing.T) {
	t.Parallel()
	target, r := revision("vllm-cuda")
	builder := NewBuilder()
	first, err := builder.ServingRuntime(target, r)
	require.NoError(t, err)
	other := r
	other.Args = map[string]spec.Arg{"max-num-seqs": {Values: []string{"1"}}}
	other.Runtime.Env = map[string]spec.Text{"USER": "x"}
	_, err = builder.ServingRuntime(target, other)
	require.NoError(t, err)
	again, err := builder.ServingRuntime(target, r)
	require.NoError(t, err)
	assert.Equal(t, first, again)
}

// TestServersOfIPv6: unless it is told vLLM listens on addresses of IPv4 alone, which the pod does not have.
func TestServersOfIPv6(t *testing.T) {
	t.Parallel()
	for _, name := range runtimes.Names() {
		target, r := revision(name)
		target.Platform.EKS = &spec.EKS{}
		runtime, _ := build(t, target, r)
		assert.NotContains(t, runtime.Spec.Containers[0].Args, "--host=::", name)
		target.Platform.EKS.IPFamily = spec.IPv6
		runtime, _ = build(t, target, r)
		assert.Contains(t, runtime.Spec.Containers[0].Args, "--host=::", name)
	}
}
