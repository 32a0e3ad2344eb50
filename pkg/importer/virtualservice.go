package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

const meshGateway = "mesh"

// virtualServiceRules reads the rules of a VirtualService.
func (s *scene) virtualServiceRules(route *manifest.Resource) []rule {
	var list []rule
	for _, data := range items(dig(route.Data, "spec", "http")) {
		r := rule{data: fields(data), mirrors: map[string]int{}}
		routes := items(dig(data, "route"))
		for _, to := range routes {
			r.revisions = append(r.revisions, s.revisionAt(route, text(dig(to, "destination", "host"))))
			r.weights = append(r.weights, number(dig(to, "weight"), 100/len(routes)))
		}
		for _, mirror := range copies(r.data) {
			r.mirror(s.revisionAt(route, text(dig(mirror, "destination", "host"))), istioPercent(mirror))
		}
		var match map[string]any
		r.header, match = ownHeader(route, r.data)
		r.value = text(match["exact"])
		r.kind = r.purposeOf(match["exact"] != nil, match["regex"] != nil)
		list = append(list, r)
	}
	return list
}

// copies lists the mirrors of a rule; the older way to write them has room for one (istio/api: networking/v1alpha3/
// virtual_service.proto).
func copies(rule map[string]any) []any {
	list := slices.Clone(items(rule["mirrors"]))
	if single := fields(rule["mirror"]); single != nil {
		one := map[string]any{"destination": single}
		put(one, rule["mirrorPercentage"], "percentage")
		if old := rule["mirrorPercent"]; old != nil && one["percentage"] == nil {
			put(one, old, "percentage", "value")
		}
		list = append(list, one)
	}
	return list
}

// istioPercent is how much a mirror gets: everything where it does not say.
func istioPercent(mirror any) int {
	if dig(mirror, "percentage") == nil {
		return 100
	}
	return wholePercent(dig(mirror, "percentage", "value"))
}

// ownHeader is the header of a rule besides the one that selects the model, from the match that has the fewest.
func ownHeader(route *manifest.Resource, data map[string]any) (string, map[string]any) {
	matches := items(data["match"])
	if len(matches) == 0 {
		return "", nil
	}
	headers := fields(dig(matches[len(matches)-1], "headers"))
	if len(headers) != 1 {
		return "", nil
	}
	for name, match := range headers {
		if len(matches) == 1 && selectedBy(route, name, fields(match)) {
			return "", nil
		}
		return name, fields(match)
	}
	return "", nil
}

// selectedBy says whether every rule of a VirtualService wants a header: then it selects the model.
func selectedBy(route *manifest.Resource, name string, match map[string]any) bool {
	rules := items(dig(route.Data, "spec", "http"))
	for _, rule := range rules {
		matches := items(dig(rule, "match"))
		if len(matches) == 0 {
			return false
		}
		for _, m := range matches {
			if text(dig(m, "headers", name, "exact")) != text(match["exact"]) {
				return false
			}
		}
	}
	return len(rules) > 0 && match["exact"] != nil
}

// gatewayOfVirtualService is the first that it names, as namespace/name.
func (s *scene) gatewayOfVirtualService() string {
	for _, gateway := range texts(dig(s.route.Data, "spec", "gateways")) {
		if gateway != meshGateway {
			return qualified("gateways", gateway, s.route.Namespace())
		}
	}
	return ""
}

// hostsOfVirtualService are those that are no Service's.
func (s *scene) hostsOfVirtualService() []string {
	return slices.DeleteFunc(texts(dig(s.route.Data, "spec", "hosts")), func(host string) bool {
		return !strings.Contains(host, ".") || strings.HasSuffix(host, ".svc.cluster.local") || strings.HasSuffix(host, ".svc")
	})
}

// selection says what of a shared host is this model's: a path that is taken off, or a header.
func (s *scene) selection(expose map[string]any) {
	for _, r := range s.rules() {
		matches := items(r.data["match"])
		if r.kind != weightsRule || len(matches) == 0 {
			continue
		}
		if prefix := text(dig(matches[0], "uri", "prefix")); prefix != "" && text(dig(r.data, "rewrite", "uri")) == "/" {
			put(expose, prefix, "path")
		}
		for name, match := range fields(dig(matches[0], "headers")) {
			if value := text(dig(match, "exact")); value != "" {
				put(expose, map[string]any{"header": name, "value": value}, "header")
			}
		}
	}
}

// serverCertificate is the Secret of the server of Istio's Gateway for one of the hosts.
func (s *scene) serverCertificate(gateway string, hosts []string) string {
	found := ""
	s.each("Gateway", "networking.istio.io/", func(r *manifest.Resource) {
		for _, server := range items(dig(r.Data, "spec", "servers")) {
			for _, host := range texts(dig(server, "hosts")) {
				if r.Namespace()+"/"+r.Name() == gateway && slices.Contains(hosts, host) && found == "" {
					found = text(dig(server, "tls", "credentialName"))
				}
			}
		}
	})
	return found
}

// nameVirtualService makes sets of hosts and gateways, and names rules by what they are for.
func (s *scene) nameVirtualService(r *manifest.Resource, spec map[string]any, moved moves) {
	for _, key := range []string{"hosts", "gateways"} {
		var named []any
		for _, name := range texts(spec[key]) {
			named = append(named, map[string]any{"name": qualified(key, name, r.Namespace())})
		}
		spec[key] = named
	}
	if s.listed(r) {
		s.nameList(r, spec)
	}
	if s.route != r {
		return
	}
	rules := s.rules()
	seen := map[string]bool{}
	for i, rule := range items(spec["http"]) {
		if name := rules[i].name(); name != "" && !seen[name] {
			fields(rule)["name"] = name
			seen[name] = true
		}
		routes := items(dig(rule, "route"))
		for j, route := range routes {
			if revision := rules[i].revisions[j]; revision != "" && slices.Index(rules[i].revisions, revision) == j {
				fields(dig(route, "destination"))["host"] = revisionName(revision)
			}
			if len(routes) == 1 && number(dig(route, "weight"), 100) == 100 {
				delete(fields(route), "weight")
			}
		}
		s.nameMirrors(r, fields(rule), fmt.Sprintf("/spec/http/%d", i), moved)
	}
}

// nameMirrors writes the mirrors of a rule the newer way, and names where they lead.
func (s *scene) nameMirrors(r *manifest.Resource, rule map[string]any, pointer string, moved moves) {
	mirrors := copies(rule)
	if fields(rule["mirror"]) != nil {
		last, percentage := fmt.Sprintf("%s/mirrors/%d", pointer, len(mirrors)-1), "mirrorPercentage"
		moved[last+"/destination"] = pointer + "/mirror"
		moved[last+"/percentage"] = pointer + "/mirrorPercentage"
		if rule["mirrorPercentage"] == nil {
			percentage = "mirrorPercent"
			moved[last+"/percentage/value"] = pointer + "/mirrorPercent"
		}
		delete(rule, "mirror")
		delete(rule, percentage)
	}
	seen := map[string]bool{}
	for _, mirror := range mirrors {
		destination := fields(dig(mirror, "destination"))
		if revision := s.revisionAt(r, text(destination["host"])); revision != "" && !seen[revision] {
			destination["host"], seen[revision] = revisionName(revision), true
		}
	}
	if len(mirrors) > 0 {
		rule["mirrors"] = mirrors
	}
}

// qualified is a host or a gateway with its namespace.
func qualified(kind, name, namespace string) string {
	switch {
	case kind == "gateways" && name != meshGateway && !strings.Contains(name, "/"):
		return namespace + "/" + name
	case kind == "hosts" && !strings.Contains(name, "."):
		return name + "." + namespace + ".svc.cluster.local"
	}
	return name
}
