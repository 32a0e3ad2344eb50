package kserve

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	// Container is the name that KServe looks for in a runtime.
	Container = "kserve-container"

	// DefaultDrain is how long a stopping server may finish its streams.
	DefaultDrain = 5 * time.Minute

	// teardown is what remains between the end of the drain and the end of the grace period: vLLM gives its
	// workers 5 s, 15 s on ROCm (VLLM_WORKER_SHUTDOWN_TIMEOUT_SECONDS, vllm/envs.py), and needs some itself.
	teardown = 30 * time.Second

	// simulatorDrain is built into llm-d-inference-sim (pkg/communication/communication.go). It has no workers to
	// stop.
	simulatorDrain    = 30 * time.Second
	simulatorTeardown = 10 * time.Second

	readyTimeoutEnv = "VLLM_ENGINE_READY_TIMEOUT_S"
	shutdownFlag    = "shutdown-timeout"
	serversFlag     = "api-server-count"
	argsPointer     = "/spec/containers/0/args"
	envPointer      = "/spec/containers/0/env"
)

// ServingRuntime builds the runtime of one revision from its entry of the catalogue.
func (b *Builder) ServingRuntime(t spec.Target, r spec.RevisionTarget) (manifest.Object, error) {
	runtime, comments, err := b.runtime(t, r)
	if err != nil {
		return manifest.Object{}, err
	}
	runtime.ObjectMeta = metav1.ObjectMeta{
		Name: t.Qualified(r.Name), Namespace: t.Namespace,
		Labels: t.RevisionLabels(spec.ComponentServer, r.Name),
	}
	comments.Head = fmt.Sprintf("What runs %s: %s of kservegen's catalogue. Each revision has its own; KServe would roll\neverything that shares one as soon as it changes (kserve#3683).", t.Qualified(r.Name), r.Runtime.Name)
	if r.MultiNode() {
		setWorkers(runtime, comments, r)
	}
	if release := t.Platform.KServe; release != nil && release.Version != "" {
		runtime.Annotations = map[string]string{spec.KServeAnnotation: release.Version}
		comments.At["/metadata/annotations"] = "Which KServe runs, for `validate` and `import`."
	}
	return manifest.Object{File: "servingruntime-" + r.Name, Typed: runtime, Absent: unlabelled(runtime), Comments: comments}, nil
}

// runtime is the catalogue's entry with what the document says of it laid over.
func (b *Builder) runtime(t spec.Target, r spec.RevisionTarget) (*v1alpha1.ServingRuntime, manifest.Comments, error) {
	entry, err := b.template(r.Runtime.Name)
	if err != nil {
		return nil, manifest.Comments{}, err
	}
	runtime := entry.runtime.DeepCopy()
	comments := entry.comments()
	container := &runtime.Spec.Containers[0]
	container.Image = image(container.Image, r.Runtime)
	// The InferenceService says them, and would win by name over any that stand here (MergeContainerWithPatch).
	container.Resources = corev1.ResourceRequirements{}
	setArgs(container, comments, t, r)
	setEnv(container, comments, r)
	if r.Model.Streamed || r.Model.Restored() {
		runtime.Spec.SupportedModelFormats = append(runtime.Spec.SupportedModelFormats, v1alpha1.SupportedModelFormat{
			Name: storelessFormat, Version: ptr.To("1"), AutoSelect: ptr.To(false),
		})
	}
	if r.Model.Streamed {
		container.Env = append(container.Env, bucketKeys(r.Model.Secret)...)
	}
	restore(runtime, comments, r)
	setStartup(container, comments, t, r)
	setSharedMemory(runtime, r)
	return runtime, comments, nil
}

// image applies the document's image or version to the catalogue's.
func image(pinned string, runtime spec.Runtime) string {
	switch {
	case runtime.Image != "":
		return runtime.Image
	case runtime.Version != "":
		return pinned[:strings.LastIndex(pinned, ":")+1] + runtime.Version
	}
	return pinned
}

// setArgs lays the document's flags over the runtime's: a flag that stands there is replaced in its place,
// others are appended in the order of their names, so that the same document gives the same bytes.
func setArgs(container *corev1.Container, comments manifest.Comments, t spec.Target, r spec.RevisionTarget) {
	computed := map[string][]string{"served-model-name": {"--served-model-name=" + t.ServedName}}
	why := map[string]string{"served-model-name": "The same on every revision: KServe's own {name} would make clients of one get 404 from the other."}
	maps.Copy(why, plannedFlags(r))
	if r.TensorParallel > 0 {
		computed["tensor-parallel-size"] = []string{"--tensor-parallel-size=" + strconv.Itoa(r.TensorParallel)}
	}
	if r.PipelineParallel > 0 {
		computed["pipeline-parallel-size"] = []string{"--pipeline-parallel-size=" + strconv.Itoa(r.PipelineParallel)}
	}
	if r.DataParallel > 1 {
		why["data-parallel-size"] = fmt.Sprintf("%d engines behind one port, each with attention weights, a KV cache and --max-num-seqs of its own.\nThey talk over local sockets, which a sidecar does not intercept: mTLS needs nothing for them.", r.DataParallel)
	}
	if oneServer(container.Args, r) {
		computed[serversFlag] = []string{"--" + serversFlag + "=1"}
		why[serversFlag] = "One for all engines; by default there are as many. Of several none waits for its streams when the pod stops:\nthe engines belong to another process (vllm/v1/engine/core_client.py). Where one is too slow, set api-server-count."
	}
	if t.LLM() {
		computed["port"] = []string{"--port=" + strconv.Itoa(t.Port())}
	}
	if t.HasIPv6() {
		computed["host"] = []string{"--host=::"}
		why["host"] = "The pod's address is of IPv6. Without this vLLM listens on those of IPv4 alone (create_server_socket)."
	}
	if r.MaxModelLen > 0 {
		computed["max-model-len"] = []string{"--max-model-len=" + strconv.Itoa(r.MaxModelLen)}
	}
	for name, arg := range r.Args {
		computed[name] = flag(name, arg)
	}
	if r.Model.Streamed {
		computed["model"] = []string{"--model=" + r.Model.Source}
		why["model"] = "The server reads it from the bucket, configuration and tokenizer first. HF_HUB_OFFLINE would make it look\nfor a repository of that name in its cache (get_model_path in vllm/transformers_utils/repo_utils.py)."
		why["load-format"] = "Run:ai's model streamer: tensors go through a buffer into the memory of the devices, and to no disk."
	}
	if drains(container.Args) {
		computed[shutdownFlag] = nil
		if understandsShutdown(r.Runtime) {
			computed[shutdownFlag] = []string{fmt.Sprintf("--%s=%d", shutdownFlag, int(drain(r).Seconds()))}
		}
	}
	args := newArgList(container.Args, comments)
	for _, name := range slices.Sorted(maps.Keys(computed)) {
		args.set(name, computed[name], why[name])
	}
	container.Args = args.values()
	args.comment(comments)
}

// plannedFlags says where the numbers come from that neither the document nor a layout has.
func plannedFlags(r spec.RevisionTarget) map[string]string {
	why := map[string]string{}
	if r.Planned.Devices != "" {
		why["tensor-parallel-size"] = r.Planned.Devices
	}
	if r.Planned.MaxModelLen != "" {
		why["max-model-len"] = r.Planned.MaxModelLen
	}
	return why
}

// flag prints one flag of the document. true is --flag and false --no-flag, which vLLM's parser accepts for
// every switch in all measured versions. A member of a JSON value (--flag.key) always has a value.
func flag(name string, arg spec.Arg) []string {
	switch {
	case arg.Bool == nil:
	case strings.Contains(name, "."):
		return []string{"--" + name + "=" + strconv.FormatBool(*arg.Bool)}
	case *arg.Bool:
		return []string{"--" + name}
	default:
		return []string{"--no-" + name}
	}
	if len(arg.Values) == 1 {
		return []string{"--" + name + "=" + arg.Values[0]}
	}
	return append([]string{"--" + name}, arg.Values...)
}

// oneServer says whether the number of processes that take requests must be said: vLLM has as many as engines, and those
// do not drain (MPClient.shutdown in vllm/v1/engine/core_client.py, 0.18.1 to 0.33.0).
func oneServer(args []string, r spec.RevisionTarget) bool {
	return r.DataParallel > 1 && drains(args) && understandsShutdown(r.Runtime)
}

func drains(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return flagName(arg) == shutdownFlag })
}

// understandsShutdown: --shutdown-timeout exists from vLLM 0.18.1; an older server would refuse to start.
// An image of one's own is taken to be current.
func understandsShutdown(runtime spec.Runtime) bool { return isSince(runtime, "0.18.1") }

// isSince says whether the server is of that release of vLLM or a later one, as far as the document says.
func isSince(runtime spec.Runtime, release string) bool {
	v, err := version.ParseGeneric(runtime.Version)
	return err != nil || v.AtLeast(version.MustParseGeneric(release))
}

// drain is how long the server may finish its streams. The simulator has no setting for it.
func drain(r spec.RevisionTarget) time.Duration {
	if r.Runtime.Name == spec.Simulator {
		return r.Runtime.DrainTimeout.Or(simulatorDrain)
	}
	return r.Runtime.DrainTimeout.Or(DefaultDrain)
}

// GracePeriod is what a stopping pod gets: the pause in which proxies forget it, the drain, and the teardown.
func GracePeriod(container corev1.Container, r spec.RevisionTarget) time.Duration {
	pause := time.Duration(0)
	if container.Lifecycle != nil && container.Lifecycle.PreStop != nil && container.Lifecycle.PreStop.Sleep != nil {
		pause = time.Duration(container.Lifecycle.PreStop.Sleep.Seconds) * time.Second
	}
	if r.Runtime.Name == spec.Simulator {
		return pause + drain(r) + simulatorTeardown
	}
	return pause + drain(r) + teardown
}

// setEnv lays the document's environment over the runtime's and gives the engine as long as the probe waits.
func setEnv(container *corev1.Container, comments manifest.Comments, r spec.RevisionTarget) {
	values := map[string]string{}
	maps.Copy(values, streamEnv(r))
	for name, value := range r.Runtime.Env {
		values[name] = string(value)
	}
	for i := range container.Env {
		name := container.Env[i].Name
		if name == readyTimeoutEnv {
			container.Env[i].Value = strconv.Itoa(int(startupWindow(container.StartupProbe, r)))
		}
		if value, ok := values[name]; ok {
			container.Env[i] = corev1.EnvVar{Name: name, Value: value}
			comments.Drop(fmt.Sprintf("%s/%d", envPointer, i))
			delete(values, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		container.Env = append(container.Env, corev1.EnvVar{Name: name, Value: values[name]})
	}
}

// startupWindow is the budget in seconds as the probe can grant it: in whole periods. The engine gets as long.
func startupWindow(probe *corev1.Probe, r spec.RevisionTarget) int32 {
	period := int32(1)
	if probe != nil {
		period = max(probe.PeriodSeconds, 1)
	}
	return (int32(r.Startup.Budget.Seconds()) + period - 1) / period * period
}

// setStartup turns the budget into probes. A pod that is killed while it loads never becomes ready.
func setStartup(container *corev1.Container, comments manifest.Comments, t spec.Target, r spec.RevisionTarget) {
	probe := container.StartupProbe
	if probe == nil || r.Runtime.Name == spec.Simulator && r.Runtime.StartupTimeout == "" {
		return
	}
	period := max(probe.PeriodSeconds, 1)
	probe.FailureThreshold = startupWindow(probe, r) / period
	const pointer = "/spec/containers/0/startupProbe"
	comments.Drop(pointer)
	comments.At[pointer] = "Start-up budget: " + r.Startup.Why + ".\nKServe reports the " + t.Serving + " as not progressing after 600 s all the same (kserve#5684)."
}

func setSharedMemory(runtime *v1alpha1.ServingRuntime, r spec.RevisionTarget) {
	for i := range runtime.Spec.Volumes {
		volume := &runtime.Spec.Volumes[i]
		if volume.EmptyDir == nil || volume.EmptyDir.Medium != corev1.StorageMediumMemory {
			continue
		}
		size := resource.MustParse(string(r.Resources.SharedMemory))
		volume.EmptyDir.SizeLimit = &size
	}
}
