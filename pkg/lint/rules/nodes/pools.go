package nodes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func noPool() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1101", Name: "no-pool-for-pods", Level: finding.Error,
			Summary: "Some NodePool has nodes for the pods of a model.",
			Why: "Karpenter makes a node only of a pool whose taints the pod tolerates, and whose requirements and labels go together with what the pod selects. " +
				"A label that is neither well known nor in the pool's template, as those that a device plugin or GPU feature discovery sets, is not there before the node is. " +
				"The pod stays Pending; Karpenter's event on it says why.",
			How:   "Let the pods tolerate the taint, select by labels that the pool has, or add the label to the pool's template.",
			Refs:  []string{"karpenter: pkg/scheduling/requirements.go (Compatible)", "https://karpenter.sh/docs/concepts/scheduling/"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.NodePool),
		},
		Check: func(c *rule.Context) {
			for _, n := range needs(c) {
				pools := ofDevice(c, n.device)
				if len(pools) == 0 || !n.workload.Known() {
					continue
				}
				var why []string
				for _, pool := range pools {
					reason := refuses(pool, n.workload)
					if reason == "" {
						why = nil
						break
					}
					why = append(why, fmt.Sprintf("%s: %s", pool.Name, reason))
				}
				if len(why) > 0 {
					c.Report(whereOf(n.workload), "no NodePool has nodes for %s: %s", n.workload.Object, strings.Join(why, "; "))
				}
			}
		},
	}
}

// whereOf is where a workload says what nodes it wants.
func whereOf(w *rule.Workload) rule.Value {
	for _, field := range []string{"nodeSelector", "affinity", "tolerations"} {
		if value := w.Pod.Field(field); value.Found() {
			return value
		}
	}
	return w.Pod
}

func smallLimit() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1102", Name: "pool-limit-below-replicas", Level: finding.Error,
			Summary: "The limits of the NodePools have room for the devices that their models take.",
			Why: "Karpenter makes no node that would take a pool over its limits. The autoscaler adds replicas that stay Pending, when the load is highest. " +
				"A node counts with all of its devices, whoever uses them.",
			How:   "Raise the limit to what all replicas take at most, in whole nodes, and one more that starts before another ends, or lower the replicas.",
			Refs:  []string{"https://karpenter.sh/docs/concepts/nodepools/#speclimits"},
			Kinds: rule.WorkloadKinds(rule.NodePool, rule.HorizontalPodAutoscaler, rule.ScaledObject),
		},
		Check: func(c *rule.Context) {
			taken := map[string]int64{}
			for _, n := range needs(c) {
				taken[n.device] += n.count * mostReplicas(c, n.workload)
			}
			for device, count := range taken {
				reportLimits(c, device, count)
			}
		},
	}
}

// reportLimits compares what models take with the limits of all pools with the device; one without a limit has room.
func reportLimits(c *rule.Context, device string, taken int64) {
	var sum float64
	var last rule.Value
	for _, pool := range ofDevice(c, device) {
		limit := pool.Field("spec", "limits", device)
		quantity, ok := rule.ParseQuantity(limit.Scalar())
		if !ok {
			return
		}
		sum, last = sum+quantity, limit
	}
	if last.Found() && sum < float64(taken) {
		c.Report(last, "the models of the set take %d of %s with all replicas, and the pools allow %.0f", taken, device, sum)
	}
}

// mostReplicas is how many an autoscaler may make of a workload, or those that it has.
func mostReplicas(c *rule.Context, w *rule.Workload) int64 {
	most := max(w.Replicas, w.Pod.Field("maxReplicas").IntOr(0))
	targets := func(o *rule.Object, name string) bool {
		return o.Namespace == w.Namespace && name != "" && (name == w.Controller || name == w.Name)
	}
	for _, autoscaler := range c.Objects(rule.HorizontalPodAutoscaler) {
		if targets(autoscaler, autoscaler.Field("spec", "scaleTargetRef", "name").Text()) {
			most = max(most, autoscaler.Field("spec", "maxReplicas").IntOr(0))
		}
	}
	for _, scaled := range c.Objects(rule.ScaledObject) {
		if targets(scaled, scaled.Field("spec", "scaleTargetRef", "name").Text()) {
			most = max(most, scaled.Field("spec", "maxReplicaCount").IntOr(100)) // KEDA's default
		}
	}
	return most
}

func movesModels() rule.Rule {
	const annotation = "karpenter.sh/do-not-disrupt"
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1103", Name: "pool-moves-models", Level: finding.Warning,
			Summary: "A NodePool with accelerators removes empty nodes only.",
			Why: "With WhenEmptyOrUnderutilized, which is the default, and with Balanced, Karpenter evicts pods to do with fewer or cheaper nodes. " +
				"A model that moves loads its weights again, minutes to an hour in which the replica is away, and streams longer than its drain are cut.",
			How: "Write disruption.consolidationPolicy: WhenEmpty, a budget of 0 nodes for the reason Underutilized, or karpenter.sh/do-not-disrupt: \"true\" on the model's pods.",
			Refs: []string{
				"https://karpenter.sh/docs/concepts/disruption/#consolidation", "LLMKube#658",
			},
			Kinds: rule.WorkloadKinds(rule.NodePool),
		},
		Check: func(c *rule.Context) {
			all := needs(c)
			for _, pool := range c.Objects(rule.NodePool) {
				devices := devicesOf(pool)
				disruption := pool.Field("spec", "disruption")
				policy := disruption.Field("consolidationPolicy")
				if len(devices) == 0 || policy.Text() == "WhenEmpty" || disruption.Field("consolidateAfter").Text() == "Never" || keepsUnderutilized(disruption) {
					continue
				}
				stays := func(n need) bool {
					return !slices.Contains(devices, n.device) || n.workload.PodAnnotation(annotation).Text() == "true" || refuses(pool, n.workload) != ""
				}
				if len(all) > 0 && !slices.ContainsFunc(all, func(n need) bool { return !stays(n) }) {
					continue
				}
				at := policy
				if !at.Found() {
					at = pool.Field("spec")
				}
				c.Report(at, "Karpenter may evict models from nodes of %s to save one", pool)
			}
		},
	}
}

// keepsUnderutilized looks for a budget that always holds and lets no node go that has pods.
func keepsUnderutilized(disruption rule.Value) bool {
	for budget := range disruption.Field("budgets").Items() {
		reasons := budget.Field("reasons").Strings()
		if budget.Field("nodes").Scalar() == "0" && !budget.Field("schedule").Found() && (len(reasons) == 0 || slices.Contains(reasons, "Underutilized")) {
			return true
		}
	}
	return false
}
