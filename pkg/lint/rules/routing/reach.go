package routing

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func otherNamespace() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0321", Name: "host-in-other-namespace", Level: finding.Warning,
			Summary: "A host names the namespace that its Service is in.",
			Why: "The set makes a Service of that name, but in another namespace, and has nothing at all in the one that the host names. " +
				"Istio answers 503 for a host that is no Service, and a DestinationRule for one has no effect.",
			How:   "Correct the namespace in the host.",
			Refs:  []string{"istio: IST0101"},
			Whole: true,
			Kinds: rule.ServiceKinds(rule.VirtualService, rule.DestinationRule),
		},
		Check: func(c *rule.Context) {
			for virtual, destination := range destinations(c) {
				reportNamespace(c, virtual, destination.Field("host"))
			}
			for _, virtual := range c.Objects(rule.VirtualService) {
				for host := range virtual.Field("spec", "hosts").Items() {
					reportNamespace(c, virtual, host)
				}
			}
			for _, destination := range c.Objects(rule.DestinationRule) {
				reportNamespace(c, destination, destination.Field("spec", "host"))
			}
		},
	}
}

func reportNamespace(c *rule.Context, object *rule.Object, host rule.Value) {
	named, ok := rule.ParseHost(host.Text(), object.Namespace)
	if !ok || named.Namespace == "" || named.Service == host.Text() {
		return
	}
	meant := ""
	for _, service := range c.Services() {
		if service.Namespace == named.Namespace {
			return
		}
		if service.Name == named.Service && service.Namespace != "" {
			meant = service.Namespace
		}
	}
	if meant != "" {
		c.Report(host, "the set makes Service %s in %s, not in %s", named.Service, rule.InNamespace(meant), rule.InNamespace(named.Namespace))
	}
}

func unresolvedHost() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0322", Name: "host-misses-its-service", Level: finding.Warning,
			Summary: "A cluster's host that the mesh routes is the Service that stands beside it.",
			Why: "Clients resolve a name before their sidecar sees the request, and cluster DNS answers for Services only. The set holds a Service for the pods behind the routes that no host names, " +
				"and a host that is no Service of the set, or routes for the mesh with public hosts alone: as a rule a name is wrong, or the host is missing. Callers of the Service go past the routes, their weights and retries.",
			How:   "Give the host the name of the Service, or add that host.",
			Refs:  []string{"istio: docs/ops/configuration/traffic-management/dns"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.Service, rule.ServiceEntry, rule.VirtualService),
		},
		Check: func(c *rule.Context) {
			for _, virtual := range c.Objects(rule.VirtualService) {
				if !slices.Contains(gateways(virtual), "mesh") {
					continue
				}
				if publicOnly(virtual) {
					if other := unnamedService(c, virtual); other != nil {
						c.Report(virtual.Field("spec", "hosts"), "the routes hold in the mesh, and no host names %s, which has the same pods", other.Object)
					}
					continue
				}
				for host := range virtual.Field("spec", "hosts").Items() {
					checkResolved(c, virtual, host)
				}
			}
		},
	}
}

func checkResolved(c *rule.Context, virtual *rule.Object, host rule.Value) {
	named, _ := rule.ParseHost(host.Text(), virtual.Namespace)
	if service, known := c.ServiceOf(host.Text(), virtual.Namespace); service != nil || !known || isTopLevel(c, named) {
		return
	}
	if other := unnamedService(c, virtual); other != nil {
		c.Report(host, "no Service of the set has this name, and no host names %s", other.Object)
	}
}

// publicOnly says whether routes that hold at a gateway and in the mesh have hosts that only the gateway's clients
// know.
func publicOnly(virtual *rule.Object) bool {
	hosts := 0
	for host := range virtual.Field("spec", "hosts").Items() {
		if _, named := rule.ParseHost(host.Text(), virtual.Namespace); named || strings.Contains(host.Text(), "*") {
			return false
		}
		hosts++
	}
	return hosts > 0 && slices.ContainsFunc(gateways(virtual), func(name string) bool { return name != "mesh" })
}

// unnamedService is one of the set for the pods that a VirtualService routes to, and that no VirtualService names.
func unnamedService(c *rule.Context, virtual *rule.Object) *rule.ServiceView {
	named := map[*rule.Object]bool{}
	for _, other := range c.Objects(rule.VirtualService) {
		for _, service := range servicesOf(c, other, "spec", "hosts", "*") {
			named[service.Object] = true
		}
		for _, service := range servicesOf(c, other, "spec", "http", "*", "route", "*", "destination", "host") {
			named[service.Object] = true
		}
	}
	behind := map[*rule.Workload]bool{}
	for _, service := range servicesOf(c, virtual, "spec", "http", "*", "route", "*", "destination", "host") {
		for _, pods := range c.PodsOf(service) {
			behind[pods] = true
		}
	}
	for _, service := range c.Services() {
		if service.Predictor == nil && !named[service.Object] && slices.ContainsFunc(c.PodsOf(&service), func(w *rule.Workload) bool { return behind[w] }) {
			return &service
		}
	}
	return nil
}

// servicesOf are those of the set that the hosts at a path name.
func servicesOf(c *rule.Context, virtual *rule.Object, path ...string) []*rule.ServiceView {
	var named []*rule.ServiceView
	for host := range virtual.All(path...) {
		if service, _ := c.ServiceOf(host.Text(), virtual.Namespace); service != nil {
			named = append(named, service)
		}
	}
	return named
}

func unreachableHost() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0323", Name: "host-on-no-way", Level: finding.Warning,
			Summary: "Each host of a VirtualService is served where its clients are.",
			Why: "gateways says where the routes hold: a gateway for clients outside, mesh for those with a sidecar, and mesh alone where it is left out. " +
				"A Service of the cluster that is bound to a gateway only keeps its own routing for clients within, and a public host that is bound to the mesh only isn't served at all.",
			How:   "List mesh for hosts of the cluster and the gateway for public ones; leave out a gateway that no host is for.",
			Refs:  []string{"istio: VirtualService.gateways"},
			Whole: true,
			Kinds: rule.ServiceKinds(rule.VirtualService),
		},
		Check: func(c *rule.Context) {
			for _, virtual := range c.Objects(rule.VirtualService) {
				bound := gateways(virtual)
				// Knative and KServe have gateways for hosts of the cluster; their names say local.
				local := slices.ContainsFunc(bound, func(name string) bool { return strings.Contains(name, "local") })
				if !local && (ownDestinations(c, virtual) || answersItself(virtual)) {
					checkWays(c, virtual, bound)
				}
			}
		},
	}
}

func checkWays(c *rule.Context, virtual *rule.Object, bound []string) {
	mesh := slices.Contains(bound, "mesh")
	gateway := slices.ContainsFunc(bound, func(name string) bool { return name != "mesh" })
	internal, public := 0, 0
	for host := range virtual.Field("spec", "hosts").Items() {
		service, _ := c.ServiceOf(host.Text(), virtual.Namespace)
		_, named := rule.ParseHost(host.Text(), virtual.Namespace)
		switch {
		case service != nil && !mesh:
			c.Report(host, "clients in the mesh reach %s without these routes", service.Name)
		case !named && !gateway && strings.Contains(host.Text(), ".") && !c.HasEntry(host.Text()):
			c.Report(host, "no gateway serves %s", host.Text())
		}
		if named {
			internal++
		} else {
			public++
		}
	}
	if gateway && mesh && internal > 0 && public == 0 {
		c.Report(virtual.Field("spec", "gateways"), "the gateway has no host to serve")
	}
}

// answersItself says whether a VirtualService has answers alone, and leads nowhere.
func answersItself(virtual *rule.Object) bool {
	routes := slices.Collect(virtual.Field("spec", "http").Items())
	return len(routes) > 0 && !slices.ContainsFunc(routes, func(http rule.Value) bool { return !http.Field("directResponse").Found() })
}

// ownDestinations says whether routes lead to Services of the set: what is about others is not judged.
func ownDestinations(c *rule.Context, virtual *rule.Object) bool {
	for route := range virtual.All("spec", "http", "*", "route", "*", "destination", "host") {
		if service, _ := c.ServiceOf(route.Text(), virtual.Namespace); service != nil {
			return true
		}
	}
	return false
}

func refusedRoute() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0324", Name: "virtualservice-refused", Level: finding.Error, Refused: true,
			Summary: "A VirtualService has hosts, and each route leads somewhere.",
			Why: "istiod's webhook refuses an HTTP route without route, redirect, directResponse or delegate, " +
				"and a VirtualService without hosts, which only a delegate is, that lists gateways.",
			How:   "Add hosts, and a destination to each route.",
			Refs:  []string{"istio: pkg/config/validation/virtualservice.go"},
			Kinds: []rule.Kind{rule.VirtualService},
		},
		Check: func(c *rule.Context) {
			for _, virtual := range c.Objects(rule.VirtualService) {
				spec := virtual.Field("spec")
				if spec.IsMap() && spec.Field("hosts").Len() == 0 && spec.Field("gateways").Len() > 0 {
					c.Report(spec, "without hosts it is a delegate, and those have no gateways")
				}
			}
			for _, http := range httpRoutes(c) {
				leads := http.Field("route").Len() > 0
				for _, other := range []string{"redirect", "directResponse", "delegate"} {
					leads = leads || http.Field(other).Found()
				}
				if http.IsMap() && !leads {
					c.Report(http, "the route leads nowhere")
				}
			}
		},
	}
}

func ruleElsewhere() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0325", Name: "destinationrule-elsewhere", Level: finding.Warning,
			Summary: "A DestinationRule stands where Istio looks for it.",
			Why: "For a host Istio takes the DestinationRule of the client's namespace, then that of the Service's, then that of Istio's root namespace. " +
				"In any other namespace it has no effect, and the set has neither clients nor the Service there.",
			How:   "Move it to the namespace of the Service.",
			Refs:  []string{"istio: docs/ops/best-practices/traffic-management (cross namespace configuration)"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.Service, rule.ServiceEntry, rule.DestinationRule),
		},
		Check: func(c *rule.Context) {
			for _, destination := range c.Objects(rule.DestinationRule) {
				host := destination.Field("spec", "host")
				service, _ := c.ServiceOf(host.Text(), destination.Namespace)
				if service == nil || service.Namespace == destination.Namespace || service.Namespace == "" || destination.Namespace == "" ||
					destination.Namespace == "istio-system" || len(c.InNamespace(destination.Namespace)) > 0 {
					continue
				}
				c.Report(host, "Service %s is in %s, and only clients in %s would take this", service.Name, rule.InNamespace(service.Namespace), rule.InNamespace(destination.Namespace))
			}
		},
	}
}
