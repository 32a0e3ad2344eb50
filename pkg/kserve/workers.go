package kserve

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/kserve/kserve/pkg/constants"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// rayHead and rayWorker start Ray and stay what Kubernetes can stop: exec, and --block, which ends with Ray itself.
const (
	rayHead   = `ray start --head --port=6379 --disable-usage-stats && exec vllm serve "$@"`
	rayWorker = `until ray health-check --address "$%[1]s:6379"; do sleep 5; done; exec ray start --address="$%[1]s:6379" --disable-usage-stats --block`
)

// group says how the pods of one replica over several nodes find each other. Words may hold $(VARIABLE)s of the container.
type group struct {
	// size is the number of nodes.
	size string
	// leader is the variable with the address of the first.
	leader string
	// rank of those that are not the first.
	rank string
}

// kserveGroup is a group that KServe makes: of one head and, with mp, one worker. The address is that of a headless Service
// of the InferenceService's generation (multiNodeProcess in pkg/controller/v1beta1/inferenceservice/components/predictor.go).
func kserveGroup(r spec.RevisionTarget) group {
	return group{size: strconv.Itoa(r.Nodes), leader: "HEAD_SVC", rank: "1"}
}

// health asks the leader's sidecar for the answer to the liveness probe of its server, which the sidecar gives to anybody,
// as it does to the kubelet (istio: pilot/cmd/pilot-agent/status). The server's own port speaks mTLS only. It fails where
// nobody is there or the engine is dead (503), and not where the answer is late: a leader that hangs is the business of its
// own liveness probe. The sidecar says 500 once that probe's timeout is over, so that this one has to be shorter.
func (g group) health(liveness *corev1.Probe) string {
	return fmt.Sprintf(`import os, sys, urllib.request as r
try:
    r.urlopen("http://%%s:%d/app-health/%s/livez" %% os.environ["%s"], timeout=%d)
except OSError as e:
    sys.exit(not isinstance(getattr(e, "reason", e), TimeoutError))`,
		spec.MetricsPort, Container, g.leader, max(liveness.TimeoutSeconds/2, 1))
}

// drained waits until the leader is gone: three times in a row, since one packet may be lost.
func (g group) drained(liveness *corev1.Probe) string {
	return "gone=0; while [ $gone -lt 3 ]; do if python3 -c '" + g.health(liveness) + "'; then gone=0; else gone=$((gone+1)); fi; sleep 5; done"
}

// setWorkers makes the runtime one for several nodes: its container the head, and workers beside it.
func setWorkers(runtime *v1alpha1.ServingRuntime, comments manifest.Comments, r spec.RevisionTarget) {
	head := &runtime.Spec.Containers[0]
	worker := worker(*head, kserveGroup(r), r)
	worker.StartupProbe, worker.LivenessProbe = workerProbes(kserveGroup(r), *head, r)
	lead(head, comments, kserveGroup(r), r)
	runtime.Spec.WorkerSpec = &v1alpha1.WorkerSpec{
		ServingRuntimePodSpec: v1alpha1.ServingRuntimePodSpec{Containers: []corev1.Container{worker}, Volumes: runtime.DeepCopy().Spec.Volumes},
		PipelineParallelSize:  ptr.To(r.PipelineParallel),
		TensorParallelSize:    ptr.To(r.TensorParallel),
	}
	const at = "/spec/workerSpec"
	comments.At[at] = fmt.Sprintf("KServe makes a second Deployment of this, with %d of its pods.", r.Nodes-1)
	comments.At[at+"/containers/0/startupProbe"] = "A worker serves nothing itself: it is well while the head answers, and starts anew with it. The\nhead's sidecar answers for its probe; the server's port speaks mTLS only."
	if r.Executor == spec.ExecutorMp {
		runtime.Spec.Annotations = map[string]string{constants.MultiNodeExecutorBackendAnnotationKey: constants.MultiNodeExecutorBackendMp}
		comments.At["/spec/annotations"] = "KServe 0.18 and later: a node for each pipeline stage, with as many GPUs as the tensor parallel size.\nOlder releases ignore it and count GPUs, which gives the same here."
	}
}

// lead makes a container the first of its group.
func lead(c *corev1.Container, comments manifest.Comments, g group, r spec.RevisionTarget) {
	addEnv(c, podAddress()...)
	if r.Executor == spec.ExecutorRay {
		c.Command = []string{"sh", "-c", rayHead, "vllm"}
		c.Args = append(c.Args, "--distributed-executor-backend=ray")
		comments.At["/spec/containers/0/command"] = "vLLM waits until the workers have joined Ray."
		return
	}
	comments.At[fmt.Sprintf("%s/%d", argsPointer, len(c.Args))] = "One engine over several nodes, without Ray; the first rank is here."
	c.Args = append(c.Args, "--nnodes="+g.size, "--node-rank=0", "--master-addr=$(POD_IP)")
	if waits := rendezvous(*c, r); len(waits) > 0 {
		comments.At[fmt.Sprintf("%s/%d", argsPointer, len(c.Args))] = "As long as the start may take. By default a rank gives up after 600 s (NCCL) or 1800 s (Gloo), and the\nlast node may come later."
		c.Args = append(c.Args, waits...)
	}
}

// rendezvous lets a rank wait for the others as long as the start may take. Left out, PyTorch's defaults hold: 600 s for
// NCCL, 1800 s for Gloo (vllm/config/parallel.py); older servers know no other. NCCL's watchdog has the same value
// afterwards; a step that hangs is noticed earlier, by VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS (300 s).
func rendezvous(c corev1.Container, r spec.RevisionTarget) []string {
	var flags []string
	for _, flag := range []struct{ name, since string }{{"distributed-timeout-seconds", "0.18.1"}, {"cpu-distributed-timeout-seconds", "0.22.1"}} {
		if _, said := r.Args[flag.name]; !said && isSince(r.Runtime, flag.since) {
			flags = append(flags, fmt.Sprintf("--%s=%d", flag.name, startupWindow(c.StartupProbe, r)))
		}
	}
	return flags
}

// worker is the container of another member of the group: the same engine, without an API.
func worker(c corev1.Container, g group, r spec.RevisionTarget) corev1.Container {
	worker, waits := *c.DeepCopy(), rendezvous(c, r)
	worker.Name = constants.WorkerContainerName
	worker.Ports, worker.ReadinessProbe, worker.LivenessProbe, worker.StartupProbe = nil, nil, nil, nil
	// The streams of the leader end on the workers as well: they stay until it has drained.
	worker.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{
		Command: []string{"sh", "-c", g.drained(c.LivenessProbe)},
	}}}
	addEnv(&worker, podAddress()...)
	if r.Executor == spec.ExecutorRay {
		worker.Command, worker.Args = []string{"sh", "-c", fmt.Sprintf(rayWorker, g.leader)}, nil
		return worker
	}
	worker.Args = slices.DeleteFunc(worker.Args, func(arg string) bool {
		name := flagName(arg)
		return name == "host" || name == "port" || name == "served-model-name" || name == shutdownFlag || name == serversFlag
	})
	worker.Args = append(worker.Args, "--nnodes="+g.size, "--node-rank="+g.rank, "--master-addr=$("+g.leader+")", "--headless")
	worker.Args = append(worker.Args, waits...)
	return worker
}

// podAddress tells vLLM which of the node's addresses the others reach it by.
func podAddress() []corev1.EnvVar {
	return []corev1.EnvVar{
		{Name: "POD_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
		{Name: "VLLM_HOST_IP", Value: "$(POD_IP)"},
	}
}

func addEnv(c *corev1.Container, variables ...corev1.EnvVar) {
	for _, variable := range variables {
		if !slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == variable.Name }) {
			c.Env = append(c.Env, variable)
		}
	}
}

// workerProbes ask whether the group is whole: at the start for as long as the leader may take, then for as long as the
// leader's own liveness probe fails. What is without a leader is killed soon, without the pause in which streams end.
func workerProbes(g group, leader corev1.Container, r spec.RevisionTarget) (startup, liveness *corev1.Probe) {
	own := leader.LivenessProbe
	period := max(own.PeriodSeconds, 1)
	probe := func(failures int32) *corev1.Probe {
		return &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"python3", "-c", g.health(own)}}},
			PeriodSeconds: period, TimeoutSeconds: own.TimeoutSeconds + 5, FailureThreshold: failures,
			TerminationGracePeriodSeconds: ptr.To(int64(teardown.Seconds())),
		}
	}
	// A worker that starts again meets a leader that starts again: it gets what the leader has, and the time in which the
	// leader's own probe fails.
	whole := (startupWindow(leader.StartupProbe, r) + period - 1) / period
	return probe(whole + own.FailureThreshold), probe(own.FailureThreshold)
}

// workerSpec is what the InferenceService says of the workers' pods.
func workerSpec(t spec.Target, r spec.RevisionTarget, grace, cache int64) *v1beta1.WorkerSpec {
	pod := podSpec(t, r, grace)
	pod.Containers = []corev1.Container{{Name: constants.WorkerContainerName, Resources: resources(r, cache)}}
	return &v1beta1.WorkerSpec{PodSpec: pod}
}

// explainGroup says what differs where a replica spans several nodes.
func explainGroup(at map[string]string, pod string, r spec.RevisionTarget) {
	at[pod+"/deploymentStrategy"] = "All at once: a rolling update would surge the workers by 100% whatever it says, and a head of one\ngeneration does not work with workers of another. A new version is a new revision."
	at[pod+"/workerSpec"] = fmt.Sprintf("%d nodes with %d devices each. There is one group: KServe makes one set of workers, however\nmany heads there are. KServe 0.20.0 deletes it as soon as it has made it (kserve#6113).", r.Nodes, r.DevicesPerNode())
	at[pod+"/affinity"] += "\nAll pods of the group in one zone: RDMA does not cross zones, and traffic between them costs."
	at[pod+"/annotations/traffic.sidecar.istio.io~1includeInboundPorts"] = "The sidecar guards the API alone. What the nodes say to each other (torch.distributed, NCCL, Gloo,\nmessage queues) has ports of its own choice and bypasses it; the NetworkPolicy keeps others away."
	at["/metadata/annotations/serving.kserve.io~1autoscalerClass"] = "What KServe's webhook wants of several nodes."
	if r.Network != nil {
		at["/metadata/annotations/serving.kserve.io~1gpu-resource-types"] = "Over several nodes KServe takes any resource that it does not know for a GPU, and refuses it."
	}
}
