package scaling

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func twoBudgets() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0520", Name: "two-budgets", Level: finding.Error,
			Summary: "A pod has one PodDisruptionBudget.",
			Why: "The API server answers 500 to the eviction of a pod that two budgets select, whatever they allow: kubectl drain and upgrades of nodes try again until they give up. " +
				"It happens where one selects by a label that a model's pods and others share.",
			How:   "Select by a label that only these pods have, or keep one of the budgets.",
			Refs:  []string{"kubernetes: pkg/registry/core/pod/storage/eviction.go"},
			Kinds: rule.WorkloadKinds(rule.PodDisruptionBudget),
		},
		Check: func(c *rule.Context) {
			for _, workload := range c.Workloads() {
				first, last := budgetsOf(c, workload)
				if first != last {
					c.Report(last.Field("spec", "selector"), "the pods of %s have %s as well, and cannot be evicted", workload.Object, first)
				}
			}
		},
	}
}

// budgetsOf are the first and the last by name of the budgets that select a workload's pods; nil for none. What an
// empty selector takes differs between releases of Kubernetes, and is not judged.
func budgetsOf(c *rule.Context, workload *rule.Workload) (first, last *rule.Object) {
	for _, budget := range c.Objects(rule.PodDisruptionBudget) {
		selector := budget.Field("spec", "selector")
		if budget.Namespace != workload.Namespace || selector.Len() == 0 || !rule.Matches(selector, workload.Labels) {
			continue
		}
		if first == nil || budget.Name < first.Name {
			first = budget
		}
		if last == nil || budget.Name > last.Name {
			last = budget
		}
	}
	return first, last
}
