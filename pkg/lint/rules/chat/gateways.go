package chat

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func plainHTTP() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1511", Name: "page-over-plain-http", Level: finding.Warning,
			Summary: "A gateway serves the page by TLS.",
			Why: "Browsers drop a cookie whose name begins with __Secure- where the page came by plain HTTP, and the issuer sends people back to an https address: nobody can sign in. " +
				"With --users-file the passwords can be read on the way. A load balancer that ends TLS before the gateway is seen by its annotations alone.",
			How:   "Give the Gateway a server or a listener of protocol HTTPS for the page's host.",
			Refs:  []string{"RFC 6265bis: section 4.1.3 (cookie name prefixes)", "istio: Gateway, Server.tls"},
			Kinds: rule.WorkloadKinds(rule.RouteKinds(rule.Service, rule.ServiceEntry, rule.Gateway, rule.KubernetesGateway)...),
		},
		Check: func(c *rule.Context) {
			for _, page := range pages(c) {
				for _, router := range routersTo(c, page) {
					for _, entry := range rule.Entries(router) {
						if gateway := gatewayOf(c, router, entry.Gateway); gateway != nil && !endsTLS(c, gateway) && plain(gateway, hostsOf(router)) {
							c.Report(entry.At, "%s serves %s by plain HTTP alone", gateway, hostsOf(router)[0].Text())
						}
					}
				}
			}
		},
	}
}

// gatewayOf is the Gateway of a name that may leave its namespace out, nil where the set has none.
func gatewayOf(c *rule.Context, router *rule.Object, name string) *rule.Object {
	namespace, short, qualified := strings.Cut(name, "/")
	if !qualified {
		namespace, short = router.Namespace, name
	}
	if router.Kind == rule.HTTPRoute {
		return c.Find(rule.KubernetesGateway, namespace, short)
	}
	return c.Find(rule.Gateway, namespace, short)
}

// endsTLS says whether a load balancer of the set may end TLS before a gateway.
func endsTLS(c *rule.Context, gateway *rule.Object) bool {
	for key := range gateway.Field("spec", "infrastructure", "annotations").Entries() {
		if strings.Contains(key, "ssl-cert") {
			return true
		}
	}
	return slices.ContainsFunc(c.Objects(rule.Service), func(service *rule.Object) bool {
		for key := range service.Field("metadata", "annotations").Entries() {
			if strings.Contains(key, "ssl-cert") {
				return true
			}
		}
		return false
	})
}

// plain says whether what a gateway serves of the hosts is HTTP without TLS alone. A redirect is for what is served elsewhere.
func plain(gateway *rule.Object, hosts []rule.Value) bool {
	found := false
	for server := range gateway.All("spec", "servers", "*") {
		if serves(server.Field("hosts").Strings(), hosts) {
			found = true
			if !strings.HasPrefix(server.Field("port", "protocol").Text(), "HTTP") || server.Field("port", "protocol").Text() == "HTTPS" || server.Field("tls", "httpsRedirect").Is(true) {
				return false
			}
		}
	}
	for listener := range gateway.All("spec", "listeners", "*") {
		host := listener.Field("hostname").Text()
		if host == "" || serves([]string{host}, hosts) {
			found = true
			if listener.Field("protocol").Text() != "HTTP" {
				return false
			}
		}
	}
	return found && len(hosts) > 0
}

// serves says whether one of the names, which may have a namespace before them, takes one of the hosts.
func serves(names []string, hosts []rule.Value) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, after, qualified := strings.Cut(name, "/")
		if qualified {
			name = after
		}
		return slices.ContainsFunc(hosts, func(host rule.Value) bool { return rule.Like(name, host.Text()) })
	})
}
