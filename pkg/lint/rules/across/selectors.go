package across

import (
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func selectsNothing() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1001", Name: "selector-matches-nothing", Level: finding.Error,
			Summary: "A selector matches pods of the set.",
			Why: "A Service, PodDisruptionBudget, NetworkPolicy or PodMonitor whose selector matches nothing is accepted: there are no endpoints, no protection, no metrics. " +
				"KServe's pods carry the labels of the InferenceService, those of spec.predictor.labels, and app: isvc.<name>-predictor. Namespaces without workloads in the set aren't judged, unless another one has the pods.",
			How:   "Correct the selector, or add the labels to spec.predictor.labels, of an LLMInferenceService to spec.labels.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/components/predictor.go (buildObjectMeta)"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.Service, rule.PodDisruptionBudget, rule.NetworkPolicy, rule.PodMonitor),
		},
		Check: func(c *rule.Context) {
			for _, service := range c.Objects(rule.Service) {
				if selector := service.Field("spec", "selector"); selector.Len() > 0 {
					reportUnmatched(c, service, selector, func(labels map[string]string) bool { return rule.Selects(selector.Map(), labels) })
				}
			}
			for kind, path := range map[rule.Kind][]string{
				rule.PodDisruptionBudget: {"spec", "selector"}, rule.NetworkPolicy: {"spec", "podSelector"}, rule.PodMonitor: {"spec", "selector"},
			} {
				for _, object := range c.Objects(kind) {
					selector := object.Field(path...)
					if kind == rule.PodMonitor && object.Field("spec", "namespaceSelector").Len() > 0 {
						continue
					}
					reportUnmatched(c, object, selector, func(labels map[string]string) bool { return rule.Matches(selector, labels) })
				}
			}
		},
	}
}

func reportUnmatched(c *rule.Context, object *rule.Object, selector rule.Value, matches func(map[string]string) bool) {
	workloads := c.InNamespace(object.Namespace)
	if len(workloads) == 0 && selector.Len() > 0 {
		if other := c.Elsewhere(object.Namespace, matches); other != nil {
			c.Report(selector, "the pods with these labels are in %s", rule.InNamespace(other.Namespace)).Contradicts()
		}
		return
	}
	if len(workloads) == 0 || slices.ContainsFunc(workloads, func(w *rule.Workload) bool { return !w.Known() || matches(w.Labels) }) {
		return
	}
	if c.OthersMatch(object.Namespace, matches) {
		return
	}
	reported := c.Report(selector, "no pod of the set in %s has these labels", rule.InNamespace(object.Namespace))
	if slices.ContainsFunc(workloads, func(w *rule.Workload) bool { return missedByOne(object, selector, w) }) {
		reported.Contradicts()
	}
}

// missedByOne says whether a workload is the one that is meant: all labels but one are the same, and of a single one
// that the name is, too, or the text but for a letter.
func missedByOne(object *rule.Object, selector rule.Value, workload *rule.Workload) bool {
	if object.Kind != rule.Service {
		selector = selector.Field("matchLabels")
	}
	wanted := selector.Map()
	missed, close := 0, len(wanted) > 1 || workload.Name == object.Name
	for key, value := range wanted {
		if workload.Labels[key] != value {
			missed++
			close = close || rule.OneEdit(workload.Labels[key], value)
		}
	}
	return missed == 1 && close
}

func targetPort() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1007", Name: "target-port-not-open", Level: finding.Error,
			Summary: "A Service's targetPort is a port of the pods that it selects.",
			Why: "A name that no container port has gives endpoints without that port, a number that a model server doesn't listen on refused connections. " +
				"The API server compares neither.",
			How:   "Use the name or number of a container port.",
			Refs:  []string{"kubernetes: docs/concepts/services-networking/service"},
			Kinds: rule.WorkloadKinds(rule.Service),
		},
		Check: func(c *rule.Context) {
			for _, service := range c.Objects(rule.Service) {
				selector := service.Field("spec", "selector").Map()
				open, known := openPorts(c, service.Namespace, func(labels map[string]string) bool { return len(selector) > 0 && rule.Selects(selector, labels) })
				for port := range service.Field("spec", "ports").Items() {
					at := port.Field("targetPort")
					if !at.Found() {
						at = port.Field("port")
					}
					if known(at) && at.Scalar() != "" && !slices.Contains(open, at.Scalar()) {
						c.Report(at, "the pods that it selects declare no port %s", at.Scalar())
					}
				}
			}
		},
	}
}

// openPorts are the names and numbers of the ports of pods, and what is known by them: a name is declared or it
// isn't, while a server may well listen on a number that nobody declares. Of a model's server the number is
// given by flags or by KServe.
func openPorts(c *rule.Context, namespace string, matches func(map[string]string) bool) ([]string, func(rule.Value) bool) {
	var ports []string
	nothing := func(rule.Value) bool { return false }
	numbers, matched := true, 0
	for _, workload := range c.InNamespace(namespace) {
		if !matches(workload.Labels) {
			continue
		}
		declared := len(ports)
		matched++
		for _, container := range workload.Containers {
			for _, port := range container.Ports() {
				ports = append(ports, port.Field("containerPort").Scalar(), port.Field("name").Text())
			}
		}
		if !workload.Known() || len(ports) == declared && !workload.Silent() {
			return nil, nothing
		}
		numbers = numbers && workload.PortsKnown()
	}
	if matched == 0 {
		return nil, nothing
	}
	return ports, func(port rule.Value) bool { return numbers && len(ports) > 0 || port.IsText() }
}

func monitoredPort() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1008", Name: "monitored-port-not-declared", Level: finding.Error,
			Summary: "A PodMonitor names a port that the pods declare.",
			Why:     "Prometheus makes its targets of declared container ports: for a name that none has there is no target, so no metrics and no alert about that.",
			How:     "Use the name of a container port, http for most runtimes.",
			Refs:    []string{"prometheus-operator: docs/api-reference/api.md (PodMetricsEndpoint)"},
			Kinds:   rule.WorkloadKinds(rule.PodMonitor),
		},
		Check: func(c *rule.Context) {
			for _, monitor := range c.Objects(rule.PodMonitor) {
				selector := monitor.Field("spec", "selector")
				open, known := openPorts(c, monitor.Namespace, func(labels map[string]string) bool { return rule.Matches(selector, labels) })
				for endpoint := range monitor.Field("spec", "podMetricsEndpoints").Items() {
					// The sidecar adds this one.
					port := endpoint.Field("port")
					if known(port) && port.Text() != "" && port.Text() != "http-envoy-prom" && !slices.Contains(open, port.Text()) {
						c.Report(port, "the pods that it selects declare no port %q", port.Text())
					}
				}
			}
		},
	}
}
