package routing

import (
	"cmp"
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func routedTwice() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0330", Name: "routed-by-both-apis", Level: finding.Error,
			Summary: "Inside the mesh a Service is routed by a VirtualService or by an HTTPRoute, not by both.",
			Why: "istiod makes a VirtualService of an HTTPRoute whose parent is a Service, and of several for one host a sidecar takes the first: the HTTPRoute for callers of its namespace, for others the older one. " +
				"The weights of the other mean nothing to them, so callers of one namespace stay on a revision that another has left.",
			How:   "Keep one: remove mesh from the VirtualService's gateways, or remove the HTTPRoute.",
			Refs:  []string{"istio: pilot/pkg/model/push_context.go (VirtualServicesForGateway)", "istio: pilot/pkg/model/sidecar.go"},
			Kinds: rule.RouteKinds(),
		},
		Check: func(c *rule.Context) {
			byHTTPRoute := routedServices(c)
			for _, virtual := range c.Objects(rule.VirtualService) {
				for host := range virtual.All("spec", "hosts", "*") {
					named, ok := rule.ParseHost(host.Text(), virtual.Namespace)
					if route := byHTTPRoute[named]; ok && route != nil && slices.Contains(gateways(virtual), rule.Mesh) {
						c.Report(host, "%s routes Service %s inside the mesh too", route, named.Service)
					}
				}
			}
		},
	}
}

// routedServices are those that HTTPRoutes have as parents.
func routedServices(c *rule.Context) map[rule.Host]*rule.Object {
	routed := map[rule.Host]*rule.Object{}
	for _, route := range c.Objects(rule.HTTPRoute) {
		for _, entry := range rule.Entries(route) {
			if entry.At.Field("kind").Text() == "Service" {
				namespace := cmp.Or(entry.At.Field("namespace").Text(), route.Namespace)
				routed[rule.Host{Service: entry.At.Field("name").Text(), Namespace: namespace}] = route
			}
		}
	}
	return routed
}

func notGranted() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0331", Name: "reference-not-granted", Level: finding.Error,
			Summary: "A ReferenceGrant allows what an HTTPRoute or a Gateway refers to in another namespace.",
			Why: "The owner of a namespace has to allow it: without a ReferenceGrant beside the Service the share of that backend is answered with 500, and without one beside the Secret the listener serves nothing. " +
				"The API server takes both; only the status says RefNotPermitted. A route for callers inside the mesh needs none. Only namespaces of which the set holds objects are judged.",
			How:   "Add a ReferenceGrant to the namespace of what is referred to, from the kind and the namespace of what refers; or bring both into one namespace.",
			Refs:  []string{"gateway-api: apis/v1/referencegrant_types.go", "istio: pilot/pkg/config/kube/gateway/conversion.go (buildDestination, buildTLS)"},
			Whole: true,
			Kinds: []rule.Kind{rule.HTTPRoute, rule.KubernetesGateway, rule.ReferenceGrant},
		},
		Check: func(c *rule.Context) {
			for _, route := range c.Objects(rule.HTTPRoute) {
				if !outside(route) {
					continue
				}
				for _, entry := range rule.RoutesOf(route) {
					for _, to := range append(entry.Destinations(), entry.Mirrors()...) {
						checkGrant(c, route, reference{"Service", to.Name, to.Namespace})
					}
				}
			}
			for _, gateway := range c.Objects(rule.KubernetesGateway) {
				for to := range gateway.All("spec", "listeners", "*", "tls", "certificateRefs", "*") {
					kind := cmp.Or(to.Field("kind").Text(), "Secret")
					checkGrant(c, gateway, reference{kind, to.Field("name"), cmp.Or(to.Field("namespace").Text(), gateway.Namespace)})
				}
			}
		},
	}
}

// reference is what an object refers to: the field that names it, and the namespace that it is in.
type reference struct {
	kind      string
	name      rule.Value
	namespace string
}

func checkGrant(c *rule.Context, from *rule.Object, to reference) {
	if to.namespace == from.Namespace || to.namespace == "" || from.Namespace == "" || to.name.Text() == "" || !holds(c, to.namespace) {
		return
	}
	for _, grant := range c.Objects(rule.ReferenceGrant) {
		if grant.Namespace == to.namespace && grants(grant, from, to) {
			return
		}
	}
	c.Report(to.name, "no ReferenceGrant of %s lets %s refer to %s %s", rule.InNamespace(to.namespace), from, to.kind, to.name.Text())
}

// grants says whether a ReferenceGrant allows a reference. Those to a kind without a name allow all of it.
func grants(grant, from *rule.Object, to reference) bool {
	fits := func(one rule.Value, group, kind string) bool {
		return one.Field("group").Text() == group && one.Field("kind").Text() == kind
	}
	return slices.ContainsFunc(slices.Collect(grant.All("spec", "from", "*")), func(one rule.Value) bool {
		return fits(one, "gateway.networking.k8s.io", from.Kind.Name()) && one.Field("namespace").Text() == from.Namespace
	}) && slices.ContainsFunc(slices.Collect(grant.All("spec", "to", "*")), func(one rule.Value) bool {
		return fits(one, "", to.kind) && (one.Field("name").Text() == "" || one.Field("name").Text() == to.name.Text())
	})
}

// holds says whether the set has anything in a namespace.
func holds(c *rule.Context, namespace string) bool {
	return slices.ContainsFunc(c.All(), func(object *rule.Object) bool { return object.Namespace == namespace })
}
