package across

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func forgottenBudget() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1023", Name: "budget-forgotten", Level: finding.Warning,
			Summary: "Where other models have a PodDisruptionBudget, replicas on accelerators have one.",
			Why: "Without a budget evictions ask nobody: draining nodes for an upgrade, or Karpenter consolidating them, may take all replicas at once, " +
				"and the next ones need minutes for a node and the weights. The set has budgets for other pods of the namespace, so they are not somebody else's business, and two or more replicas say that this is to be avoided.",
			How:   "Add a PodDisruptionBudget with maxUnavailable: 1 that selects these pods.",
			Refs:  []string{"kubernetes: docs/tasks/run-application/configure-pdb", "karpenter: docs/concepts/disruption (pod-level controls)"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.PodDisruptionBudget),
		},
		Check: func(c *rule.Context) {
			for _, workload := range c.Workloads() {
				p := workload.Predictor
				if p == nil || !p.Known() || p.Mode() != rule.Standard || p.MinReplicas() < 2 || p.Main().DeviceCount() == 0 {
					continue
				}
				if own, others := budgets(c, workload); !own && others != nil {
					c.Report(p.Spec.Field("minReplicas"), "%d replicas that no PodDisruptionBudget selects, while %s is for others", p.MinReplicas(), others)
				}
			}
		},
	}
}

// budgets says whether a workload has a budget, and returns one that its namespace has for other pods of the set.
func budgets(c *rule.Context, workload *rule.Workload) (own bool, others *rule.Object) {
	for _, budget := range c.Objects(rule.PodDisruptionBudget) {
		for _, pods := range c.InNamespace(workload.Namespace) {
			if budget.Namespace != workload.Namespace || !rule.Matches(budget.Field("spec", "selector"), pods.Labels) {
				continue
			}
			if pods == workload {
				own = true
			} else if others == nil || budget.Name < others.Name {
				others = budget
			}
		}
	}
	return own, others
}
