package routing

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func sharedHost() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0304", Name: "several-virtualservices", Level: finding.Warning,
			Summary: "A host has one VirtualService per gateway, or each of them matches its own requests.",
			Why: "For the mesh the oldest VirtualService of a host wins and the others are ignored. On a gateway they are merged, the oldest first, " +
				"and a route without match swallows what the others are for.",
			How:   "Merge them, or give every route of a shared host a match, and list mesh in one only.",
			Refs:  []string{"istio: IST0109", "istio: pilot/pkg/networking/core/gateway.go"},
			Kinds: []rule.Kind{rule.VirtualService},
		},
		Check: func(c *rule.Context) {
			first := map[entryPoint]*rule.Object{}
			for _, virtual := range c.Objects(rule.VirtualService) {
				checkShared(c, virtual, first)
			}
		},
	}
}

type entryPoint struct{ gateway, host string }

// checkShared reports the first host of a VirtualService that another one before it has.
func checkShared(c *rule.Context, virtual *rule.Object, first map[entryPoint]*rule.Object) {
	reported := false
	for _, gateway := range gateways(virtual) {
		for host := range virtual.All("spec", "hosts", "*") {
			at := entryPoint{gateway, qualified(host.Text(), virtual.Namespace)}
			other := first[at]
			if other == nil {
				first[at] = virtual
				continue
			}
			if !reported && other != virtual && (gateway == "mesh" || catchesAll(other) || catchesAll(virtual)) {
				reported = true
				c.Report(host, "%s routes %s on %s too", other, host.Text(), gateway)
			}
		}
	}
}

func gateways(virtual *rule.Object) []string {
	names := virtual.Field("spec", "gateways").Strings()
	if len(names) == 0 {
		return []string{"mesh"}
	}
	for i, name := range names {
		if name != "mesh" && !strings.Contains(name, "/") {
			names[i] = virtual.Namespace + "/" + name
		}
	}
	return names
}

func qualified(host, namespace string) string {
	if host != "*" && !strings.Contains(host, ".") {
		return host + "." + namespace + ".svc.cluster.local"
	}
	return host
}

func catchesAll(virtual *rule.Object) bool {
	for http := range virtual.Field("spec", "http").Items() {
		if http.Field("match").Len() == 0 {
			return true
		}
	}
	return false
}

func unreachableRoute() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0309", Name: "unreachable-route", Level: finding.Error,
			Summary: "The route without match is the last one, and no rule repeats the matches of one before it.",
			Why: "Istio takes the first route of a VirtualService that matches, and one without match matches all: routes behind it are never used. A route for testers behind the weights is the usual case. " +
				"Of an HTTPRoute's rules the one with the longer path and then with more headers goes first; of two with the same matches it is the first, and the other is never used.",
			How:   "Move the route without match to the end; give the rules of an HTTPRoute matches of their own.",
			Refs:  []string{"istio: IST0130", "gateway-api: apis/v1/httproute_types.go (HTTPRouteRule.matches)"},
			Kinds: rule.RouteKinds(),
		},
		Check: func(c *rule.Context) {
			checkRepeated(c)
			for _, virtual := range c.Objects(rule.VirtualService) {
				catchAll := -1
				i := 0
				for http := range virtual.Field("spec", "http").Items() {
					if catchAll >= 0 {
						c.Report(http, "route %d has no match and takes every request before this one", catchAll)
					} else if http.IsMap() && http.Field("match").Len() == 0 {
						catchAll = i
					}
					i++
				}
			}
		},
	}
}

func secondEntry() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0310", Name: "second-public-entry", Level: finding.Warning,
			Summary: "An InferenceService with a VirtualService or HTTPRoute of its own isn't exposed by KServe as well.",
			Why: "Unless ingress creation is disabled for the whole cluster, KServe makes an Ingress or HTTPRoute for every InferenceService in Standard mode. " +
				"Next to a route of one's own that is a second way in, past its weights, its timeouts and the host that policies name.",
			How:   "Label the InferenceService networking.kserve.io/visibility: cluster-local.",
			Refs:  []string{"kserve#2283", "kserve#4808"},
			Kinds: rule.ServiceKinds(rule.RouteKinds()...),
		},
		Check: func(c *rule.Context) {
			reported := map[*rule.Object]bool{}
			report := func(router *rule.Object, service *rule.ServiceView) {
				if service == nil || service.Predictor == nil || clusterLocal(service.Predictor) || service.Predictor.Mode() != rule.Standard ||
					reported[service.Object] || !outside(router) {
					return
				}
				reported[service.Object] = true
				c.Report(service.Object.Field("metadata"), "%s exposes it, and KServe makes an entry of its own", router)
			}
			for virtual, destination := range destinations(c) {
				service, _ := c.ServiceOf(destination.Field("host").Text(), virtual.Namespace)
				report(virtual, service)
			}
			for route, backend := range backends(c) {
				service, _ := c.ServiceAt(backend)
				report(route, service)
			}
		},
	}
}

// outside says whether routes hold at a gateway.
func outside(router *rule.Object) bool {
	return slices.ContainsFunc(rule.Entries(router), func(entry rule.Entry) bool { return entry.Gateway != rule.Mesh })
}

func missingGateway() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0316", Name: "gateway-missing", Level: finding.Error,
			Summary: "The gateway that a VirtualService or HTTPRoute names exists.",
			Why: "A route for a gateway that doesn't exist is accepted and routes nothing: the gateway answers 404. " +
				"A name without a namespace is one in the route's own. A VirtualService names Istio's Gateway, an HTTPRoute that of the Gateway API, and in sectionName one of its listeners. Only namespaces of which the set holds Gateways are judged, and the object's own where the Gateway of that name is in another.",
			How:   "Write namespace/name of a Gateway, and of an HTTPRoute's parent the name of a listener that it has.",
			Refs:  []string{"istio: IST0101"},
			Whole: true,
			Kinds: rule.RouteKinds(rule.Gateway, rule.KubernetesGateway),
		},
		Check: func(c *rule.Context) {
			checkParents(c)
			populated := map[string]bool{}
			for _, gateway := range c.Objects(rule.Gateway) {
				populated[gateway.Namespace] = true
			}
			for _, virtual := range c.Objects(rule.VirtualService) {
				for at := range virtual.Field("spec", "gateways").Items() {
					reportGateway(c, virtual, at, populated)
				}
			}
		},
	}
}

func reportGateway(c *rule.Context, virtual *rule.Object, at rule.Value, populated map[string]bool) {
	namespace, name, qualified := strings.Cut(at.Text(), "/")
	if !qualified {
		namespace, name = virtual.Namespace, at.Text()
	}
	if name == "mesh" || name == "" || c.Find(rule.Gateway, namespace, name) != nil {
		return
	}
	switch other := gatewayElsewhere(c, namespace, name); {
	case other != nil && !qualified:
		c.Report(at, "Gateway %s is in %s, and without a namespace this names one in %s",
			name, rule.InNamespace(other.Namespace), rule.InNamespace(namespace)).Contradicts()
	case populated[namespace]:
		c.Report(at, "the set has no Gateway %s in %s", name, rule.InNamespace(namespace))
	}
}

// gatewayElsewhere is a Gateway of that name in another namespace; nil where one of the namespaces is left to the client.
func gatewayElsewhere(c *rule.Context, namespace, name string) *rule.Object {
	for _, gateway := range c.Objects(rule.Gateway) {
		if gateway.Name == name && namespace != "" && gateway.Namespace != "" && gateway.Namespace != namespace {
			return gateway
		}
	}
	return nil
}

func gatewayHosts() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0317", Name: "host-not-on-gateway", Level: finding.Error,
			Summary: "A public host of a VirtualService or HTTPRoute is one that its Gateway serves.",
			Why:     "Istio drops the hosts of a VirtualService that none of the Gateway's servers lists, without an error, and an HTTPRoute's hostname that no listener has is no different; clients get 404.",
			How:     "Add the host to a server or listener of the Gateway, or correct it.",
			Refs:    []string{"istio: IST0132", "gateway-api: apis/v1/httproute_types.go (HTTPRouteSpec.hostnames)"},
			Kinds:   rule.RouteKinds(rule.Gateway, rule.KubernetesGateway),
		},
		Check: func(c *rule.Context) {
			checkHostnames(c)
			for _, virtual := range c.Objects(rule.VirtualService) {
				served, known := servedHosts(c, virtual)
				if !known {
					continue
				}
				for host := range virtual.Field("spec", "hosts").Items() {
					text := host.Text()
					// Hosts of the cluster are for the mesh.
					internal := !strings.Contains(text, ".") || strings.HasSuffix(text, ".svc.cluster.local") && slices.Contains(gateways(virtual), "mesh")
					if text != "" && text != "*" && !internal && !serves(served, text) {
						c.Report(host, "none of the gateways serves %s, but %s", text, strings.Join(served, ", "))
					}
				}
			}
		},
	}
}

// servedHosts are those of all gateways of a VirtualService; false where one isn't in the set.
func servedHosts(c *rule.Context, virtual *rule.Object) ([]string, bool) {
	var hosts []string
	any := false
	for _, full := range gateways(virtual) {
		if full == "mesh" {
			continue
		}
		namespace, name, _ := strings.Cut(full, "/")
		gateway := c.Find(rule.Gateway, namespace, name)
		if gateway == nil {
			return nil, false
		}
		any = true
		for server := range gateway.Field("spec", "servers").Items() {
			for _, host := range server.Field("hosts").Strings() {
				// namespace/host limits who may bind; the host is what counts here.
				hosts = append(hosts, host[strings.LastIndexByte(host, '/')+1:])
			}
		}
	}
	return hosts, any
}

func serves(hosts []string, host string) bool {
	return slices.ContainsFunc(hosts, func(served string) bool {
		return served == "*" || served == host || strings.HasPrefix(served, "*.") && strings.HasSuffix(host, served[1:]) ||
			strings.HasPrefix(host, "*.") && strings.HasSuffix(served, host[1:])
	})
}
