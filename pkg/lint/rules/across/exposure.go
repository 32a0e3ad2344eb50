package across

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func everyPath() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1024", Name: "every-path-exposed", Level: finding.Warning,
			Summary: "From a gateway only chosen paths of vLLM can be reached.",
			Why: "vLLM serves more on its port than its API: /invocations and /score answer like /v1 but ask for no API key, /pause and /update_weights stop or change the model, /metrics and /load tell about its load. " +
				"A route without a path that leads to a policy without paths hands all of them to everybody whom the gateway serves.",
			How: "List to.operation.paths: [/v1/*] in the AuthorizationPolicy, or match a path in the VirtualService or HTTPRoute.",
			Refs: []string{
				"vllm: docs/usage/security.md (unprotected endpoints; deploy behind a reverse proxy)",
				"istio: docs/reference/config/security/authorization-policy (Operation.paths)",
			},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.RouteKinds(rule.Service, rule.ServiceEntry, rule.AuthorizationPolicy)...),
		},
		Check: func(c *rule.Context) {
			for _, policy := range c.Objects(rule.AuthorizationPolicy) {
				if action := policy.Field("spec", "action").Text(); action != "" && action != "ALLOW" {
					continue
				}
				for entry := range policy.Field("spec", "rules").Items() {
					checkPaths(c, policy, entry)
				}
			}
		},
	}
}

// checkPaths reports a rule that lets a gateway in to any path of a model that the gateway sends any path to.
func checkPaths(c *rule.Context, policy *rule.Object, entry rule.Value) {
	if limitsPaths(entry.Field("to")) || entry.Field("when").Len() > 0 || entry.Field("from").Len() == 0 {
		return // without from it is KG0404's or KG0417's
	}
	for _, router := range c.Routers() {
		for _, at := range rule.Entries(router) {
			namespace, _, _ := strings.Cut(at.Gateway, "/")
			if admitsNamespace(entry, namespace) && sendsEveryPath(c, router, at.Gateway, policy) {
				c.Report(entry, "%s sends every path from gateway %s to vLLM, and this lets it in", router, at.Gateway)
				return
			}
		}
	}
}

// limitsPaths says whether each operation names paths.
func limitsPaths(to rule.Value) bool {
	for entry := range to.Items() {
		if entry.Field("operation", "paths").Len() == 0 && entry.Field("operation", "notPaths").Len() == 0 {
			return false
		}
	}
	return to.Len() > 0
}

func admitsNamespace(entry rule.Value, namespace string) bool {
	for source := range entry.All("from", "*", "source") {
		if slices.Contains(source.Field("namespaces").Strings(), namespace) {
			return true
		}
		for _, principal := range source.Field("principals").Strings() {
			if strings.Contains(principal, "/ns/"+namespace+"/sa/") {
				return true
			}
		}
	}
	return false
}

// sendsEveryPath says whether a route of a gateway without a path leads to vLLM's pods that a policy selects.
func sendsEveryPath(c *rule.Context, router *rule.Object, gateway string, policy *rule.Object) bool {
	for _, route := range rule.RoutesOf(router) {
		if !takesEveryPath(route, gateway) {
			continue
		}
		for _, destination := range route.Destinations() {
			service, _ := c.ServiceAt(destination)
			if service == nil {
				continue
			}
			for _, pods := range c.PodsOf(service) {
				selected := policy.Namespace == pods.Namespace && rule.Selects(policy.Field("spec", "selector", "matchLabels").Map(), pods.Labels)
				if selected && pods.Serves && pods.Known() && rule.IsVLLM(pods.Main()) {
					return true
				}
			}
		}
	}
	return false
}

// takesEveryPath says whether a route takes requests of a gateway whatever their path.
func takesEveryPath(route rule.Route, gateway string) bool {
	http := route.Rule
	if route.Kind == rule.HTTPRoute {
		return takesAnyPath(http)
	}
	for match := range http.Field("match").Items() {
		gateways := match.Field("gateways").Strings()
		// A prefix that becomes the root leaves any path behind it.
		root := match.Field("uri", "prefix").Text() == "/" || match.Field("uri", "prefix").Found() && http.Field("rewrite", "uri").Text() == "/"
		if (len(gateways) == 0 || slices.Contains(gateways, gateway)) && (root || !match.Field("uri").Found()) {
			return true
		}
	}
	return http.Field("match").Len() == 0
}

// takesAnyPath is the same for a rule of an HTTPRoute.
func takesAnyPath(entry rule.Value) bool {
	rewritten := false
	for path := range entry.All("filters", "*", "urlRewrite", "path", "replacePrefixMatch") {
		rewritten = rewritten || path.Text() == "/"
	}
	for match := range entry.Field("matches").Items() {
		path := match.Field("path")
		prefix := path.Field("type").Text() == "" || path.Field("type").Text() == "PathPrefix"
		if prefix && (rewritten || path.Field("value").Text() == "" || path.Field("value").Text() == "/") {
			return true
		}
	}
	return entry.Field("matches").Len() == 0
}
