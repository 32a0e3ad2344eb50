package serving

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// executorAnnotation says, on a runtime's pods, how vLLM spans nodes; without it KServe counts for Ray.
const executorAnnotation = "multinode/executor-backend"

// workerContainer is the container that KServe looks for in a workerSpec.
const workerContainer = "worker-container"

// group is what serves one model on several nodes: of KServe's, or a LeaderWorkerSet.
type group struct {
	object *rule.Object
	// leader and workers are containers, the parts of each the weakest first.
	leader, workers []rule.Value
	// at is where it is asked for, size the number of pods where the object says it.
	at, size rule.Value
	labels   map[string]string
	annotated
}

// annotated are the places that a pod's annotations come from.
type annotated []rule.Value

func (a annotated) has(keys ...string) bool {
	return slices.ContainsFunc(a, func(v rule.Value) bool {
		return slices.ContainsFunc(keys, func(key string) bool { return v.Field(key).Found() })
	})
}

// groupKinds are those that groupsOf reads.
func groupKinds(more ...rule.Kind) []rule.Kind {
	return rule.PredictorKinds(append(more, rule.LeaderWorkerSet)...)
}

func groupsOf(c *rule.Context) []group {
	var groups []group
	for _, p := range c.Predictors() {
		if worker := p.Spec.Field("workerSpec"); worker.Found() && p.Runtime != nil {
			groups = append(groups, group{
				object: p.Object, at: worker, labels: p.PodLabels(), leader: p.Main().Parts(),
				workers:   []rule.Value{workerOf(p.Runtime.Field("spec", "workerSpec")), workerOf(worker)},
				annotated: annotated{p.Spec.Field("annotations"), p.Field("metadata", "annotations"), p.Runtime.Field("spec", "annotations")},
			})
		}
	}
	for _, set := range c.Objects(rule.LeaderWorkerSet) {
		template := set.Field("spec", "leaderWorkerTemplate")
		workers := template.Field("workerTemplate")
		leader := template.Field("leaderTemplate")
		if !leader.Found() {
			leader = workers
		}
		groups = append(groups, group{
			object: set, at: template, size: template.Field("size"), labels: leader.Field("metadata", "labels").Map(),
			leader: []rule.Value{vllmOf(leader)}, workers: []rule.Value{vllmOf(workers)},
			annotated: annotated{leader.Field("metadata", "annotations")},
		})
	}
	return groups
}

func workerOf(pod rule.Value) rule.Value {
	for container := range pod.Field("containers").Items() {
		if container.Field("name").Text() == workerContainer {
			return container
		}
	}
	return rule.Value{}
}

// vllmOf is the container of a template that asks for devices, else the first.
func vllmOf(template rule.Value) rule.Value {
	for container := range template.Field("spec", "containers").Items() {
		for name := range container.Field("resources", "limits").Entries() {
			if rule.IsDevice(name) {
				return container
			}
		}
	}
	return template.Field("spec", "containers").Item(0)
}

// limits are the extended resources that a container asks for, of its strongest part.
func limits(parts []rule.Value) map[string]rule.Value {
	found := map[string]rule.Value{}
	for _, part := range parts {
		for name, amount := range part.Field("resources", "limits").Entries() {
			if strings.Contains(name, "/") && amount.Scalar() != "0" {
				found[name] = amount
			}
		}
	}
	return found
}

// devices counts the accelerators of a container.
func devices(parts []rule.Value) (count int64, at rule.Value) {
	for name, amount := range limits(parts) {
		if n, ok := rule.ParseQuantity(amount.Scalar()); ok && rule.IsDevice(name) {
			count, at = count+int64(n), amount
		}
	}
	return count, at
}

// flagOf is the last value of a flag that is written as a number, and where.
func flagOf(parts []rule.Value, name string) (int64, rule.Value) {
	var (
		n  int64
		at rule.Value
	)
	for _, part := range parts {
		words := slices.Collect(part.Field("args").Items())
		for i, word := range words {
			value, ok := strings.CutPrefix(word.Text(), "--"+name)
			if ok && value == "" && i+1 < len(words) {
				value = "=" + words[i+1].Scalar()
			}
			if parsed, err := strconv.ParseInt(strings.TrimPrefix(value, "="), 10, 32); ok && err == nil {
				n, at = parsed, word
			}
		}
	}
	return n, at
}

func workersDeleted() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0241", Name: "workers-deleted-by-kserve", Level: finding.Error,
			Summary: "KServe keeps the workers that it makes.",
			Why: "KServe 0.20.0 takes the worker Deployment and the headless Services of a group for those of a canary that is gone, and deletes them in the run that made them, again and again. " +
				"The head waits for workers until its start-up budget is over. Information, unless --kserve-version says that it is this release.",
			How:   "Use KServe 0.19, whose predictor knows no canary, or one with kserve#5899, or a LeaderWorkerSet. kservegen.dev/kserve-version on the ServingRuntime says which runs.",
			Refs:  []string{"kserve#6113", "kserve#5899", "kserve: pkg/controller/v1beta1/inferenceservice/components/predictor.go (reconcileCanaryDeployments)"},
			Holds: []rule.Range{{Product: rule.KServe, Since: rule.Version{Minor: 20}, Until: nextRelease()}},
			Named: true,
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if worker := p.Spec.Field("workerSpec"); worker.Found() && p.Mode() != rule.Knative && !keepsWorkers(p) {
					c.Report(worker, "KServe 0.20 deletes these workers as soon as it has made them")
				}
			}
		},
	}
}

// keepsWorkers says whether a KServe is said to run that leaves them.
func keepsWorkers(p *rule.Predictor) bool {
	version, said := saidRelease(p)
	return said && (version.Before(rule.Version{Minor: 20}) || !version.Before(nextRelease()))
}

func sizesDisagree() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0242", Name: "parallel-sizes-disagree", Level: finding.Error,
			Summary: "KServe, the server's flags and the devices say the same of a replica over several nodes.",
			Why: "KServe takes the number of nodes and of GPUs from workerSpec: with mp a node for each pipeline stage, with as many GPUs as the tensor parallel size, over what the container asks for; " +
				"with Ray as many nodes as the product takes. vLLM takes its own from flags. Where they differ it waits for ranks that nobody starts, or stops for want of GPUs.",
			How:   "Write the same sizes in workerSpec and in the flags, and with mp the tensor parallel size as the number of GPUs.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/components/predictor.go (computeMpNodeAndGPUs, computeRayNodeAndGPUs)", "kserve#5366"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if worker := p.Spec.Field("workerSpec"); worker.Found() && p.Runtime != nil {
					checkSizes(c, p, worker)
				}
			}
		},
	}
}

func checkSizes(c *rule.Context, p *rule.Predictor, worker rule.Value) {
	size := func(field string) int64 {
		return worker.Field(field).IntOr(p.Runtime.Field("spec", "workerSpec", field).IntOr(1))
	}
	tensor, stages := size("tensorParallelSize"), size("pipelineParallelSize")
	for _, flag := range []struct {
		name   string
		wanted int64
	}{{"tensor-parallel-size", tensor}, {"pipeline-parallel-size", stages}} {
		if n, at := flagOf(p.Main().Parts(), flag.name); n > 0 && n != flag.wanted {
			c.Report(at, "the flag says %d, and workerSpec %d", n, flag.wanted)
		}
	}
	if p.Runtime.Field("spec", "annotations", executorAnnotation).Text() != "mp" {
		return
	}
	if n, at := flagOf(p.Main().Parts(), "nnodes"); n > 0 && n != stages {
		c.Report(at, "the flag says %d nodes, and KServe makes %d, one for each pipeline stage", n, stages)
	}
	for _, parts := range [][]rule.Value{p.Main().Parts(), {workerOf(p.Runtime.Field("spec", "workerSpec")), workerOf(worker)}} {
		if n, at := devices(parts); n > 0 && n != tensor {
			c.Report(at, "KServe makes %d of these %d devices, the tensor parallel size", tensor, n)
		}
	}
}

func severalHeads() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0243", Name: "several-heads", Level: finding.Error,
			Summary: "A predictor over several nodes has one head.",
			Why: "minReplicas is the number of heads. KServe makes one set of workers beside them, which joins one of the heads: the others wait for theirs until their start-up budget is over, " +
				"with all the GPUs of their nodes.",
			How:   "Set minReplicas: 1; use a LeaderWorkerSet for several replicas.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/deployment/deployment_reconciler.go (createRawDefaultDeployment, createRawWorkerDeployment)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if low := p.Spec.Field("minReplicas"); p.Spec.Field("workerSpec").Found() && low.IntOr(1) > 1 {
					c.Report(low, "%d heads share the workers of one", low.IntOr(1))
				}
			}
		},
	}
}

func networkOfOneSide() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0244", Name: "network-devices-of-one-side", Level: finding.Error,
			Summary: "All pods of a group ask for the same network devices.",
			Why:     "NCCL talks by EFA or RDMA where both ends have the devices. A pod without them gets none, even on a node that has: the group falls back to TCP, which is many times slower, or stops.",
			How:     "Ask for the same number in the head and in the workers.",
			Refs:    []string{"https://docs.aws.amazon.com/eks/latest/userguide/node-efa.html"},
			Kinds:   groupKinds(),
		},
		Check: func(c *rule.Context) {
			for _, g := range groupsOf(c) {
				leader, workers := limits(g.leader), limits(g.workers)
				reportMissing(c, leader, workers, "the workers ask")
				reportMissing(c, workers, leader, "the leader asks")
			}
		},
	}
}

func reportMissing(c *rule.Context, have, other map[string]rule.Value, who string) {
	for name, amount := range have {
		if !rule.IsDevice(name) && other[name].Scalar() != amount.Scalar() {
			c.Report(amount, "%s for %s of %s", who, orNone(other[name].Scalar()), name)
		}
	}
}

func orNone(amount string) string {
	if amount == "" {
		return "none"
	}
	return amount
}

func groupSize() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0245", Name: "group-size-disagrees", Level: finding.Error,
			Summary: "A LeaderWorkerSet makes as many pods and devices as the server's flags count.",
			Why:     "size is the number of pods of a group, the leader included. With fewer than --nnodes, or fewer devices than ranks, vLLM waits for those that nobody starts; with more, some wait to be asked.",
			How:     "Write --nnodes=$(LWS_GROUP_SIZE), and as tensor × pipeline parallel size the devices of all pods of a group.",
			Refs:    []string{"lws: api/leaderworkerset/v1/leaderworkerset_types.go (LeaderWorkerTemplate.Size)", "vllm: docs/serving/parallelism_scaling"},
			Kinds:   groupKinds(),
		},
		Check: func(c *rule.Context) {
			for _, g := range groupsOf(c) {
				if g.object.Kind == rule.LeaderWorkerSet {
					checkGroupSize(c, g)
				}
			}
		},
	}
}

func checkGroupSize(c *rule.Context, g group) {
	size := g.size.IntOr(1)
	for _, parts := range [][]rule.Value{g.leader, g.workers} {
		if n, at := flagOf(parts, "nnodes"); n > 0 && n != size {
			c.Report(at, "the flag says %d nodes, and a group has %s", n, finding.Plural(size, "pod"))
		}
	}
	tensor, at := flagOf(g.leader, "tensor-parallel-size")
	stages, _ := flagOf(g.leader, "pipeline-parallel-size")
	first, _ := devices(g.leader)
	others, _ := devices(g.workers)
	if _, data := flagOf(g.leader, "data-parallel-size"); data.Found() || tensor == 0 || first == 0 || others == 0 {
		return
	}
	if ranks, all := tensor*max(stages, 1), first+others*(size-1); ranks != all {
		c.Report(at, "the flags make %s, and the group has %s", finding.Plural(ranks, "rank"), finding.Plural(all, "device"))
	}
}

func serviceOfWorkers() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0246", Name: "service-selects-workers", Level: finding.Error,
			Summary: "A Service in front of a LeaderWorkerSet selects leaders alone.",
			Why: "The workers serve no API. A Service whose selector takes them as well, and whose targetPort is a number, sends them a share of the requests, which they refuse. " +
				"They are ready as soon as they run, so that nothing keeps them out.",
			How:   "Give the leaders a label of their own and select it, or leaderworkerset.sigs.k8s.io/worker-index: \"0\", which the controller sets.",
			Refs:  []string{"lws: pkg/controllers/leaderworkerset_controller.go (WorkerIndexLabelKey)", "vllm: docs/deployment/frameworks/lws.md"},
			Kinds: []rule.Kind{rule.LeaderWorkerSet, rule.Service},
		},
		Check: func(c *rule.Context) {
			for _, set := range c.Objects(rule.LeaderWorkerSet) {
				template := set.Field("spec", "leaderWorkerTemplate")
				if !template.Field("leaderTemplate").Found() || set.Field("spec", "leaderWorkerTemplate", "size").IntOr(1) < 2 {
					continue
				}
				reportTaken(c, set, template.Field("workerTemplate"))
			}
		},
	}
}

func reportTaken(c *rule.Context, set *rule.Object, workers rule.Value) {
	labels := workers.Field("metadata", "labels").Map()
	if labels == nil {
		labels = map[string]string{}
	}
	labels["leaderworkerset.sigs.k8s.io/name"] = set.Name
	for _, service := range c.Objects(rule.Service) {
		selector := service.Field("spec", "selector")
		if service.Namespace != set.Namespace || selector.Len() == 0 || !rule.Selects(selector.Map(), labels) {
			continue
		}
		for port := range service.Field("spec", "ports").Items() {
			if target := port.Field("targetPort"); !target.IsText() && service.Field("spec", "clusterIP").Text() != "None" {
				c.Report(selector, "it takes the workers of %s, which serve nothing", set)
				break
			}
		}
	}
}

func groupThroughSidecars() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0247", Name: "group-through-sidecars", Level: finding.Warning,
			Summary: "What the nodes of a replica say to each other bypasses the sidecars.",
			Why: "torch.distributed, NCCL, Gloo, Ray and vLLM's queues open ports of their own choice, by addresses of pods. No Service names those ports, so one sidecar sends them in the clear and the other, " +
				"where mutual TLS is strict, resets them: the group never comes together. Where it isn't, everything goes through two proxies.",
			How: "Annotate the pods traffic.sidecar.istio.io/includeInboundPorts with the port of the API, and traffic.sidecar.istio.io/excludeOutboundIPRanges: 0.0.0.0/0,::/0; " +
				"let a NetworkPolicy keep others away.",
			Refs:  []string{"istio: docs/reference/config/annotations", "istio: docs/ops/configuration/traffic-management/traffic-routing (headless services)"},
			Kinds: groupKinds(rule.Namespace),
		},
		Check: func(c *rule.Context) {
			for _, g := range groupsOf(c) {
				if g.injected(c) && !g.has("traffic.sidecar.istio.io/includeInboundPorts", "traffic.sidecar.istio.io/excludeInboundPorts") {
					c.Report(g.at, "its nodes reach each other through sidecars")
				}
			}
		},
	}
}

// injected says whether pods of a group get a sidecar: by their own label, else by their namespace's where that is in the set.
func (g group) injected(c *rule.Context) bool {
	if own := g.labels["sidecar.istio.io/inject"]; own != "" {
		return own == "true"
	}
	namespace := c.Find(rule.Namespace, "", g.object.Namespace)
	return namespace != nil && (namespace.Label("istio-injection").Text() == "enabled" || namespace.Label("istio.io/rev").Text() != "")
}
