package spec

import (
	"maps"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

func (r *resolver) checkQuota() {
	if r.spec.Quota != nil && r.spec.Quota.Devices == "" {
		r.failf("spec.quota.devices", "is missing; a number of accelerators, or auto")
	}
}

// PeakDevices is how many accelerators of each resource the model takes with replicas.max of every revision that runs, and
// with those that leave meanwhile: a pod that ends counts against a quota until it is gone, and its successor is made before
// (kubernetes#98656).
func (t Target) PeakDevices() map[string]int {
	peak := map[string]int{}
	for _, r := range t.Revisions {
		if r.Devices > 0 {
			peak[r.Accelerator.Resource] += r.Devices * (r.MaxReplicas + t.leaving(r))
		}
	}
	if of := t.SpareRevision(); of != nil && of.Devices > 0 {
		peak[of.Accelerator.Resource] += of.Devices * t.Scaling.Spare.Replicas // a quota counts what will be preempted
	}
	return peak
}

// leaving is how many replicas of a revision end at a time: a rollout and the PodDisruptionBudget let one go. The Deployment of
// an LLMInferenceService has Kubernetes' default, a surge of a quarter, rounded up.
func (t Target) leaving(r RevisionTarget) int {
	if t.Serving == ServingLLMInferenceService {
		return (r.MaxReplicas + 3) / 4
	}
	return 1
}

// Quotas are the accelerators that namespaces may use, by namespace and resource, for the models of one environment.
// Namespaces of which no model asks for a quota are not there.
func Quotas(targets []Target) map[string]map[string]int {
	quotas := map[string]map[string]int{}
	for _, t := range targets {
		if t.Quota == nil {
			continue
		}
		quota := peakOf(targets, t.Namespace)
		if !t.Quota.Devices.IsAuto() {
			for resource := range quota {
				quota[resource] = t.Quota.Devices.Int()
			}
		}
		quotas[t.Namespace] = quota
	}
	return quotas
}

// peakOf sums what the models of a namespace take.
func peakOf(targets []Target, namespace string) map[string]int {
	sum := map[string]int{}
	for _, t := range targets {
		if t.Namespace == namespace {
			for resource, devices := range t.PeakDevices() {
				sum[resource] += devices
			}
		}
	}
	return sum
}

// checkQuotas: a namespace has one quota, and one that is less than its models may take would keep pods from being made,
// which nobody sees but in the events of a ReplicaSet.
func checkQuotas(deployments []*Deployment) manifest.Problems {
	var problems manifest.Problems
	targets := map[string][]Target{} // by environment
	for _, target := range targetsOf(deployments) {
		targets[target.Environment] = append(targets[target.Environment], target)
	}
	type asked struct {
		m       *Deployment
		devices Count
	}
	first := map[string]asked{}
	for m, target := range targetsOf(deployments) {
		if target.Quota == nil {
			continue
		}
		key := target.Environment + " " + target.Namespace
		other, again := first[key]
		switch {
		case again && other.devices != target.Quota.Devices:
			problems = append(problems, m.problemOf("spec.quota.devices",
				"spec.quota.devices: namespace %s has a quota of %s by model %s (%s) and of %s here; a namespace has one",
				target.Namespace, other.devices, other.m.Name, other.m.where(), target.Quota.Devices))
		case !again:
			first[key] = asked{m, target.Quota.Devices}
			problems = append(problems, m.checkQuota(target, peakOf(targets[target.Environment], target.Namespace))...)
		}
	}
	return slices.Compact(problems)
}

// checkQuota holds a number against what the models of the namespace take at most.
func (m *Deployment) checkQuota(target Target, peak map[string]int) manifest.Problems {
	if target.Quota.Devices.IsAuto() {
		return nil
	}
	resources := slices.Sorted(maps.Keys(peak))
	if len(resources) > 1 {
		return manifest.Problems{m.problemOf("spec.quota.devices",
			"spec.quota.devices: the models of namespace %s use %s, and one number can't limit both; write auto",
			target.Namespace, strings.Join(resources, " and "))}
	}
	for _, resource := range resources {
		if quota := target.Quota.Devices.Int(); quota < peak[resource] {
			return manifest.Problems{m.problemOf("spec.quota.devices",
				"spec.quota.devices: %d of %s are less than the %d that the models of namespace %s take with replicas.max of every revision and one that ends; raise it, or lower replicas.max",
				quota, resource, peak[resource], target.Namespace)}
		}
	}
	return nil
}

// ListsModel reports that the model is named in the list that its gateway answers.
func (t Target) ListsModel() bool {
	return t.Expose != nil && t.Expose.ModelList && !t.OmitsRoutes()
}

// SharedFields are the fields of the document that only the tree of what documents share has an object for.
func (m *Deployment) SharedFields() []string {
	var fields []string
	for _, field := range []struct {
		name string
		set  func(Target) bool
	}{
		{"spec.quota", func(t Target) bool { return t.Quota != nil }},
		{"spec.expose.modelList", Target.ListsModel},
		{"spec.sticky.from", Target.WritesBucket},
		{"spec.scaling.adapterRules", Target.AdapterRules},
		{"spec.scaling.spare", func(t Target) bool { return t.Scaling.Spare != nil }},
		{"spec.platform.eks.nodes", func(t Target) bool { return t.EKSNodes() != nil }},
		{"spec.platform.eks.network.loadBalancer", func(t Target) bool { return t.LoadBalancer() != nil }},
		{"spec.model.volume.fsx", modelOf(func(m Model) bool { return m.Volume != nil && m.Volume.Creates() })},
		{"spec.model.volume.ebs", modelOf(Model.Restored)},
		{"spec.model.cache", modelOf(func(m Model) bool { return m.Cache != nil })},
	} {
		if slices.ContainsFunc(m.Environments, field.set) {
			fields = append(fields, field.name)
		}
	}
	return fields
}

// modelOf holds where the model of some revision does.
func modelOf(set func(Model) bool) func(Target) bool {
	return func(t Target) bool {
		return slices.ContainsFunc(t.Revisions, func(r RevisionTarget) bool { return set(r.Model) })
	}
}
