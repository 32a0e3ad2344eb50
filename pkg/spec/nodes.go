package spec

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kservegen/kservegen/pkg/catalog"
)

// What runs the ranks of a replica over several nodes.
const (
	ExecutorMp  = "mp"
	ExecutorRay = "ray"
)

// executorFlag is vLLM's. On one node a document may say it.
const executorFlag = "distributed-executor-backend"

// leastMpVersion is the first measured release whose mp executor spans nodes: it has --nnodes, --node-rank and --master-addr.
const leastMpVersion = "0.11.1"

// extendedResource is a name that a device plugin may count by: qualified, and not of Kubernetes itself.
var extendedResource = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`)

// DevicesPerNode is the number of devices of each pod.
func (r RevisionTarget) DevicesPerNode() int { return r.Devices / max(r.Nodes, 1) }

// MultiNode reports whether a replica spans several nodes.
func (r RevisionTarget) MultiNode() bool { return r.Nodes > 1 }

// MultiNode reports whether a replica of some revision spans several nodes.
func (t Target) MultiNode() bool {
	for _, r := range t.Revisions {
		if r.MultiNode() {
			return true
		}
	}
	return false
}

// serving is the kind of the document, or the default.
func (r *resolver) serving() string {
	return cmp.Or(r.spec.Serving, ServingInferenceService)
}

// nodes is how many nodes a replica spans, at least 1: those of the document, else of the catalogue's layout.
func (r *resolver) nodes(model catalog.Model, accelerator catalog.Accelerator, devices int) int {
	const path = "spec.accelerator.nodes"
	a := r.spec.Accelerator
	nodes := a.Nodes
	if layout, ok := model.Layout(accelerator.Name); nodes == 0 && ok && a.PerReplica.IsAuto() && r.spec.Runtime.Name != Simulator {
		nodes = layout.Nodes
	}
	switch {
	case nodes < 0:
		r.failf(path, "must be at least 1, got %d", nodes)
	case nodes > 1 && r.spec.Runtime.Name != "vllm-cuda" && r.spec.Runtime.Name != "vllm-rocm":
		r.failf(path, "%s runs on one node; only vllm-cuda and vllm-rocm span several", r.spec.Runtime.Name)
	case nodes > 1 && devices%nodes != 0:
		r.failf("spec.accelerator.perReplica", "%d devices do not divide by %d nodes", devices, nodes)
	case nodes > mostRanks:
		r.failf(path, "%d is more than any cluster has", nodes)
	default:
		r.checkPerNode(accelerator, devices, max(nodes, 1))
		return max(nodes, 1)
	}
	return 1
}

func (r *resolver) checkPerNode(accelerator catalog.Accelerator, devices, nodes int) {
	if most := accelerator.PerNode; most > 0 && devices/nodes > most {
		r.failf("spec.accelerator.perReplica", "%d is more than the %d %s of %s; set accelerator.nodes, or lower it",
			devices, most*nodes, accelerator.Product, plural(nodes, "node"))
	}
	if nodes > 1 {
		return
	}
	// An environment on one node says so; elsewhere what only several nodes need is a mistake.
	if _, said := r.places["spec.accelerator.nodes"]; said {
		return
	}
	if r.spec.Runtime.Executor != "" {
		r.failf("spec.runtime.executor", "is for a replica over several nodes; set accelerator.nodes, or leave it out")
	}
	if r.spec.Accelerator.Network != nil {
		r.failf("spec.accelerator.network", "is for a replica over several nodes; set accelerator.nodes, or leave it out")
	}
}

// executor fills in what runs the ranks. mp is the default: vLLM's images have had no Ray since 0.19
// (vllm: requirements/cuda.txt, ai-dynamo/dynamo#8515), and two nodes need no scheduler of their own.
func (r *resolver) executor(nodes int) string {
	const path = "spec.runtime.executor"
	run := &r.spec.Runtime
	r.enum(path, &run.Executor, ExecutorMp, ExecutorMp, ExecutorRay)
	if _, said := run.Args[executorFlag]; said {
		r.failf("spec.runtime.args."+executorFlag, "is set by kservegen over several nodes: set %s", path)
	}
	switch run.Executor {
	case ExecutorRay:
		if run.Image == "" {
			r.failf(path, "ray needs an image with Ray, which vLLM's own has not had since 0.19; name one in runtime.image, or use mp")
		}
	case ExecutorMp:
		if v, err := version.ParseGeneric(run.Version); err == nil && v.LessThan(version.MustParseGeneric(leastMpVersion)) {
			r.failf("spec.runtime.version", "mp spans nodes from vLLM v%s on", leastMpVersion)
		}
		if nodes > 2 && r.serving() == ServingInferenceService {
			r.failf(path, "KServe's workers are one Deployment, so all %d would have the same rank; use ray, serving: %s, or 2 nodes", nodes-1, ServingLeaderWorkerSet)
		}
	}
	return run.Executor
}

// network checks the devices between the nodes.
func (r *resolver) network() *Network {
	n := r.spec.Accelerator.Network
	if n == nil {
		return nil
	}
	const path = "spec.accelerator.network"
	domain, _, _ := strings.Cut(n.Resource, "/")
	switch {
	case n.Resource == "":
		r.failf(path+".resource", "is missing; for example vpc.amazonaws.com/efa")
	case !extendedResource.MatchString(n.Resource) || domain == "kubernetes.io" || strings.HasSuffix(domain, ".kubernetes.io"):
		r.failf(path+".resource", "want a device plugin's resource such as vpc.amazonaws.com/efa, got %q", n.Resource)
	}
	if n.PerNode < 1 {
		r.failf(path+".perNode", "must be at least 1, got %d", n.PerNode)
	}
	return n
}

// pipelineParallel is the number of stages of a replica over several nodes: one for each node, so that only activations
// cross the network (vllm: docs/serving/parallelism_scaling.md).
func (r *resolver) pipelineParallel(nodes int, args map[string]Arg) int {
	if _, ok := args[dataParallel]; ok {
		r.failf("spec.runtime.args."+dataParallel, "is not made over several nodes; leave it out")
	}
	stages := nodes
	if _, ok := args[tensorParallel]; ok {
		stages = 1
	}
	if _, ok := args[pipelineParallel]; ok {
		stages = r.positive(args, pipelineParallel)
	}
	if stages != nodes && r.serving() == ServingInferenceService && r.spec.Runtime.Executor == ExecutorMp {
		// KServe takes the stages for the nodes and the tensor parallel size for the devices of each (computeMpNodeAndGPUs in
		// pkg/controller/v1beta1/inferenceservice/components/predictor.go).
		r.failf("spec.runtime.args."+pipelineParallel, "with mp KServe makes a node of each stage, so that there must be %d; set it, or use serving: %s", nodes, ServingLeaderWorkerSet)
	}
	return stages
}

// checkGroup wants what the object that makes the pods of several nodes can do.
func (r *resolver) checkGroup(t RevisionTarget) {
	if !t.MultiNode() {
		if r.serving() == ServingLeaderWorkerSet {
			r.failf("spec.serving", "%s is for a replica over several nodes, in every environment; set accelerator.nodes, or give those on one node a document of their own", ServingLeaderWorkerSet)
		}
		return
	}
	if r.serving() == ServingLLMInferenceService {
		r.failf("spec.accelerator.nodes", "an %s is written for one node: its workers are groups of LeaderWorkerSets as well, with KServe's presets between; use serving: %s, or %s", ServingLLMInferenceService, ServingLeaderWorkerSet, ServingInferenceService)
		return
	}
	if scheme, _, _ := strings.Cut(t.Model.Source, "://"); scheme != "pvc" && scheme != "oci" {
		why := "KServe refuses other sources for several nodes"
		if r.serving() == ServingLeaderWorkerSet {
			why = "nothing would bring the weights to the pods of a " + ServingLeaderWorkerSet
		}
		r.failf("spec.model.source", "want pvc:// or oci:// for a replica over several nodes, got %q: %s", t.Model.Source, why)
	}
	if r.serving() != ServingInferenceService {
		return
	}
	r.checkKeepsWorkers()
	if r.spec.Scaling.Type == KEDA {
		r.failf("spec.scaling.type", "KEDA would scale the heads alone: KServe's workers are another Deployment; use serving: %s", ServingLeaderWorkerSet)
	}
	if t.MaxReplicas > 1 {
		r.failf("spec.replicas", "KServe makes one group of head and workers, and more heads would share its workers; use serving: %s for %d", ServingLeaderWorkerSet, t.MaxReplicas)
	}
	if label := "isvc." + predictor(r.serving(), r.m.Name, t.Name) + "-worker"; len(label) > maxLabel {
		r.failf("spec.accelerator.nodes", "the workers' pod label %q is %d characters, Kubernetes allows %d; shorten the model's name or the revision's", label, len(label), maxLabel)
	}
}

// checkKeepsWorkers refuses the release of KServe that takes the workers of a group for a canary's that is gone.
func (r *resolver) checkKeepsWorkers() {
	path := "spec.platform.kserve.version"
	if r.spec.Platform.KServe == nil || r.spec.Platform.KServe.Version == "" {
		path = "spec.accelerator.nodes"
	}
	if text, release := r.kserveRelease(); release != nil && ofPinnedMinor(release) {
		r.failf(path, "KServe %s deletes the workers of several nodes as soon as it has made them (kserve#6113); set spec.serving: %s, or spec.platform.kserve.version to a release that runs and keeps them: v0.19.0, or one with kserve#5899", text, ServingLeaderWorkerSet)
	}
}

func plural(n int, word string) string {
	if n == 1 {
		return "one " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
