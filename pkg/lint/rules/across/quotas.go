package across

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func smallQuota() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1027", Name: "quota-below-replicas", Level: finding.Error,
			Summary: "The quota of a namespace has room for the accelerators of its models.",
			Why: "The API server refuses a pod that goes over. Only the events of its ReplicaSet tell: the model has fewer replicas than it should, or none, " +
				"and a rollout waits for a pod that can't be made.",
			How:   "Raise the quota to what all replicas take, with maxReplicas where they scale and one more that ends while its successor starts, or lower the replicas.",
			Refs:  []string{"kubernetes: docs/concepts/policy/resource-quotas (resource quota for extended resources)"},
			Kinds: rule.WorkloadKinds(rule.ResourceQuota),
		},
		Check: func(c *rule.Context) {
			for _, quota := range c.Objects(rule.ResourceQuota) {
				spec := quota.Field("spec")
				if spec.Field("scopes").Found() || spec.Field("scopeSelector").Found() { // of some pods only
					continue
				}
				for name, hard := range spec.Field("hard").Entries() {
					if device, ok := strings.CutPrefix(name, "requests."); ok && rule.IsDevice(device) {
						reportSmall(c, quota, device, hard)
					}
				}
			}
		},
	}
}

func reportSmall(c *rule.Context, quota *rule.Object, device string, hard rule.Value) {
	limit, readable := rule.ParseQuantity(hard.Scalar())
	if need := taken(c, quota.Namespace, device); readable && float64(need) > limit {
		c.Report(hard, "what runs in %s takes %d of %s", quota.Namespace, need, device)
	}
}

// taken is how many of a device the workloads of a namespace have with the replicas that always run. What a controller has
// made of another object of the set, as in a dump of a cluster, is there already.
func taken(c *rule.Context, namespace, device string) int64 {
	var sum int64
	for _, workload := range c.Workloads() {
		if workload.Namespace != namespace || made(c, workload) {
			continue
		}
		for _, container := range workload.Containers {
			for _, value := range container.Devices() {
				if count, ok := rule.ParseQuantity(value.Scalar()); ok && value.Key() == device {
					sum += int64(count) * workload.Replicas
				}
			}
		}
	}
	return sum
}

// made says whether a controller made a workload: it has an owner, or it is the Deployment of a predictor.
func made(c *rule.Context, workload *rule.Workload) bool {
	if workload.Field("metadata", "ownerReferences").Len() > 0 {
		return true
	}
	return workload.Kind == rule.Deployment && slices.ContainsFunc(c.Predictors(), func(p *rule.Predictor) bool {
		return p.Namespace == workload.Namespace && p.ServiceName() == workload.Name
	})
}
