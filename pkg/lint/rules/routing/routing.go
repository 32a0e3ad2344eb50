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
		disabledRetries(), noConnectionLimit(), otherNamespace(), unresolvedHost(), unreachableHost(), refusedRoute(),
		ruleElsewhere(), uselessTries(),
	}
}

// destinations are those of every VirtualService: the objects that have a host.
func destinations(c *rule.Context) iter.Seq2[*rule.Object, rule.Value] {
	paths := [][]string{
		{"spec", "http", "*", "route", "*", "destination"}, {"spec", "http", "*", "mirrors", "*", "destination"}, {"spec", "http", "*", "mirror"},
		{"spec", "tls", "*", "route", "*", "destination"}, {"spec", "tcp", "*", "route", "*", "destination"},
	}
	return func(yield func(*rule.Object, rule.Value) bool) {
		for _, virtual := range c.Objects(rule.VirtualService) {
			for _, path := range paths {
				for destination := range virtual.All(path...) {
					if destination.Found() && !yield(virtual, destination) {
						return
					}
				}
			}
		}
	}
}

// httpRoutes are the HTTP routes of every VirtualService.
func httpRoutes(c *rule.Context) iter.Seq2[*rule.Object, rule.Value] {
	return func(yield func(*rule.Object, rule.Value) bool) {
		for _, virtual := range c.Objects(rule.VirtualService) {
			for http := range virtual.All("spec", "http", "*") {
				if !yield(virtual, http) {
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
