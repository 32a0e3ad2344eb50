package rule

import "slices"

// Matches says whether a LabelSelector takes labels. An unknown operator matches, so that nothing is said
// about what isn't understood.
func Matches(selector Value, labels map[string]string) bool {
	if !Selects(selector.Field("matchLabels").Map(), labels) {
		return false
	}
	for expression := range selector.Field("matchExpressions").Items() {
		value, has := labels[expression.Field("key").Text()]
		listed := slices.Contains(expression.Field("values").Strings(), value)
		switch expression.Field("operator").Text() {
		case "In":
			if !has || !listed {
				return false
			}
		case "NotIn":
			if has && listed {
				return false
			}
		case "Exists":
			if !has {
				return false
			}
		case "DoesNotExist":
			if has {
				return false
			}
		}
	}
	return true
}

// InNamespace returns the set's workloads of a namespace, and whether all that may run there can be seen: a
// selector that finds nothing says something only where the set has workloads at all.
func (c *Context) InNamespace(namespace string) []*Workload {
	var found []*Workload
	for _, workload := range c.Workloads() {
		if workload.Namespace == namespace {
			found = append(found, workload)
		}
	}
	return found
}

// Elsewhere returns a workload of another namespace that a selector would take; nil where there is none, or where
// one of the namespaces is left to the client.
func (c *Context) Elsewhere(namespace string, matches func(labels map[string]string) bool) *Workload {
	for _, workload := range c.Workloads() {
		if namespace != "" && workload.Namespace != "" && workload.Namespace != namespace && matches(workload.Labels) {
			return workload
		}
	}
	return nil
}
