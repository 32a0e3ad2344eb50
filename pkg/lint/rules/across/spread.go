package across

import (
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func spreadOfOthers() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1014", Name: "spread-counts-others", Level: finding.Warning,
			Summary: "A topology spread constraint, and a required affinity to pods of its own, select the pods that they are for.",
			Why: "The scheduler spreads a pod by the number of pods that labelSelector takes. Where it doesn't take the pod itself the count never changes: " +
				"all replicas may land in one zone, or on one node. A required podAffinity that no pod satisfies keeps its pods Pending; the first one is let in only where the term selects it itself.",
			How: "Use labels of the pods: those of the InferenceService, or of spec.predictor.labels.",
			Refs: []string{
				"kubernetes: docs/concepts/scheduling-eviction/topology-spread-constraints (labelSelector)",
				"kubernetes: pkg/scheduler/framework/plugins/interpodaffinity/filtering.go (satisfyPodAffinity)",
			},
			Kinds: rule.WorkloadKinds(),
		},
		Check: func(c *rule.Context) {
			for _, workload := range c.Workloads() {
				checkTogether(c, workload)
				for constraint := range workload.Pod.Field("topologySpreadConstraints").Items() {
					selector := constraint.Field("labelSelector")
					if selector.Found() && workload.Known() && !rule.Matches(selector, workload.Labels) {
						c.Report(selector, "the pods of %s don't have these labels", workload.Object)
					}
				}
			}
		},
	}
}

// checkTogether looks for a required podAffinity that no pod satisfies: neither those that it is of, for which the scheduler
// makes the exception of the first one, nor others of the set.
func checkTogether(c *rule.Context, workload *rule.Workload) {
	for term := range workload.Pod.All("affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "*") {
		selector := term.Field("labelSelector")
		if !selector.Found() || term.Field("namespaces").Found() || term.Field("namespaceSelector").Found() || !workload.Known() {
			continue
		}
		matches := func(labels map[string]string) bool { return rule.Matches(selector, labels) }
		others := slices.ContainsFunc(c.InNamespace(workload.Namespace), func(w *rule.Workload) bool { return !w.Known() || matches(w.Labels) })
		if !others && misspelt(selector.Field("matchLabels").Map(), workload.Labels) && !c.OthersMatch(workload.Namespace, matches) {
			c.Report(selector, "the pods of %s are to stand beside pods with these labels, which nothing has", workload.Object)
		}
	}
}

// misspelt says whether labels are those of a workload but for one value, which is misspelt.
func misspelt(wanted, labels map[string]string) bool {
	slips := 0
	for key, value := range wanted {
		if labels[key] == value {
			continue
		}
		if !rule.OneEdit(labels[key], value) {
			return false
		}
		slips++
	}
	return slips == 1
}

func unselective() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1015", Name: "selector-left-out", Level: finding.Warning,
			Summary: "What needs a selector has one.",
			Why: "A Service without one has no endpoints unless somebody writes them or the mesh routes its name, a PodDisruptionBudget without one selects no pod at all, " +
				"and a NetworkPolicy without podSelector is for every pod of its namespace. All three are accepted.",
			How:   "Write the selector; podSelector: {} where every pod is meant.",
			Refs:  []string{"kubernetes: policy/v1 PodDisruptionBudgetSpec.selector (null selects no pods)", "kubernetes: docs/concepts/services-networking/service#services-without-selectors"},
			Whole: true,
			Kinds: rule.RouteKinds(rule.Service, rule.PodDisruptionBudget, rule.NetworkPolicy),
		},
		Check: func(c *rule.Context) {
			for _, service := range c.Objects(rule.Service) {
				spec := service.Field("spec")
				named := spec.Field("type").Text() == "ExternalName" || spec.Field("clusterIP").Text() == "None"
				if spec.IsMap() && spec.Field("selector").Len() == 0 && !named && !hasEndpoints(c, service) && !routed(c, service) {
					c.Report(spec, "%s has no pods", service)
				}
			}
			for _, budget := range c.Objects(rule.PodDisruptionBudget) {
				if budget.Field("spec").IsMap() && !budget.Field("spec", "selector").Found() {
					c.Report(budget.Field("spec"), "%s selects no pods", budget)
				}
			}
			for _, policy := range c.Objects(rule.NetworkPolicy) {
				if policy.Field("spec").IsMap() && !policy.Field("spec", "podSelector").Found() {
					c.Report(policy.Field("spec"), "%s is for every pod of its namespace", policy)
				}
			}
		},
	}
}

// routed says whether a Service is but a name that a VirtualService or an HTTPRoute gives a meaning.
func routed(c *rule.Context, service *rule.Object) bool {
	for _, virtual := range c.Objects(rule.VirtualService) {
		for _, host := range virtual.Field("spec", "hosts").Strings() {
			if named, ok := rule.ParseHost(host, virtual.Namespace); ok && named == (rule.Host{Service: service.Name, Namespace: service.Namespace}) {
				return true
			}
		}
	}
	for _, route := range c.Objects(rule.HTTPRoute) {
		for _, entry := range rule.Entries(route) {
			if entry.Gateway == rule.Mesh && entry.At.Field("name").Text() == service.Name && route.Namespace == service.Namespace {
				return true
			}
		}
	}
	return false
}

// hasEndpoints says whether the set writes a Service's endpoints itself.
func hasEndpoints(c *rule.Context, service *rule.Object) bool {
	for _, object := range c.All() {
		if object.Namespace != service.Namespace {
			continue
		}
		switch object.Kind.Name() {
		case "Endpoints":
			if object.Name == service.Name {
				return true
			}
		case "EndpointSlice":
			if object.Label("kubernetes.io/service-name").Text() == service.Name {
				return true
			}
		}
	}
	return false
}
