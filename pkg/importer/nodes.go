package importer

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// leaderWorkerSet is the kind that makes groups of pods without KServe.
const leaderWorkerSet = "LeaderWorkerSet"

// nodes is how many nodes a replica spans, at least 1.
func (w *workload) nodes() int {
	if w.isLeaderWorkerSet() {
		return max(number(dig(w.object.Data, "spec", "leaderWorkerTemplate", "size"), 1), 1)
	}
	if dig(w.object.Data, "spec", "predictor", "workerSpec") == nil {
		return 1
	}
	if size, ok := w.flagNumber("nnodes"); ok {
		return size
	}
	// KServe takes the stages for the nodes with mp; a tree of ours has a stage on each node.
	if stages, ok := w.flagNumber("pipeline-parallel-size"); ok {
		return stages
	}
	return 2
}

func (w *workload) isLeaderWorkerSet() bool { return w.object.Kind() == leaderWorkerSet }

// groupsOf reads the leader of a LeaderWorkerSet that kservegen rendered, nil for another: those of others are started by
// scripts that say little of what a document wants.
func groupsOf(r *manifest.Resource) *workload {
	const at = "/spec/leaderWorkerTemplate/leaderTemplate/spec"
	pod := fields(dig(r.Data, "spec", "leaderWorkerTemplate", "leaderTemplate", "spec"))
	w := &workload{object: r, pod: view{{r, at, pod}}}
	i := indexOfContainer(pod, isMain)
	if i < 0 || !w.ours() {
		return nil
	}
	w.container = view{containerPart(r, at, pod, i)}
	return w
}

// isPredictor says whether a Service is the one that a tree of ours makes of the leaders of a revision.
func (w *workload) isPredictor(service *manifest.Resource) bool {
	return w.isLeaderWorkerSet() && service.Namespace() == w.object.Namespace() && service.Name() == w.object.Name()+"-predictor"
}

// flagNumber is the value of a flag that is a whole number over zero.
func (w *workload) flagNumber(name string) (int, bool) {
	f, _ := w.line.find(name)
	n, err := strconv.Atoi(f.value())
	return n, err == nil && n > 0
}

// executor is what runs the ranks of several nodes, empty for one node.
func (w *workload) executor() string {
	if w.nodes() < 2 {
		return ""
	}
	if f, _ := w.line.find("distributed-executor-backend"); f.value() == spec.ExecutorRay {
		return spec.ExecutorRay
	}
	return spec.ExecutorMp
}

// ofGroup are flags and variables that a tree sets by itself where a replica spans several nodes.
func (w *workload) ofGroup(name string) bool {
	switch name {
	case "nnodes", "node-rank", "master-addr", "headless", "POD_IP", "VLLM_HOST_IP":
		return w.nodes() > 1
	case "distributed-executor-backend":
		return w.executor() == spec.ExecutorRay
	case "distributed-timeout-seconds", "cpu-distributed-timeout-seconds":
		return w.waitsForStart(name)
	}
	return false
}

// waitsForStart says whether a limit of a rank is that of the start, as a tree of ours has it by itself.
func (w *workload) waitsForStart(flag string) bool {
	probe := fields(w.container.get("startupProbe"))
	seconds, ok := w.flagNumber(flag)
	return ok && w.executor() == spec.ExecutorMp && seconds == number(probe["failureThreshold"], 3)*number(probe["periodSeconds"], 10)
}

// dropStages takes out the number of pipeline stages that a tree computes from the nodes.
func (w *workload) dropStages(runtime map[string]any) {
	args := fields(runtime["args"])
	const name = "pipeline-parallel-size"
	if w.nodes() > 1 && args[name] == scalar(strconv.Itoa(w.nodes())) {
		delete(args, name)
	}
	if len(args) == 0 {
		delete(runtime, "args")
	}
}

// networkOf infers spec.accelerator.network: the extended resource that is no device of the catalogue.
func (w *workload) networkOf(devices string) map[string]any {
	if w.nodes() < 2 {
		return nil
	}
	wanted := fields(w.container.get("resources", "limits"))
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if q, err := resource.ParseQuantity(text(quantity(wanted[name]))); err == nil && name != devices && strings.Contains(name, "/") {
			return map[string]any{"resource": name, "perNode": q.Value()}
		}
	}
	return nil
}
