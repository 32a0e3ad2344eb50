// Package routing holds the rules about traffic: Istio's VirtualServices, DestinationRules and Gateways, and the Gateway
// API's HTTPRoutes and Gateways.
package routing

import (
	"iter"
	"slices"

	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{
		weightRange(), weightSum(), missingHost(), sharedHost(), missingSubset(),
		retriedGeneration(), cutStream(), zeroTimeout(), unreachableRoute(), secondEntry(), defaultTimeout(),
		ruleWithoutHost(), twoRules(), missingPort(), fullMirror(), missingGateway(), gatewayHosts(), shortHost(),
		disabledRetries(), noConnectionLimit(), otherNamespace(), unresolvedHost(), unreachableHost(), refusedRoute(),
		ruleElsewhere(), uselessTries(), backendShares(), routeNotAllowed(), lostPrefix(),
		routedTwice(), notGranted(), sameRevisionTwice(),
	}
}

// backends are the Services that every HTTPRoute leads to or copies to.
func backends(c *rule.Context) iter.Seq2[*rule.Object, rule.Destination] {
	return func(yield func(*rule.Object, rule.Destination) bool) {
		for _, object := range c.Objects(rule.HTTPRoute) {
			for _, route := range rule.RoutesOf(object) {
				for _, destination := range append(route.Destinations(), route.Mirrors()...) {
					if !yield(object, destination) {
						return
					}
				}
			}
		}
	}
}

// named are the Services that every HTTPRoute names: those of backends, and those whose callers it is for.
func named(c *rule.Context) iter.Seq2[*rule.Object, rule.Destination] {
	return func(yield func(*rule.Object, rule.Destination) bool) {
		for object, backend := range backends(c) {
			if !yield(object, backend) {
				return
			}
		}
		for _, object := range c.Objects(rule.HTTPRoute) {
			for _, entry := range rule.Entries(object) {
				parent := rule.Destination{Name: entry.At.Field("name"), Port: entry.At.Field("port"), Namespace: entry.At.Field("namespace").Text()}
				if parent.Namespace == "" {
					parent.Namespace = object.Namespace
				}
				if entry.At.Field("kind").Text() == "Service" && !yield(object, parent) {
					return
				}
			}
		}
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

// streams says whether a route sends to what streams the answers of an LLM: a predictor, or the page before one.
func streams(c *rule.Context, route rule.Route) bool {
	if leadsToModel(c, route) {
		return true
	}
	for _, destination := range route.Destinations() {
		service, _ := c.ServiceAt(destination)
		if service != nil && slices.ContainsFunc(c.PodsOf(service), func(pods *rule.Workload) bool { _, page := pods.ChatPage(); return page }) {
			return true
		}
	}
	return false
}

// leadsToModel says whether a route sends to a predictor that serves an LLM.
func leadsToModel(c *rule.Context, route rule.Route) bool {
	for _, destination := range route.Destinations() {
		service, _ := c.ServiceAt(destination)
		if service != nil && servesLLM(c, service) {
			return true
		}
	}
	return false
}

// servesLLM says whether the pods of a Service serve an LLM.
func servesLLM(c *rule.Context, service *rule.ServiceView) bool {
	if service.Predictor != nil && service.Predictor.ServesLLM() {
		return true
	}
	return slices.ContainsFunc(c.PodsOf(service), func(pods *rule.Workload) bool {
		return slices.ContainsFunc(pods.Containers, rule.IsVLLM)
	})
}
