// Package scaling holds the rules about replicas: autoscaling, rollouts and disruption.
package scaling

import "github.com/kservegen/kservegen/pkg/lint/rule"

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{
		metricsWithoutKeda(), unsupportedMetric(), behaviorDropped(), scaleToZero(), unscopedQuery(), cpuOfGPU(),
		memoryTarget(), strategyText(), surgeOfGPUs(), blockedDrain(), unknownMetric(), twoAutoscalers(), nobodyScales(), unknownClass(),
		replicasReversed(), noProtection(), shareOfNothing(), nobodyWakes(), idleHours(), twoBudgets(),
	}
}

// targets says whether an autoscaler's scaleTargetRef names a controller, KEDA's may leave the kind out.
func targets(autoscaler *rule.Object, workload *rule.Workload) bool {
	target := autoscaler.Field("spec", "scaleTargetRef")
	kind := target.Field("kind").Text()
	made := workload.Kind.Name()
	if workload.Made {
		made = "Deployment"
	}
	if kind != "" && kind != made {
		return false
	}
	return workload.Controller != "" && autoscaler.Namespace == workload.Namespace && target.Field("name").Text() == workload.Controller
}

// autoscalers are those of the set, KServe's own aside.
func autoscalers(c *rule.Context) []*rule.Object {
	return append(append([]*rule.Object(nil), c.Objects(rule.HorizontalPodAutoscaler)...), c.Objects(rule.ScaledObject)...)
}

// target returns the workload that an autoscaler scales, nil where the set has none.
func target(c *rule.Context, autoscaler *rule.Object) *rule.Workload {
	for _, workload := range c.Workloads() {
		if targets(autoscaler, workload) {
			return workload
		}
	}
	return nil
}

func deviceCount(workload *rule.Workload) int64 {
	var sum int64
	for _, container := range workload.Containers {
		sum += container.DeviceCount()
	}
	return sum
}
