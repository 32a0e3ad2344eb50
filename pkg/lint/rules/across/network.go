package across

import (
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// policiesFor calls f with each NetworkPolicy and a workload that serves a model, or the page before one, whose pods it selects.
func policiesFor(c *rule.Context, f func(policy *rule.Object, p *rule.Workload)) {
	for _, policy := range c.Objects(rule.NetworkPolicy) {
		for _, workload := range c.InNamespace(policy.Namespace) {
			_, page := workload.ChatPage()
			if (workload.Serves || page) && workload.Known() && rule.Matches(policy.Field("spec", "podSelector"), workload.Labels) {
				f(policy, workload)
			}
		}
	}
}

func isolates(policy *rule.Object, direction string) bool {
	types := policy.Field("spec", "policyTypes").Strings()
	if len(types) == 0 {
		return direction == "Ingress" || policy.Field("spec", "egress").Found()
	}
	return slices.Contains(types, direction)
}

// opens says whether one of a policy's rules has one of the ports of a protocol.
func opens(rules rule.Value, protocol string, ports ...string) bool {
	return slices.ContainsFunc(slices.Collect(rules.Items()), func(entry rule.Value) bool { return rule.Opens(entry, protocol, ports...) })
}

// opensMore says whether a policy opens ports besides those of Istio's sidecar (15000 to 15099).
func opensMore(rules rule.Value) bool {
	for entry := range rules.Items() {
		for port := range entry.Field("ports").Items() {
			if number, ok := port.Field("port").Int(); !ok || number < 15000 || number >= 15100 {
				return true
			}
		}
	}
	return false
}

func closedPort() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1009", Name: "serving-port-closed", Level: finding.Error,
			Summary: "The NetworkPolicies of a model open the port that it serves.",
			Why: "A policy for ingress closes every port that no policy of the pod opens. Ports are those of the container: opening 80, the Service's, opens nothing. " +
				"Callers get timeouts. A model that opens nothing but the sidecar's ports is taken to be closed on purpose, the page of a chat is not.",
			How:   "Add the container's port to a rule of ingress.",
			Refs:  []string{"kubernetes: docs/concepts/services-networking/network-policies"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.NetworkPolicy),
		},
		Check: func(c *rule.Context) {
			open := map[*rule.Workload]bool{}
			closing := map[*rule.Workload]*rule.Object{}
			policiesFor(c, func(policy *rule.Object, workload *rule.Workload) {
				ports := workload.Main().Ports()
				if !isolates(policy, "Ingress") || len(ports) == 0 {
					return
				}
				names := []string{ports[0].Field("containerPort").Scalar(), ports[0].Field("name").Text()}
				open[workload] = open[workload] || opens(policy.Field("spec", "ingress"), "TCP", names...)
				_, page := workload.ChatPage()
				if closing[workload] == nil && (page || opensMore(policy.Field("spec", "ingress"))) {
					closing[workload] = policy
				}
			})
			for _, workload := range c.Workloads() {
				if policy := closing[workload]; policy != nil && !open[workload] {
					c.Report(policy.Field("spec", "ingress"), "no policy opens the port of %s to anybody", workload.Object)
				}
			}
		},
	}
}

func noDNS() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1010", Name: "no-name-resolution", Level: finding.Error,
			Summary: "Pods whose egress is restricted may still resolve names.",
			Why: "A policy for egress without port 53 over UDP stops DNS: the storage-initializer can't find its bucket and the sidecar can't find istiod, so the pod never starts. " +
				"What is seen is a timeout, not the policy.",
			How:   "Add a rule of egress for port 53, UDP and TCP.",
			Refs:  []string{"kubernetes: docs/concepts/services-networking/network-policies"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.NetworkPolicy),
		},
		Check: func(c *rule.Context) {
			reportShut(c, leaves, "UDP", []string{"53", "dns"}, always, "can't resolve names")
		},
	}
}
