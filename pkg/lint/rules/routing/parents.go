package routing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// attachments are the listeners of the set's Gateways that an HTTPRoute names as parents; false where a Gateway isn't in the
// set.
func attachments(c *rule.Context, route *rule.Object) ([]rule.Value, bool) {
	var listeners []rule.Value
	known := false
	for _, entry := range rule.Entries(route) {
		namespace, name, at := strings.Cut(entry.Gateway, "/")
		if !at {
			continue
		}
		gateway := c.Find(rule.KubernetesGateway, namespace, name)
		if gateway == nil {
			return nil, false
		}
		listeners, known = append(listeners, listenersAt(gateway, entry.At)...), true
	}
	return listeners, known
}

// listenersAt are those of a Gateway that a parent means and that take HTTPRoutes: a parent may name one, or a port.
func listenersAt(gateway *rule.Object, parent rule.Value) []rule.Value {
	var list []rule.Value
	section, port := parent.Field("sectionName").Text(), parent.Field("port").IntOr(0)
	for listener := range gateway.All("spec", "listeners", "*") {
		if (section == "" || section == listener.Field("name").Text()) && (port == 0 || port == listener.Field("port").IntOr(0)) && takesHTTP(listener) {
			list = append(list, listener)
		}
	}
	return list
}

// takesHTTP says whether a listener takes HTTPRoutes: by what it lists, else by its protocol.
func takesHTTP(listener rule.Value) bool {
	kinds := listener.Field("allowedRoutes", "kinds")
	for kind := range kinds.Items() {
		if kind.Field("kind").Text() == "HTTPRoute" {
			return true
		}
	}
	return kinds.Len() == 0 && !slices.Contains([]string{"TLS", "TCP", "UDP"}, listener.Field("protocol").Text())
}

// checkParents reports an HTTPRoute's parents that the set lacks. Only namespaces of which it holds Gateways are judged.
func checkParents(c *rule.Context) {
	populated := map[string]bool{}
	for _, gateway := range c.Objects(rule.KubernetesGateway) {
		populated[gateway.Namespace] = true
	}
	for _, route := range c.Objects(rule.HTTPRoute) {
		if spec := route.Field("spec"); spec.IsMap() && spec.Field("parentRefs").Len() == 0 {
			c.Report(spec, "without parentRefs no gateway takes the route")
		}
		for _, entry := range rule.Entries(route) {
			namespace, name, at := strings.Cut(entry.Gateway, "/")
			kind := cmp.Or(entry.At.Field("kind").Text(), "Gateway")
			switch {
			case at && kind == "Gateway" && populated[namespace] && c.Find(rule.KubernetesGateway, namespace, name) == nil:
				c.Report(entry.At.Field("name"), "the set has no Gateway %s of the Gateway API in %s", name, rule.InNamespace(namespace))
			case at && kind == "Gateway" && unknownSection(c.Find(rule.KubernetesGateway, namespace, name), entry.At):
				c.Report(entry.At.Field("sectionName"), "Gateway %s has no listener %s", name, entry.At.Field("sectionName").Text())
			case !attaches(entry.At.Field("group"), kind):
				c.Report(entry.At, "routes attach to no %s of group %q", kind, groupOf(entry.At.Field("group")))
			}
		}
	}
}

// unknownSection says whether a parent names a listener that its Gateway, if it is known, does not have.
func unknownSection(gateway *rule.Object, parent rule.Value) bool {
	section := parent.Field("sectionName").Text()
	return gateway != nil && section != "" && !slices.ContainsFunc(slices.Collect(gateway.All("spec", "listeners", "*")), func(listener rule.Value) bool {
		return listener.Field("name").Text() == section
	})
}

// attaches says whether routes attach to a kind, as far as the Gateway API says: that of the group "" is Service. Of other
// groups it says nothing.
func attaches(group rule.Value, kind string) bool {
	switch groupOf(group) {
	case "":
		return kind == "Service"
	case "gateway.networking.k8s.io":
		return kind == "Gateway" || kind == "ListenerSet"
	}
	return true
}

// groupOf is the group of a parent, the CRD's default where it is left out.
func groupOf(group rule.Value) string {
	if !group.Found() {
		return "gateway.networking.k8s.io"
	}
	return group.Text()
}

// checkRepeated reports rules of an HTTPRoute that match nothing but what rules before them do. The order of others is not
// that of the list: a longer path and more headers go first.
func checkRepeated(c *rule.Context) {
	for _, route := range c.Objects(rule.HTTPRoute) {
		taken := map[string]bool{}
		for entry := range route.All("spec", "rules", "*") {
			matches := matchesOf(entry)
			if len(matches) > 0 && !slices.ContainsFunc(matches, func(match string) bool { return !taken[match] }) {
				c.Report(entry, "a rule before it has the same matches and takes every request")
			}
			for _, match := range matches {
				taken[match] = true
			}
		}
	}
}

// matchesOf are the matches of a rule as texts that are equal where they match the same. What they leave out is the prefix /,
// and exact headers and parameters.
func matchesOf(entry rule.Value) []string {
	if !entry.IsMap() {
		return nil
	}
	if entry.Field("matches").Len() == 0 {
		return []string{textOf(rule.Value{})}
	}
	var texts []string
	for match := range entry.Field("matches").Items() {
		if !never(match) {
			texts = append(texts, textOf(match))
		}
	}
	return texts
}

// never says whether a match takes nothing at all, as that of the buckets of a revision without weight does.
func never(match rule.Value) bool {
	for value := range match.All("headers", "*", "value") {
		if strings.Contains(value.Text(), `[^\s\S]`) {
			return true
		}
	}
	return false
}

func textOf(match rule.Value) string {
	path := match.Field("path")
	parts := []string{
		"method " + match.Field("method").Text(),
		cmp.Or(path.Field("type").Text(), "PathPrefix") + " " + cmp.Or(path.Field("value").Text(), "/"),
	}
	for _, list := range []string{"headers", "queryParams"} {
		var entries []string
		for entry := range match.Field(list).Items() {
			entries = append(entries, fmt.Sprintf("%s %s %q %q", list, cmp.Or(entry.Field("type").Text(), "Exact"), entry.Field("name").Text(), entry.Field("value").Text()))
		}
		slices.Sort(entries)
		parts = append(parts, entries...)
	}
	return strings.Join(parts, "\n")
}

// checkHostnames reports hostnames of an HTTPRoute that no listener of its Gateways has.
func checkHostnames(c *rule.Context) {
	for _, route := range c.Objects(rule.HTTPRoute) {
		listeners, known := attachments(c, route)
		var served []string
		for _, listener := range listeners {
			served = append(served, cmp.Or(listener.Field("hostname").Text(), "*"))
		}
		if !known || len(served) == 0 {
			continue
		}
		for host := range route.Field("spec", "hostnames").Items() {
			if host.Text() != "" && !serves(served, host.Text()) {
				c.Report(host, "none of the listeners serves %s, but %s", host.Text(), strings.Join(served, ", "))
			}
		}
	}
}

func routeNotAllowed() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0328", Name: "route-not-allowed", Level: finding.Error,
			Summary: "A Gateway allows the HTTPRoutes that name it, from the namespace that they are in.",
			Why: "A listener of the Gateway API takes routes of the Gateway's own namespace unless allowedRoutes says otherwise. A route from elsewhere is accepted by the API server and attached to nothing: " +
				"its status says NotAllowedByListeners, and clients get 404. A sectionName or a port of the parent leaves the listeners that it means, and one for TLS, TCP or UDP, or with kinds of its own, takes no HTTPRoute.",
			How:   "Set allowedRoutes.namespaces of the listener: from: Selector with the namespace's kubernetes.io/metadata.name, or from: All; or name another listener in the parent's sectionName.",
			Refs:  []string{"gateway-api: apis/v1/gateway_types.go (RouteNamespaces.from)"},
			Kinds: []rule.Kind{rule.HTTPRoute, rule.KubernetesGateway, rule.Namespace},
		},
		Check: func(c *rule.Context) {
			for _, route := range c.Objects(rule.HTTPRoute) {
				for _, entry := range rule.Entries(route) {
					namespace, name, _ := strings.Cut(entry.Gateway, "/")
					gateway := c.Find(rule.KubernetesGateway, namespace, name)
					if gateway != nil && !unknownSection(gateway, entry.At) && !slices.ContainsFunc(listenersAt(gateway, entry.At), func(listener rule.Value) bool {
						return allows(c, gateway, listener, route)
					}) {
						c.Report(entry.At, "no listener of %s that it means allows HTTPRoutes of %s", gateway, rule.InNamespace(route.Namespace))
					}
				}
			}
		},
	}
}

// allows says whether a listener may take a route, as far as the set knows: labels of a Namespace that isn't in it are
// its name alone.
func allows(c *rule.Context, gateway *rule.Object, listener rule.Value, route *rule.Object) bool {
	namespaces := listener.Field("allowedRoutes", "namespaces")
	switch namespaces.Field("from").Text() {
	case "", "Same":
		return gateway.Namespace == route.Namespace || gateway.Namespace == "" || route.Namespace == ""
	case "Selector":
		labels := map[string]string{}
		object := c.Find(rule.Namespace, "", route.Namespace)
		if object != nil {
			labels = object.Field("metadata", "labels").Map()
		}
		if object == nil && !byName(namespaces.Field("selector")) {
			return true
		}
		labels["kubernetes.io/metadata.name"] = route.Namespace
		return rule.Matches(namespaces.Field("selector"), labels)
	}
	return namespaces.Field("from").Text() == "All"
}

// byName says whether a selector asks for nothing but the namespace's name.
func byName(selector rule.Value) bool {
	for key := range selector.Field("matchLabels").Entries() {
		if key != "kubernetes.io/metadata.name" {
			return false
		}
	}
	for expression := range selector.Field("matchExpressions").Items() {
		if expression.Field("key").Text() != "kubernetes.io/metadata.name" {
			return false
		}
	}
	return true
}

func lostPrefix() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0329", Name: "prefix-not-matched", Level: finding.Warning,
			Summary: "A rule of an HTTPRoute that replaces a prefix matches one.",
			Why: "A rule without matches takes the prefix /, which is in front of every path: to replace it by another does what nobody meant, and by / nothing at all. " +
				"As a rule the path that selects the model was lost, and the rule takes the requests of every model of the host.",
			How:   "Match the path with type PathPrefix that is to be replaced, or remove the URLRewrite.",
			Refs:  []string{"gateway-api: apis/v1/httproute_types.go (HTTPPathModifier.replacePrefixMatch)"},
			Kinds: []rule.Kind{rule.HTTPRoute},
		},
		Check: func(c *rule.Context) {
			for _, route := range c.Objects(rule.HTTPRoute) {
				for entry := range route.All("spec", "rules", "*") {
					for filter := range entry.Field("filters").Items() {
						if filter.Field("urlRewrite", "path", "replacePrefixMatch").Found() && !matchesPrefix(entry) {
							c.Report(filter, "the prefix that this replaces is /, in front of every path")
						}
					}
				}
			}
		},
	}
}

func matchesPrefix(entry rule.Value) bool {
	for path := range entry.All("matches", "*", "path", "value") {
		if path.Text() != "" && path.Text() != "/" {
			return true
		}
	}
	return false
}
