package across

import (
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func closedScrape() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1022", Name: "scraped-port-closed", Level: finding.Warning,
			Summary: "The NetworkPolicies of a model open the port that its PodMonitor scrapes.",
			Why: "Prometheus connects to the pod's address, so a policy for ingress that doesn't open the port makes every scrape time out: no metrics, and an autoscaler that reads them stops scaling. " +
				"With relabeling to the sidecar's merged metrics the port is 15020, whatever port the monitor names.",
			How:   "Add a rule of ingress for that port from the namespace of Prometheus.",
			Refs:  []string{"kubernetes: docs/concepts/services-networking/network-policies", "istio: docs/ops/integrations/prometheus (option 1: metrics merging)"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.NetworkPolicy, rule.PodMonitor),
		},
		Check: func(c *rule.Context) {
			for _, monitor := range c.Objects(rule.PodMonitor) {
				for endpoint := range monitor.Field("spec", "podMetricsEndpoints").Items() {
					checkScrape(c, monitor, endpoint)
				}
			}
		},
	}
}

// checkScrape reports the first policy for the monitored pods if none opens the port.
func checkScrape(c *rule.Context, monitor *rule.Object, endpoint rule.Value) {
	var open bool
	var closing *rule.Object
	var scraped string
	policiesFor(c, func(policy *rule.Object, workload *rule.Workload) {
		ports := scrapedPorts(endpoint, workload)
		if len(ports) == 0 || workload.Namespace != monitor.Namespace || !isolates(policy, "Ingress") ||
			!rule.Matches(monitor.Field("spec", "selector"), workload.Labels) {
			return
		}
		open = open || opens(policy.Field("spec", "ingress"), "TCP", ports...)
		if closing == nil || policy.Name < closing.Name {
			closing, scraped = policy, ports[0]
		}
	})
	if closing != nil && !open {
		c.Report(closing.Field("spec", "ingress"), "no policy opens port %s, which %s scrapes", scraped, monitor)
	}
}

// scrapedPorts are the number, and the name if it has one, of the port that Prometheus connects to; none where it
// can't be told.
func scrapedPorts(endpoint rule.Value, workload *rule.Workload) []string {
	readdressed := false
	for relabeling := range endpoint.Field("relabelings").Items() {
		if relabeling.Field("targetLabel").Text() != "__address__" {
			continue
		}
		readdressed = true
		replacement := relabeling.Field("replacement").Text()
		if port := replacement[strings.LastIndexByte(replacement, ':')+1:]; port != "" && strings.Trim(port, "0123456789") == "" {
			return []string{port}
		}
	}
	name := endpoint.Field("port").Text()
	if readdressed || name == "" {
		return nil
	}
	for _, container := range workload.Containers {
		for _, port := range container.Ports() {
			if port.Field("name").Text() == name {
				return []string{port.Field("containerPort").Scalar(), name}
			}
		}
	}
	return nil
}
