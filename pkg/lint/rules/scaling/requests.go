package scaling

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func shareOfNothing() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0517", Name: "utilization-without-request", Level: finding.Warning,
			Summary: "An autoscaler by utilization scales pods that request the resource.",
			Why: "Utilization is the share of what the containers request. Where one requests nothing, and no LimitRange of the namespace does it for it, " +
				"the autoscaler reports FailedGetResourceMetric and never scales.",
			How:   "Add the request to every container, or use a target of type AverageValue.",
			Refs:  []string{"kubernetes: docs/tasks/run-application/horizontal-pod-autoscale (support for resource metrics)"},
			Kinds: rule.WorkloadKinds(rule.HorizontalPodAutoscaler),
		},
		Check: func(c *rule.Context) {
			for _, autoscaler := range c.Objects(rule.HorizontalPodAutoscaler) {
				workload := target(c, autoscaler)
				if workload == nil || workload.Predictor != nil { // KServe writes requests of its own
					continue
				}
				for metric := range autoscaler.Field("spec", "metrics").Items() {
					reportUnrequested(c, workload, metric.Field("resource"))
				}
			}
		},
	}
}

func reportUnrequested(c *rule.Context, workload *rule.Workload, resource rule.Value) {
	name := resource.Field("name").Text()
	if name == "" || resource.Field("target", "type").Text() != "Utilization" {
		return
	}
	for _, container := range workload.Containers {
		resources := container.Field("resources")
		if !resources.Field("requests", name).Found() && !resources.Field("limits", name).Found() { // what is limited is requested
			c.Report(resource.Field("name"), "container %s of %s requests no %s", container.Name, workload.Object, name)
			return
		}
	}
}
