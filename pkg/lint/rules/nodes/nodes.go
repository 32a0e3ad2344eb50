// Package nodes holds the rules about what makes nodes: Karpenter's pools and classes.
package nodes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{noPool(), smallLimit(), movesModels(), reservations(), latestImage(), volumeElsewhere()}
}

// ofDevice lists the NodePools that are for nodes with a device: they limit it, or keep off what doesn't want it.
func ofDevice(c *rule.Context, device string) []*rule.Object {
	var pools []*rule.Object
	for _, pool := range c.Objects(rule.NodePool) {
		if slices.Contains(devicesOf(pool), device) {
			pools = append(pools, pool)
		}
	}
	return pools
}

// devicesOf are the accelerators that a pool's limits or taints name.
func devicesOf(pool *rule.Object) []string {
	var devices []string
	for name := range pool.Field("spec", "limits").Entries() {
		if rule.IsDevice(name) {
			devices = append(devices, name)
		}
	}
	for taint := range taintsOf(pool).Items() {
		if key := taint.Field("key").Text(); rule.IsDevice(key) && !slices.Contains(devices, key) {
			devices = append(devices, key)
		}
	}
	return devices
}

func taintsOf(pool *rule.Object) rule.Value { return pool.Field("spec", "template", "spec", "taints") }

// need is what pods of a workload ask for of one device.
type need struct {
	workload *rule.Workload
	device   string
	count    int64
}

// needs lists the workloads that ask for devices.
func needs(c *rule.Context) []need {
	var list []need
	for _, workload := range c.Workloads() {
		if workload.Kind == rule.Pod || made(c, workload) { // one that runs already, or its controller's
			continue
		}
		for _, container := range workload.Containers {
			for _, value := range container.Devices() {
				if count, ok := rule.ParseQuantity(value.Scalar()); ok && count > 0 {
					list = append(list, need{workload, value.Key(), int64(count)})
				}
			}
		}
	}
	return list
}

// made says whether a controller made a workload of another object.
func made(c *rule.Context, workload *rule.Workload) bool {
	return workload.Field("metadata", "ownerReferences").Len() > 0 || workload.Kind == rule.Deployment &&
		slices.ContainsFunc(c.Predictors(), func(p *rule.Predictor) bool {
			return p.Namespace == workload.Namespace && p.ServiceName() == workload.Name
		})
}

// refuses says why a pool has no node for the pods of a workload, empty where it may.
func refuses(pool *rule.Object, workload *rule.Workload) string {
	for taint := range taintsOf(pool).Items() {
		if effect := taint.Field("effect").Text(); effect != "PreferNoSchedule" && !tolerates(workload, taint) {
			return fmt.Sprintf("its taint %s is not tolerated", taint.Field("key").Text())
		}
	}
	for key, value := range workload.Pod.Field("nodeSelector").Entries() {
		if why := lacks(pool, key, []string{value.Text()}); why != "" {
			return why
		}
	}
	terms := workload.Pod.Field("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
	why := ""
	for term := range terms.Items() {
		if why = unmet(pool, term); why == "" {
			return ""
		}
	}
	return why
}

// unmet is the first expression of a term that no node of the pool can have.
func unmet(pool *rule.Object, term rule.Value) string {
	for expression := range term.Field("matchExpressions").Items() {
		if expression.Field("operator").Text() != "In" {
			continue
		}
		if why := lacks(pool, expression.Field("key").Text(), expression.Field("values").Strings()); why != "" {
			return why
		}
	}
	return ""
}

// lacks says that a pool's nodes cannot have any of the values of a label: the pool wants others, or the label is one that
// Karpenter learns of a node's template alone.
func lacks(pool *rule.Object, key string, values []string) string {
	template := pool.Field("spec", "template")
	if label := template.Field("metadata", "labels", key); label.Found() {
		if slices.Contains(values, label.Text()) {
			return ""
		}
		return fmt.Sprintf("its nodes have the label %s=%s", key, label.Text())
	}
	for requirement := range template.Field("spec", "requirements").Items() {
		if requirement.Field("key").Text() != key {
			continue
		}
		switch has := requirement.Field("values").Strings(); requirement.Field("operator").Text() {
		case "In":
			if !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(has, v) }) {
				return fmt.Sprintf("it wants %s to be %s", key, strings.Join(has, ", "))
			}
		case "NotIn":
			if !slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(has, v) }) {
				return fmt.Sprintf("it wants %s not to be %s", key, strings.Join(has, ", "))
			}
		}
		return ""
	}
	if wellKnown(key) {
		return ""
	}
	return fmt.Sprintf("its template has no label %s", key)
}

// wellKnown are the labels that Karpenter knows of an instance before it is there.
// https://karpenter.sh/docs/concepts/scheduling/#well-known-labels
func wellKnown(key string) bool {
	domain, _, _ := strings.Cut(key, "/")
	switch domain {
	case "kubernetes.io", "node.kubernetes.io", "topology.kubernetes.io", "karpenter.sh", "karpenter.k8s.aws", "eks.amazonaws.com":
		return true
	}
	return strings.HasSuffix(domain, ".k8s.aws")
}

func tolerates(workload *rule.Workload, taint rule.Value) bool {
	for toleration := range workload.Pod.Field("tolerations").Items() {
		key, effect := toleration.Field("key").Text(), toleration.Field("effect").Text()
		exists := toleration.Field("operator").Text() == "Exists"
		if key != taint.Field("key").Text() && !(key == "" && exists) || effect != "" && effect != taint.Field("effect").Text() {
			continue
		}
		if exists || toleration.Field("value").Text() == taint.Field("value").Text() {
			return true
		}
	}
	return false
}
