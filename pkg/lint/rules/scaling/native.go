package scaling

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func cpuOfGPU() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0506", Name: "cpu-scales-accelerator", Level: finding.Warning,
			Summary: "Pods with accelerators aren't scaled by CPU.",
			Why: "KServe scales by 80 percent of CPU unless told otherwise. vLLM keeps a core busy waiting and works on the GPU: CPU says little about its load, " +
				"so replicas stay too few under load, or grow while idle.",
			How:   "Scale on vLLM's queue (num_requests_waiting) with the class external or keda, or set minReplicas and maxReplicas to the same number.",
			Refs:  []string{"kserve#3561", "kserve#4028"},
			Kinds: rule.WorkloadKinds(rule.HorizontalPodAutoscaler),
		},
		Check: func(c *rule.Context) {
			for _, workload := range c.Workloads() {
				if p := workload.Predictor; p != nil && deviceCount(workload) > 0 && scaledByCPU(p) {
					c.Report(p.Spec.Field("maxReplicas"), "KServe scales it by CPU, and it works on an accelerator")
				}
			}
			for _, autoscaler := range c.Objects(rule.HorizontalPodAutoscaler) {
				if workload := target(c, autoscaler); workload != nil && deviceCount(workload) > 0 {
					checkCPU(c, autoscaler, workload)
				}
			}
		},
	}
}

func checkCPU(c *rule.Context, autoscaler *rule.Object, workload *rule.Workload) {
	if metrics := autoscaler.Field("spec", "metrics"); metrics.Len() == 0 {
		c.Report(metrics, "without metrics it goes by 80 percent of CPU, and the pods of %s work on an accelerator", workload.Object)
	}
	for name := range autoscaler.All("spec", "metrics", "*", "resource", "name") {
		if name.Text() == "cpu" {
			c.Report(name, "the pods of %s work on an accelerator", workload.Object)
		}
	}
}

// scaledByCPU says whether the HPA that KServe makes has something to scale and nothing but CPU to go by.
func scaledByCPU(p *rule.Predictor) bool {
	metric := p.Spec.Field("scaleMetric").Text()
	return p.Mode() == rule.Standard && p.Class() == "hpa" && p.MaxReplicas() > max(1, p.MinReplicas()) &&
		p.Spec.Field("autoScaling", "metrics").Len() == 0 && (metric == "" || metric == "cpu")
}

func blockedDrain() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0510", Name: "budget-blocks-drain", Level: finding.Error,
			Summary: "A PodDisruptionBudget lets one pod go.",
			Why: "With maxUnavailable 0, with minAvailable at or above the number of replicas, or with neither, every eviction is refused: nodes can't be drained, " +
				"so upgrades of the cluster and Karpenter's consolidation wait for ever.",
			How:   "Set maxUnavailable: 1 instead of minAvailable.",
			Refs:  []string{"kubernetes: docs/tasks/run-application/configure-pdb", "kubernetes: pkg/controller/disruption/disruption.go (getExpectedPodCount)"},
			Kinds: rule.WorkloadKinds(rule.PodDisruptionBudget),
		},
		Check: func(c *rule.Context) {
			for _, budget := range c.Objects(rule.PodDisruptionBudget) {
				most := budget.Field("spec", "maxUnavailable")
				if zero(most) {
					c.Report(most, "no pod may ever be evicted")
				}
				if spec := budget.Field("spec"); spec.IsMap() && !most.Found() && !spec.Field("minAvailable").Found() {
					c.Report(spec, "it says neither how many may go nor how many must stay, so none may go")
				}
				least := budget.Field("spec", "minAvailable")
				if percent := strings.TrimSuffix(least.Text(), "%"); least.IsText() && percent == "100" {
					c.Report(least, "no pod may ever be evicted")
				}
				n, ok := least.Int()
				if replicas := replicasOf(c, budget); ok && replicas > 0 && n >= replicas {
					c.Report(least, "%s must stay, and there are %d", finding.Plural(n, "pod"), replicas)
				}
			}
		},
	}
}

func noProtection() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0516", Name: "budget-protects-nothing", Level: finding.Warning,
			Summary: "A PodDisruptionBudget keeps a pod.",
			Why:     "With maxUnavailable 100%, or minAvailable 0, every pod may be evicted at once: a drain of several nodes stops the model.",
			How:     "Set maxUnavailable: 1.",
			Refs:    []string{"kubernetes: docs/tasks/run-application/specify-pdb"},
			Kinds:   []rule.Kind{rule.PodDisruptionBudget},
		},
		Check: func(c *rule.Context) {
			for _, budget := range c.Objects(rule.PodDisruptionBudget) {
				if most := budget.Field("spec", "maxUnavailable"); most.Text() == "100%" {
					c.Report(most, "all pods may be evicted at once")
				}
				if least := budget.Field("spec", "minAvailable"); zero(least) {
					c.Report(least, "all pods may be evicted at once")
				}
			}
		},
	}
}

// replicasOf sums the least replicas of what a budget selects; 0 where that isn't in the set or bare pods.
func replicasOf(c *rule.Context, budget *rule.Object) int64 {
	var sum int64
	for _, workload := range c.InNamespace(budget.Namespace) {
		if rule.Matches(budget.Field("spec", "selector"), workload.Labels) {
			sum += workload.Replicas
		}
	}
	return sum
}

func twoAutoscalers() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0512", Name: "two-autoscalers", Level: finding.Error,
			Summary: "A Deployment has one autoscaler, and beside one of one's own KServe's class is external.",
			Why: "Two autoscalers of one Deployment undo each other's work, and Kubernetes stops both as ambiguous. With the class hpa, the default, KServe makes an HPA for a predictor's Deployment, " +
				"with keda a ScaledObject; with none it resets the replicas each time it reconciles.",
			How:   "Set the annotation serving.kserve.io/autoscalerClass: external, or keep one of two autoscalers of one's own.",
			Refs:  []string{"kserve#4312", "kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/autoscaler/autoscaler_reconciler.go"},
			Kinds: rule.WorkloadKinds(rule.HorizontalPodAutoscaler, rule.ScaledObject),
		},
		Check: func(c *rule.Context) {
			owners := map[*rule.Workload]*rule.Object{}
			for _, autoscaler := range autoscalers(c) {
				workload := target(c, autoscaler)
				if workload == nil {
					continue
				}
				at := autoscaler.Field("spec", "scaleTargetRef")
				if p := workload.Predictor; p != nil && p.Mode() == rule.Standard && p.Class() != "external" {
					c.Report(at, "KServe scales %s as well: its autoscaler class is %s", workload.Object, p.Class()).Fix("Set the annotation serving.kserve.io/autoscalerClass: external on the InferenceService.")
				} else if other := owners[workload]; other != nil && !same(other, autoscaler) {
					c.Report(at, "%s scales %s already", other, workload.Object).Fix("Keep one of the two, and write both metrics into it.")
				}
				owners[workload] = autoscaler
			}
		},
	}
}

// same says whether two are one object that stands in the set twice (KG1006).
func same(a, b *rule.Object) bool {
	return a.Kind == b.Kind && a.Namespace == b.Namespace && a.Name == b.Name
}

func nobodyScales() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0513", Name: "external-autoscaler-missing", Level: finding.Error,
			Summary: "With the class external something scales the Deployment.",
			Why: "KServe leaves the Deployment's replicas out for every class but none, so without an autoscaler there is one replica, " +
				"whatever minReplicas and maxReplicas say.",
			How:   "Add a HorizontalPodAutoscaler or ScaledObject for <name>-predictor, or use the class none.",
			Refs:  []string{"kserve#3439", "kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/deployment/deployment_reconciler.go (createRawDefaultDeployment)"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.HorizontalPodAutoscaler, rule.ScaledObject),
		},
		Check: func(c *rule.Context) {
			for _, workload := range c.Workloads() {
				p := workload.Predictor
				if p == nil || p.Mode() != rule.Standard || p.Class() != "external" || p.MaxReplicas() <= 1 ||
					slices.ContainsFunc(autoscalers(c), func(a *rule.Object) bool { return targets(a, workload) }) {
					continue
				}
				at, wanted := p.Spec.Field("minReplicas"), strconv.FormatInt(p.MinReplicas(), 10)
				if p.MinReplicas() <= 1 {
					at, wanted = p.Spec.Field("maxReplicas"), "up to "+p.Spec.Field("maxReplicas").Scalar()
				}
				c.Report(at, "nothing in the set scales Deployment %s, so it stays at 1 replica instead of %s", workload.Controller, wanted)
			}
		},
	}
}
