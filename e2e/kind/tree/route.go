package tree

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
)

// Route is how requests are shared between the revisions, whichever API says it.
type Route struct {
	// Kind is VirtualService or HTTPRoute, Resource what kubectl calls it. An HTTPRoute is the one at the gateway.
	Kind, Resource, Namespace, Name string
	// Gateways are those that let requests in, as namespace/name.
	Gateways []string
	// Hosts are the names by which clients reach the model, outside and in the mesh.
	Hosts []string
	Rules []Rule
}

// The kinds of a Route.
const (
	virtualService = "VirtualService"
	httpRoute      = "HTTPRoute"
)

// Rule leads requests to one revision, or shares them between all.
type Rule struct {
	Name string
	// Pointer is the rule's place in its object, a JSON pointer (RFC 6901).
	Pointer string
	Matches []Match
	// Strips says that the prefix of the matches is taken from the path.
	Strips   bool
	Backends []Backend
}

// Match is what a request must have.
type Match struct {
	// Outside says that it holds for requests at a gateway.
	Outside bool
	// Prefix of the path, empty for any.
	Prefix string
	// Exact and Regex are by the names of headers.
	Exact, Regex map[string]string
}

// Backend is a revision, by the host of its Service, with its weight in percent and where that is.
type Backend struct {
	Host          string
	Weight        int
	WeightPointer string
}

// route is a view of the tree's VirtualService, or of its HTTPRoutes where it has none.
func (t *Tree) route() Route {
	if len(t.virtualServices) > 0 {
		return ofVirtualService(t.virtualServices[0])
	}
	outside, inside := t.httpRoutesBy()
	if len(outside) == 0 {
		return Route{}
	}
	r := ofHTTPRoute(outside[0])
	for _, mesh := range inside {
		for _, parent := range mesh.Spec.ParentRefs {
			if refersTo(parent) == "Service" {
				r.Hosts = append(r.Hosts, serviceHost(string(parent.Name), within(parent.Namespace, mesh.Namespace)))
			}
		}
	}
	return r
}

// httpRoutesBy are the HTTPRoutes at a Gateway, and those on a Service.
func (t *Tree) httpRoutesBy() (outside, inside []*gateway.HTTPRoute) {
	for _, route := range t.httpRoutes {
		isFor := func(kind string) bool {
			return slices.ContainsFunc(route.Spec.ParentRefs, func(p gateway.ParentReference) bool { return refersTo(p) == kind })
		}
		if isFor("Gateway") {
			outside = append(outside, route)
		}
		if isFor("Service") {
			inside = append(inside, route)
		}
	}
	return outside, inside
}

// refersTo is the kind of a parent: a Gateway where it does not say.
func refersTo(parent gateway.ParentReference) string {
	if parent.Kind == nil {
		return "Gateway"
	}
	return string(*parent.Kind)
}

// within is the namespace of a reference: the object's own where it does not say.
func within(namespace *gateway.Namespace, own string) string {
	if namespace == nil {
		return own
	}
	return string(*namespace)
}

// inCluster ends the host of a Service.
const inCluster = ".svc.cluster.local"

func serviceHost(name, namespace string) string { return name + "." + namespace + inCluster }

func ofVirtualService(v *istio.VirtualService) Route {
	r := Route{Kind: virtualService, Resource: "virtualservices.networking.istio.io", Namespace: v.Namespace, Name: v.Name, Hosts: v.Spec.Hosts}
	for _, gateway := range v.Spec.Gateways {
		if gateway == inMesh {
			continue
		}
		if !strings.Contains(gateway, "/") {
			gateway = v.Namespace + "/" + gateway
		}
		r.Gateways = append(r.Gateways, gateway)
	}
	for i, rule := range v.Spec.Http {
		one := Rule{Name: rule.Name, Pointer: fmt.Sprintf("/spec/http/%d", i), Strips: rule.GetRewrite().GetUri() == "/"}
		for _, match := range rule.Match {
			one.Matches = append(one.Matches, ofMatchRequest(match))
		}
		for j, route := range rule.Route {
			one.Backends = append(one.Backends, Backend{
				Host: route.Destination.Host, Weight: int(route.Weight), WeightPointer: fmt.Sprintf("%s/route/%d/weight", one.Pointer, j),
			})
		}
		r.Rules = append(r.Rules, one)
	}
	return r
}

// inMesh is Istio's word for all sidecars among the gateways of a VirtualService.
const inMesh = "mesh"

func ofMatchRequest(match *networking.HTTPMatchRequest) Match {
	m := Match{Outside: !slices.Equal(match.Gateways, []string{inMesh}), Prefix: match.GetUri().GetPrefix(), Exact: map[string]string{}, Regex: map[string]string{}}
	for name, value := range match.Headers {
		if exact := value.GetExact(); exact != "" {
			m.Exact[name] = exact
		}
		if regex := value.GetRegex(); regex != "" {
			m.Regex[name] = regex
		}
	}
	return m
}

func ofHTTPRoute(h *gateway.HTTPRoute) Route {
	r := Route{Kind: httpRoute, Resource: "httproutes." + gateway.GroupName, Namespace: h.Namespace, Name: h.Name}
	for _, parent := range h.Spec.ParentRefs {
		if refersTo(parent) == "Gateway" {
			r.Gateways = append(r.Gateways, within(parent.Namespace, h.Namespace)+"/"+string(parent.Name))
		}
	}
	for _, name := range h.Spec.Hostnames {
		r.Hosts = append(r.Hosts, string(name))
	}
	for i, rule := range h.Spec.Rules {
		r.Rules = append(r.Rules, ofHTTPRouteRule(rule, fmt.Sprintf("/spec/rules/%d", i), h.Namespace))
	}
	return r
}

func ofHTTPRouteRule(rule gateway.HTTPRouteRule, pointer, namespace string) Rule {
	one := Rule{Pointer: pointer, Strips: slices.ContainsFunc(rule.Filters, strips)}
	if rule.Name != nil {
		one.Name = string(*rule.Name)
	}
	for _, match := range rule.Matches {
		one.Matches = append(one.Matches, ofHTTPRouteMatch(match))
	}
	for j, backend := range rule.BackendRefs {
		weight := 1 // the API's default
		if backend.Weight != nil {
			weight = int(*backend.Weight)
		}
		one.Backends = append(one.Backends, Backend{
			Host:   serviceHost(string(backend.Name), within(backend.Namespace, namespace)),
			Weight: weight, WeightPointer: fmt.Sprintf("%s/backendRefs/%d/weight", pointer, j),
		})
	}
	return one
}

// strips says that a filter replaces the prefix by the root.
func strips(filter gateway.HTTPRouteFilter) bool {
	if filter.URLRewrite == nil || filter.URLRewrite.Path == nil || filter.URLRewrite.Path.ReplacePrefixMatch == nil {
		return false
	}
	return cmp.Or(*filter.URLRewrite.Path.ReplacePrefixMatch, "/") == "/"
}

func ofHTTPRouteMatch(match gateway.HTTPRouteMatch) Match {
	m := Match{Outside: true, Exact: map[string]string{}, Regex: map[string]string{}}
	if path := match.Path; path != nil && path.Value != nil && (path.Type == nil || *path.Type == gateway.PathMatchPathPrefix) {
		m.Prefix = *path.Value
	}
	for _, header := range match.Headers {
		if header.Type != nil && *header.Type == gateway.HeaderMatchRegularExpression {
			m.Regex[string(header.Name)] = header.Value
		} else {
			m.Exact[string(header.Name)] = header.Value
		}
	}
	return m
}
