package kserve

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

func overNodes(executor string) (spec.Target, spec.RevisionTarget) {
	target, r := revision("vllm-cuda")
	target.Serving = spec.ServingInferenceService
	r.Model.Source = "pvc://models/m"
	r.Devices, r.Nodes, r.TensorParallel, r.PipelineParallel, r.Executor = 16, 2, 8, 2, executor
	r.Network = &spec.Network{Resource: "vpc.amazonaws.com/efa", PerNode: 32}
	r.MinReplicas, r.MaxReplicas = 1, 1
	target.Revisions = []spec.RevisionTarget{r}
	return target, r
}

// TestWorkersAreTheSameEngine: head and worker differ by their rank alone, and the worker serves no API.
func TestWorkersAreTheSameEngine(t *testing.T) {
	t.Parallel()
	target, r := overNodes(spec.ExecutorMp)
	runtime, service := build(t, target, r)
	head, worker := runtime.Spec.Containers[0], runtime.Spec.WorkerSpec.Containers[0]
	assert.Equal(t, "worker-container", worker.Name, "KServe looks for it")
	assert.Equal(t, head.Image, worker.Image)
	assert.Contains(t, head.Args, "--node-rank=0")
	assert.Contains(t, head.Args, "--master-addr=$(POD_IP)")
	assert.Contains(t, worker.Args, "--node-rank=1")
	assert.Contains(t, worker.Args, "--master-addr=$(HEAD_SVC)", "KServe sets it")
	assert.Contains(t, worker.Args, "--headless")
	for _, args := range [][]string{head.Args, worker.Args} {
		assert.Subset(t, args, []string{"--nnodes=2", "--tensor-parallel-size=8", "--pipeline-parallel-size=2", "--max-model-len=8192"})
	}
	assert.NotContains(t, worker.Args, "--port=8080")
	assert.Empty(t, worker.Ports, "or the model's Service would send requests to it")
	assert.Equal(t, "mp", runtime.Spec.Annotations["multinode/executor-backend"])
	assert.Equal(t, 2, *runtime.Spec.WorkerSpec.PipelineParallelSize, "with mp KServe takes it for the number of nodes")
	assert.Equal(t, 8, *runtime.Spec.WorkerSpec.TensorParallelSize, "and this for the GPUs of each")
	assert.Equal(t, appsv1.RecreateDeploymentStrategyType, service.Spec.Predictor.DeploymentStrategy.Type, "a rolling update surges the workers")
}

// TestWorkersKnowWhetherTheGroupIsWhole: a worker waits for its head as long as that may take, and is killed soon after it.
func TestWorkersKnowWhetherTheGroupIsWhole(t *testing.T) {
	t.Parallel()
	target, r := overNodes(spec.ExecutorMp)
	runtime, _ := build(t, target, r)
	head, worker := runtime.Spec.Containers[0], runtime.Spec.WorkerSpec.Containers[0]
	startup, liveness := worker.StartupProbe, worker.LivenessProbe
	window := head.StartupProbe.FailureThreshold * head.StartupProbe.PeriodSeconds
	unnoticed := head.LivenessProbe.FailureThreshold * head.LivenessProbe.PeriodSeconds
	assert.GreaterOrEqual(t, startup.FailureThreshold*startup.PeriodSeconds, window+unnoticed)
	assert.GreaterOrEqual(t, liveness.FailureThreshold*liveness.PeriodSeconds, unnoticed, "a head that is busy is not gone")
	for _, probe := range []*corev1.Probe{startup, liveness} {
		assert.Less(t, *probe.TerminationGracePeriodSeconds, int64(60), "not the time in which streams end")
		assert.Contains(t, strings.Join(probe.Exec.Command, " "), `:15020/app-health/kserve-container/livez" % os.environ["HEAD_SVC"]`)
	}
	assert.NotContains(t, strings.Join(worker.Lifecycle.PreStop.Exec.Command, " "), "{{", "KServe executes templates")
	assert.Nil(t, worker.ReadinessProbe)
}

// TestRanksWaitForEachOther as long as the start may take, where vLLM can be told so.
func TestRanksWaitForEachOther(t *testing.T) {
	t.Parallel()
	const nccl, gloo = "--distributed-timeout-seconds=", "--cpu-distributed-timeout-seconds="
	for version, wanted := range map[string][]string{
		"": {nccl, gloo}, "v0.33.0": {nccl, gloo}, "v0.22.1": {nccl, gloo}, "v0.22.0": {nccl}, "v0.18.1": {nccl}, "v0.18.0": nil,
	} {
		target, r := overNodes(spec.ExecutorMp)
		r.Runtime.Version = version
		runtime, _ := build(t, target, r)
		head, worker := runtime.Spec.Containers[0], runtime.Spec.WorkerSpec.Containers[0]
		window := head.StartupProbe.FailureThreshold * head.StartupProbe.PeriodSeconds
		for _, args := range [][]string{head.Args, worker.Args} {
			var given []string
			for _, arg := range args {
				if strings.Contains(arg, "distributed-timeout") {
					given = append(given, arg)
				}
			}
			var want []string
			for _, flag := range wanted {
				want = append(want, flag+strconv.Itoa(int(window)))
			}
			assert.Equal(t, want, given, version)
		}
	}
	target, r := overNodes(spec.ExecutorMp)
	r.Args = map[string]spec.Arg{"distributed-timeout-seconds": {Values: []string{"7200"}}, "api-server-count": {Values: []string{"2"}}}
	runtime, _ := build(t, target, r)
	head, worker := runtime.Spec.Containers[0], runtime.Spec.WorkerSpec.Containers[0]
	assert.Equal(t, 1, strings.Count(strings.Join(worker.Args, " "), " "+nccl), "the document's alone")
	assert.Contains(t, worker.Args, nccl+"7200")
	assert.Contains(t, head.Args, "--api-server-count=2")
	assert.NotContains(t, worker.Args, "--api-server-count=2", "vLLM refuses it beside --headless")
}

// TestLateIsNotGone runs what workers ask with, against a leader's sidecar.
func TestLateIsNotGone(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	target, r := overNodes(spec.ExecutorMp)
	runtime, _ := build(t, target, r)
	script := runtime.Spec.WorkerSpec.Containers[0].LivenessProbe.Exec.Command[2]
	require.Contains(t, script, ":15020/")
	require.Contains(t, script, "timeout=5)")
	late := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "/late/"):
			<-late
		case strings.Contains(r.URL.Path, "/dead/"):
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	defer close(late)
	for name, test := range map[string]struct {
		url  string
		well bool
	}{
		"well": {server.URL + "/", true}, "late": {server.URL + "/late/", true},
		"dead": {server.URL + "/dead/", false}, "gone": {"http://127.0.0.1:1/", false}, "unknown": {"http://nobody.invalid/", false},
	} {
		asked := strings.Replace(strings.Replace(script, "http://%s:15020/", "%s", 1), "timeout=5)", "timeout=1)", 1)
		command := exec.CommandContext(t.Context(), python, "-c", asked)
		command.Env = []string{"HEAD_SVC=" + test.url, "no_proxy=*"}
		assert.Equal(t, test.well, command.Run() == nil, name)
	}
}

func TestRayTellsWorkersApart(t *testing.T) {
	t.Parallel()
	target, r := overNodes(spec.ExecutorRay)
	r.Nodes, r.Devices, r.PipelineParallel = 4, 32, 4
	runtime, _ := build(t, target, r)
	head, worker := runtime.Spec.Containers[0], runtime.Spec.WorkerSpec.Containers[0]
	assert.Equal(t, []string{"sh", "-c", `ray start --head --port=6379 --disable-usage-stats && exec vllm serve "$@"`, "vllm"}, head.Command)
	assert.Contains(t, head.Args, "--distributed-executor-backend=ray")
	assert.NotContains(t, strings.Join(head.Args, " "), "--nnodes")
	assert.Empty(t, worker.Args)
	assert.Contains(t, worker.Command[2], `ray start --address="$HEAD_SVC:6379"`)
	assert.NotContains(t, runtime.Spec.Annotations, "multinode/executor-backend", "KServe counts GPUs then")
}

// TestServiceSaysWhatItsWorkersNeed: KServe's webhook asks for the annotations, its controller for the rest.
func TestServiceSaysWhatItsWorkersNeed(t *testing.T) {
	t.Parallel()
	target, r := overNodes(spec.ExecutorMp)
	_, service := build(t, target, r)
	var types []string
	require.NoError(t, json.Unmarshal([]byte(service.Annotations["serving.kserve.io/gpu-resource-types"]), &types))
	assert.Equal(t, []string{"vpc.amazonaws.com/efa"}, types)
	assert.Equal(t, "none", service.Annotations["serving.kserve.io/autoscalerClass"])
	predictor := service.Spec.Predictor
	head, workers := predictor.Model.Resources, predictor.WorkerSpec.Containers[0].Resources
	assert.Equal(t, head, workers, "the nodes are alike")
	gpus, efa := head.Limits["nvidia.com/gpu"], head.Limits["vpc.amazonaws.com/efa"]
	assert.Equal(t, "8", gpus.String())
	assert.Equal(t, "32", efa.String())
	for _, pod := range []*corev1.Affinity{predictor.Affinity, predictor.WorkerSpec.Affinity} {
		term := pod.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0]
		assert.Equal(t, "topology.kubernetes.io/zone", term.TopologyKey)
		assert.Equal(t, target.RevisionSelector("v1"), term.LabelSelector.MatchLabels)
		assert.Empty(t, term.MatchLabelKeys)
	}
	assert.Empty(t, predictor.TopologySpreadConstraints, "it would pull the group apart")
	assert.Equal(t, target.Name, predictor.WorkerSpec.ServiceAccountName, "STRICT knows the workers by it")
	assert.Equal(t, "8080", predictor.Annotations["traffic.sidecar.istio.io/includeInboundPorts"])
	assert.Equal(t, "0.0.0.0/0,::/0", predictor.Annotations["traffic.sidecar.istio.io/excludeOutboundIPRanges"])
}

// TestPodsWithoutKServe have what KServe's webhook would add.
func TestPodsWithoutKServe(t *testing.T) {
	t.Parallel()
	target, r := overNodes(spec.ExecutorMp)
	target.Serving = spec.ServingLeaderWorkerSet
	pods, err := NewBuilder().Pods(target, r)
	require.NoError(t, err)
	leader, worker := pods.Leader.Spec.Containers[0], pods.Worker.Spec.Containers[0]
	assert.Contains(t, leader.Args, "--nnodes=$(LWS_GROUP_SIZE)")
	assert.Contains(t, worker.Args, "--node-rank=$(LWS_WORKER_INDEX)")
	assert.Contains(t, worker.Args, "--master-addr=$(LWS_LEADER_ADDRESS)")
	assert.Nil(t, worker.LivenessProbe, "the whole group is made anew")
	for _, pod := range []corev1.PodSpec{pods.Leader.Spec, pods.Worker.Spec} {
		mounts, volumes := pod.Containers[0].VolumeMounts, pod.Volumes
		assert.Equal(t, corev1.VolumeMount{Name: "model", MountPath: "/mnt/models", SubPath: "m", ReadOnly: true}, mounts[len(mounts)-1])
		assert.Equal(t, "models", volumes[len(volumes)-1].PersistentVolumeClaim.ClaimName)
		assert.Equal(t, []string{"leaderworkerset.sigs.k8s.io/group-key"}, pod.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0].MatchLabelKeys)
	}
	data, err := manifest.FromTyped(&pods.Leader)
	require.NoError(t, err)
	_, err = manifest.MarshalCommented(data, pods.Comments)
	require.NoError(t, err, "every comment has its field")

	r.Model.Source = "oci://registry.example.com/m:v1"
	pods, err = NewBuilder().Pods(target, r)
	require.NoError(t, err)
	volumes, mounts := pods.Worker.Spec.Volumes, pods.Worker.Spec.Containers[0].VolumeMounts
	assert.Equal(t, corev1.VolumeMount{Name: "model", MountPath: "/mnt/models", SubPath: "models", ReadOnly: true}, mounts[len(mounts)-1], "images for KServe have them there")
	assert.Equal(t, "registry.example.com/m:v1", volumes[len(volumes)-1].Image.Reference)
}
