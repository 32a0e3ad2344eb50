// Package routing holds the rules about Istio's traffic: VirtualServices, DestinationRules and Gateways.
package routing

import (
	"iter"

	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{
		weightRange(), weightSum(), missingHost(), sharedHost(), missingSubset(),
		retriedGeneration(), cutStream(), zeroTimeout(), unreachableRoute(), secondEntry(), defaultTimeout(),
		ruleWithoutHost(), twoRules(), missingPort(), fullMirror(), missingGateway(), gatewayHosts(), shortHost(),
		disabledRetries(), noConnectionLimit(),
	}
}

// destinations are those of a VirtualService, with their routes: the objects that have a host.
func destinations(virtual *rule.Object) iter.Seq[rule.Value] {
	return func(yield func(rule.Value) bool) {
		for _, protocol := range []string{"http", "tls", "tcp"} {
			for entry := range virtual.Field("spec", protocol).Items() {
				for route := range entry.Field("route").Items() {
					if !yield(route.Field("destination")) {
						return
					}
				}
				for mirror := range entry.Field("mirrors").Items() {
					if !yield(mirror.Field("destination")) {
						return
					}
				}
				if mirror := entry.Field("mirror"); mirror.Found() && !yield(mirror) {
					return
				}
			}
		}
	}
}

// leadsToModel says whether a route sends to a predictor that serves an LLM.
func leadsToModel(c *rule.Context, virtual *rule.Object, http rule.Value) bool {
	for route := range http.Field("route").Items() {
		service, _ := c.ServiceOf(route.Field("destination", "host").Text(), virtual.Namespace)
		if service == nil {
			continue
		}
		if service.Predictor != nil && service.Predictor.ServesLLM() {
			return true
		}
		for _, pods := range c.PodsOf(service) {
			for _, container := range pods.Containers {
				if rule.IsVLLM(container) {
					return true
				}
			}
		}
	}
	return false
}
