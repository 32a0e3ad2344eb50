package rule

import "slices"

// RouteKinds are those that Context.Routers and Context.Routes read.
func RouteKinds(more ...Kind) []Kind { return append([]Kind{VirtualService, HTTPRoute}, more...) }

// Mesh is where sidecars apply a route: Istio's name for it, and what a parent means that is a Service.
const Mesh = "mesh"

// Route is one HTTP route of a VirtualService, or one rule of an HTTPRoute.
type Route struct {
	*Object
	// Rule is the entry of spec.http or of spec.rules.
	Rule Value
}

// Destination is a Service that a route leads to.
type Destination struct {
	// Name is the field that names it: a host, or the name of a backend. Port is the field of the Service's port.
	Name, Port Value
	// Namespace of a name that says none.
	Namespace string
}

// Entry is where requests meet a route.
type Entry struct {
	// At is the field that says so.
	At Value
	// Gateway is Mesh, or namespace/name; Istio's may leave the namespace out.
	Gateway string
}

// Routers returns the VirtualServices and HTTPRoutes of the set.
func (c *Context) Routers() []*Object {
	return slices.Concat(c.Objects(VirtualService), c.Objects(HTTPRoute))
}

// Routes returns the routes of all of them.
func (c *Context) Routes() []Route {
	var all []Route
	for _, router := range c.Routers() {
		all = append(all, RoutesOf(router)...)
	}
	return all
}

// RoutesOf are those of one VirtualService or HTTPRoute.
func RoutesOf(router *Object) []Route {
	list := "http"
	if router.Kind == HTTPRoute {
		list = "rules"
	}
	var routes []Route
	for rule := range router.All("spec", list, "*") {
		routes = append(routes, Route{router, rule})
	}
	return routes
}

// Destinations are those that share the route's requests.
func (r Route) Destinations() []Destination {
	if r.Kind == HTTPRoute {
		return r.backends("backendRefs", "*")
	}
	return r.hosts("route", "*", "destination")
}

// Mirrors are those that get copies.
func (r Route) Mirrors() []Destination {
	if r.Kind == HTTPRoute {
		return slices.Concat(r.backends("filters", "*", "requestMirror", "backendRef"),
			r.backends("backendRefs", "*", "filters", "*", "requestMirror", "backendRef"))
	}
	return slices.Concat(r.hosts("mirrors", "*", "destination"), r.hosts("mirror"))
}

func (r Route) hosts(path ...string) []Destination {
	var list []Destination
	for destination := range r.Rule.All(path...) {
		if destination.Found() {
			list = append(list, Destination{destination.Field("host"), destination.Field("port", "number"), r.Namespace})
		}
	}
	return list
}

// backends leaves out what is no Service.
func (r Route) backends(path ...string) []Destination {
	var list []Destination
	for backend := range r.Rule.All(path...) {
		if !backend.Found() || backend.Field("group").Text() != "" || !slices.Contains([]string{"", "Service"}, backend.Field("kind").Text()) {
			continue
		}
		namespace := backend.Field("namespace").Text()
		if namespace == "" {
			namespace = r.Namespace
		}
		list = append(list, Destination{backend.Field("name"), backend.Field("port"), namespace})
	}
	return list
}

// ServiceAt is ServiceOf for a destination.
func (c *Context) ServiceAt(d Destination) (*ServiceView, bool) {
	return c.ServiceOf(d.Name.Text(), d.Namespace)
}

// Entries says where requests meet the routes of a VirtualService or an HTTPRoute.
func Entries(router *Object) []Entry {
	if router.Kind == HTTPRoute {
		return parents(router)
	}
	var list []Entry
	for gateway := range router.Field("spec", "gateways").Items() {
		list = append(list, Entry{gateway, gateway.Text()})
	}
	if len(list) == 0 {
		return []Entry{{router.Field("spec"), Mesh}}
	}
	return list
}

func parents(route *Object) []Entry {
	var list []Entry
	for parent := range route.Field("spec", "parentRefs").Items() {
		if kind := parent.Field("kind").Text(); kind == "Service" || kind == "ServiceEntry" {
			list = append(list, Entry{parent, Mesh})
			continue
		}
		namespace := parent.Field("namespace").Text()
		if namespace == "" {
			namespace = route.Namespace
		}
		list = append(list, Entry{parent, namespace + "/" + parent.Field("name").Text()})
	}
	return list
}
