// Package chat holds the rules about the page of kservegen chat that stands before a model.
package chat

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{
		noSignIn(), listensElsewhere(), unknownName(), notAdmitted(), cutOff(), noToken(), mayNotRead(),
		signInsDisagree(), behindTheModel(), missingFile(), plainHTTP(), shutIn(), refusedFlags(), asksNobody(), cutsAnswers(), closedToStrangers(),
	}
}

// pages are those whose command lines can be read whole.
func pages(c *rule.Context) []rule.ChatPage {
	return slices.DeleteFunc(c.ChatPages(), func(p rule.ChatPage) bool { return !p.Told() })
}

// routersTo are the routes that lead to a page.
func routersTo(c *rule.Context, page rule.ChatPage) []*rule.Object {
	return slices.DeleteFunc(c.Routers(), func(router *rule.Object) bool { return !leadsTo(c, router, page) })
}

func leadsTo(c *rule.Context, router *rule.Object, page rule.ChatPage) bool {
	for _, route := range rule.RoutesOf(router) {
		for _, destination := range route.Destinations() {
			if service, _ := c.ServiceAt(destination); service != nil && slices.Contains(c.PodsOf(service), page.Workload) {
				return true
			}
		}
	}
	return false
}

// hostsOf are the hosts of a route that are none of the cluster's own and no pattern.
func hostsOf(router *rule.Object) []rule.Value {
	list := "hosts"
	if router.Kind == rule.HTTPRoute {
		list = "hostnames"
	}
	return slices.DeleteFunc(slices.Collect(router.Field("spec", list).Items()), func(host rule.Value) bool {
		_, own := rule.ParseHost(host.Text(), router.Namespace)
		return own || strings.Contains(host.Text(), "*")
	})
}

// selects says whether a policy of Istio applies to pods. One with targetRefs is for Gateways and waypoints.
func selects(policy *rule.Object, pods *rule.Workload) bool {
	return policy.Namespace == pods.Namespace && !policy.Field("spec", "targetRefs").Found() &&
		rule.Selects(policy.Field("spec", "selector", "matchLabels").Map(), pods.Labels)
}

// anyLike says whether one of a list's patterns takes a value.
func anyLike(patterns rule.Value, value string) bool {
	return slices.ContainsFunc(patterns.Strings(), func(pattern string) bool { return rule.Like(pattern, value) })
}

// takesRequest says whether operations include a request. Templates of paths are taken to fit.
func takesRequest(to rule.Value, method, path string) bool {
	for entry := range to.Items() {
		operation := entry.Field("operation")
		paths, methods := operation.Field("paths"), operation.Field("methods")
		named := paths.Len() == 0 || anyLike(paths, path) || slices.ContainsFunc(paths.Strings(), func(p string) bool { return strings.Contains(p, "{") })
		if named && (methods.Len() == 0 || anyLike(methods, method)) && !anyLike(operation.Field("notPaths"), path) {
			return true
		}
	}
	return to.Len() == 0
}
