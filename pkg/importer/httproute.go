package importer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

const gatewayGroup = "gateway.networking.k8s.io"

// httpRouteRole begins the roles of HTTPRoutes: at a Gateway, and at the model's Service.
const httpRouteRole = "httproute/"

func isHTTPRoute(r *manifest.Resource) bool {
	return r != nil && r.Kind() == "HTTPRoute" && group(*r) == gatewayGroup
}

// parentOf is the first parent of a kind, nil where there is none.
func parentOf(route *manifest.Resource, kind string) map[string]any {
	for _, ref := range items(dig(route.Data, "spec", "parentRefs")) {
		if parentKind(fields(ref)) == kind {
			return fields(ref)
		}
	}
	return nil
}

// parentKind is Gateway where nothing else is said. What a reference leaves out is as the CRD defaults it (gateway-api:
// apis/v1/shared_types.go).
func parentKind(ref map[string]any) string {
	kind, inGroup := cmp.Or(text(ref["kind"]), "Gateway"), gatewayGroup
	if g, ok := ref["group"].(string); ok {
		inGroup = g
	}
	if wanted := map[string]string{"Gateway": gatewayGroup, "Service": ""}; wanted[kind] != inGroup {
		return inGroup + "/" + kind
	}
	return kind
}

// qualifiedParent is a parent as namespace/name, empty for none.
func qualifiedParent(route *manifest.Resource, ref map[string]any) string {
	if text(ref["name"]) == "" {
		return ""
	}
	return cmp.Or(text(ref["namespace"]), route.Namespace()) + "/" + text(ref["name"])
}

// backend is the revision whose Service a reference names, empty for another one.
func (s *scene) backend(route *manifest.Resource, ref any) string {
	name, namespace := text(dig(ref, "name")), text(dig(ref, "namespace"))
	if cmp.Or(text(dig(ref, "kind")), "Service") != "Service" || text(dig(ref, "group")) != "" || strings.Contains(name, ".") {
		return ""
	}
	if namespace != "" {
		name += "." + namespace
	}
	return s.revisionAt(route, name)
}

// httpRouteRules reads the rules of an HTTPRoute.
func (s *scene) httpRouteRules(route *manifest.Resource) []rule {
	var list []rule
	selecting := selectingHeaders(route)
	for _, data := range items(dig(route.Data, "spec", "rules")) {
		r := rule{data: fields(data), mirrors: map[string]int{}}
		for _, ref := range items(dig(data, "backendRefs")) {
			r.revisions = append(r.revisions, s.backend(route, ref))
			r.weights = append(r.weights, number(dig(ref, "weight"), 1))
		}
		for _, filter := range items(dig(data, "filters")) {
			if mirror := mirrorOf(filter); mirror != nil {
				r.mirror(s.backend(route, mirror["backendRef"]), routePercent(mirror))
			}
		}
		if own, ok := ownHeaderMatch(r.data, selecting); ok {
			how := headerMatchType(own)
			r.header, r.value = text(own["name"]), text(own["value"])
			r.kind = r.purposeOf(how == exactMatch, how == expressionMatch)
		}
		list = append(list, r)
	}
	return onlyShortest(list)
}

// onlyShortest keeps the weights of the rules with the shortest path: one with a longer path is for some requests only.
func onlyShortest(list []rule) []rule {
	shortest := -1
	for _, r := range list {
		if r.kind == weightsRule && (shortest < 0 || len(r.path()) < shortest) {
			shortest = len(r.path())
		}
	}
	for i, r := range list {
		if r.kind == weightsRule && len(r.path()) > shortest {
			list[i].kind = ""
		}
	}
	return list
}

// path of the first match of a rule.
func (r rule) path() string {
	matches := items(r.data["matches"])
	if len(matches) == 0 {
		return "/"
	}
	_, value := pathMatch(matches[0])
	return value
}

const (
	exactMatch      = "Exact"
	expressionMatch = "RegularExpression"
	prefixMatch     = "PathPrefix"
	rewriteFilter   = "URLRewrite"
	mirrorFilter    = "RequestMirror"
)

func headerMatchType(match map[string]any) string { return cmp.Or(text(match["type"]), exactMatch) }

// pathMatch is how a match looks at the path. The slash at the end of a prefix means nothing.
func pathMatch(match any) (how, value string) {
	how, value = cmp.Or(text(dig(match, "path", "type")), prefixMatch), cmp.Or(text(dig(match, "path", "value")), "/")
	if how == prefixMatch {
		value = cmp.Or(strings.TrimSuffix(value, "/"), "/")
	}
	return how, value
}

// selectingHeaders are those that every match of every rule wants: they select the model.
func selectingHeaders(route *manifest.Resource) []any {
	var wanted []any
	first := true
	for _, rule := range items(dig(route.Data, "spec", "rules")) {
		matches := items(dig(rule, "matches"))
		if len(matches) == 0 {
			return nil
		}
		for _, match := range matches {
			headers := items(dig(match, "headers"))
			if first {
				wanted, first = slices.Clone(headers), false
			}
			wanted = slices.DeleteFunc(wanted, func(header any) bool { return !hasHeader(headers, fields(header)) })
		}
	}
	return wanted
}

// hasHeader says whether a list wants the exact value of a header.
func hasHeader(headers []any, wanted map[string]any) bool {
	return headerMatchType(wanted) == exactMatch && slices.ContainsFunc(headers, func(header any) bool {
		h := fields(header)
		return headerMatchType(h) == exactMatch && text(h["name"]) == text(wanted["name"]) && text(h["value"]) == text(wanted["value"])
	})
}

// ownHeaderMatch is what the first match of a rule wants of a header besides those that select the model; nothing where a
// request needs none. Of a rule that looks at more, false.
func ownHeaderMatch(rule map[string]any, selecting []any) (map[string]any, bool) {
	matches := items(rule["matches"])
	if len(matches) == 0 {
		return nil, true
	}
	own := slices.DeleteFunc(slices.Clone(items(dig(matches[0], "headers"))), func(header any) bool {
		return hasHeader(selecting, fields(header))
	})
	if len(own) > 1 || dig(matches[0], "method") != nil || dig(matches[0], "queryParams") != nil {
		return nil, false
	}
	if len(own) == 0 {
		return nil, true
	}
	return fields(own[0]), true
}

// mirrorOf is the mirror that a filter is, nil for another filter.
func mirrorOf(filter any) map[string]any {
	if text(dig(filter, "type")) != mirrorFilter {
		return nil
	}
	return fields(dig(filter, "requestMirror"))
}

// routePercent is how much a mirror gets: everything where it does not say.
func routePercent(mirror map[string]any) int {
	if mirror["fraction"] != nil {
		return wholePercent(fractionOf(mirror))
	}
	if mirror["percent"] != nil {
		return wholePercent(mirror["percent"])
	}
	return 100
}

// fractionOf a mirror in percent.
func fractionOf(mirror map[string]any) any {
	of := number(dig(mirror, "fraction", "denominator"), 100)
	part := 100 * number(dig(mirror, "fraction", "numerator"), 0)
	switch {
	case of <= 0:
		return nil
	case part%of == 0:
		return int64(part / of)
	}
	return float64(part) / float64(of)
}

// rewritesPath says whether a rule takes its path off before the server sees it.
func rewritesPath(rule map[string]any) bool {
	return slices.ContainsFunc(items(rule["filters"]), func(filter any) bool {
		path := dig(filter, "urlRewrite", "path")
		return text(dig(filter, "type")) == rewriteFilter && text(dig(path, "type")) == "ReplacePrefixMatch" && text(dig(path, "replacePrefixMatch")) == "/"
	})
}

// selectionOfHTTPRoute says what of a shared host is this model's: a path that is taken off, or a header.
func (s *scene) selectionOfHTTPRoute(expose map[string]any) {
	for _, r := range s.rules() {
		matches := items(r.data["matches"])
		if r.kind != weightsRule || len(matches) == 0 {
			continue
		}
		if how, path := pathMatch(matches[0]); how == prefixMatch && path != "/" && rewritesPath(r.data) {
			put(expose, path+"/", "path")
		}
		for _, header := range selectingHeaders(s.route) {
			put(expose, map[string]any{"header": text(dig(header, "name")), "value": text(dig(header, "value"))}, "header")
			break
		}
		return
	}
}

// hostnames are those of the HTTPRoute, else those of the listeners that it is at.
func (s *scene) hostnames() []string {
	if names := texts(dig(s.route.Data, "spec", "hostnames")); len(names) > 0 {
		return names
	}
	var names []string
	section := text(parentOf(s.route, "Gateway")["sectionName"])
	for _, listener := range s.listeners(s.gateway()) {
		if name := text(listener["hostname"]); name != "" && (section == "" || section == text(listener["name"])) {
			names = append(names, name)
		}
	}
	return distinct(names)
}

// listeners of the Gateway that is called namespace/name, none where it is not in the input.
func (s *scene) listeners(gateway string) []map[string]any {
	var list []map[string]any
	s.each("Gateway", gatewayGroup, func(r *manifest.Resource) {
		for _, listener := range items(dig(r.Data, "spec", "listeners")) {
			if r.Namespace()+"/"+r.Name() == gateway {
				list = append(list, fields(listener))
			}
		}
	})
	return list
}

// gatewayClass is that of the Gateway, empty where it is not in the input.
func (s *scene) gatewayClass(gateway string) string {
	class := ""
	s.each("Gateway", gatewayGroup, func(r *manifest.Resource) {
		if r.Namespace()+"/"+r.Name() == gateway {
			class = text(dig(r.Data, "spec", "gatewayClassName"))
		}
	})
	return class
}

// listenerCertificate is the Secret of the first listener that serves one of the hosts with one.
func (s *scene) listenerCertificate(gateway string, hosts []string) string {
	for _, listener := range s.listeners(gateway) {
		for _, ref := range items(dig(listener, "tls", "certificateRefs")) {
			if slices.ContainsFunc(hosts, func(host string) bool { return covers(text(listener["hostname"]), host) }) {
				return text(dig(ref, "name"))
			}
		}
	}
	return ""
}

// covers says whether a listener takes requests to a host: all of them where it names none.
func covers(hostname, host string) bool {
	suffix, wildcard := strings.CutPrefix(hostname, "*")
	return hostname == "" || hostname == host || wildcard && strings.HasSuffix(host, suffix)
}

// roleOfHTTPRoute says whom a route of the model is for.
func (s *scene) roleOfHTTPRoute(r *manifest.Resource) string {
	switch {
	case r == s.mesh, r == s.route && parentOf(r, "Gateway") == nil:
		return httpRouteRole + "mesh"
	case r == s.route:
		return httpRouteRole + "gateway"
	}
	return ""
}

// nameHTTPRoute names parents, rules and backends by what they are, and writes out what the CRD defaults: a rule that says
// nothing of the path is for other requests than one that has a path.
func (s *scene) nameHTTPRoute(r *manifest.Resource, spec map[string]any, moved moves) {
	if s.role(r) == "" {
		return
	}
	var hostnames []any
	for _, name := range texts(spec["hostnames"]) {
		hostnames = append(hostnames, map[string]any{"name": name})
	}
	spec["hostnames"] = hostnames
	for _, ref := range items(spec["parentRefs"]) {
		s.nameParent(r, fields(ref))
	}
	rules := s.rulesOf(r)
	seen := map[string]bool{}
	for i, data := range items(spec["rules"]) {
		name := rules[i].name()
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		data, pointer := fields(data), fmt.Sprintf("/spec/rules/%d", i)
		rename(data, name, "rule", pointer, moved)
		nameMatches(data)
		nameBackends(rules[i], items(data["backendRefs"]))
		s.nameFilters(r, items(data["filters"]), pointer, moved)
	}
}

// rename calls an item of a list by what it is, and keeps its own name under another key.
func rename(item map[string]any, name, key, pointer string, moved moves) {
	if was := item["name"]; was != nil {
		item[key] = was
		moved[pointer+"/"+key] = pointer + "/name"
	}
	item["name"] = name
}

// nameParent says which Gateway or Service a route is at.
func (s *scene) nameParent(r *manifest.Resource, ref map[string]any) {
	qualified := qualifiedParent(r, ref)
	if qualified == "" {
		return
	}
	ref["name"] = parentKind(ref) + " " + qualified
	if namespace, name, _ := strings.Cut(qualified, "/"); parentKind(ref) == "Service" {
		if service := s.service(namespace, name); service != nil && service == s.serviceOf(s.workloads...) {
			ref["name"] = "Service of the model"
		}
	}
	delete(ref, "namespace")
}

func nameMatches(rule map[string]any) {
	matches := items(rule["matches"])
	if len(matches) == 0 {
		matches = []any{map[string]any{}}
		rule["matches"] = matches
	}
	for i, match := range matches {
		m := fields(match)
		if m == nil {
			continue
		}
		m["name"] = fmt.Sprint(i)
		how, value := pathMatch(m)
		m["path"] = map[string]any{"type": how, "value": value}
		for _, header := range items(m["headers"]) {
			if h := fields(header); h != nil {
				h["type"] = headerMatchType(h)
			}
		}
	}
}

// nameBackends says which revisions a rule leads to. Shares of any sum are percentages where these are whole; a single one
// gets everything.
func nameBackends(r rule, refs []any) {
	sum := 0
	for _, weight := range r.weights {
		sum += max(weight, 0)
	}
	for i, ref := range refs {
		backend, revision := fields(ref), r.revisions[i]
		if slices.Index(r.revisions, revision) != i {
			continue
		}
		backend["name"] = revisionName(revision)
		delete(backend, "namespace")
		switch {
		case len(refs) == 1 && r.weights[i] > 0:
			delete(backend, "weight")
		case sum > 0 && 100*r.weights[i]%sum == 0:
			backend["weight"] = int64(100 * r.weights[i] / sum)
		default:
			backend["weight"] = int64(r.weights[i])
		}
	}
}

// nameFilters calls those filters by what they do that a tree may have. A second one that does the same stays as it is.
func (s *scene) nameFilters(r *manifest.Resource, filters []any, pointer string, moved moves) {
	seen := map[string]bool{}
	for i, filter := range filters {
		name, revision, mirror := "", "", mirrorOf(filter)
		if mirror != nil {
			revision = s.backend(r, mirror["backendRef"])
		}
		switch {
		case revision != "":
			name = mirrorFilter + " to " + revisionName(revision)
		case text(dig(filter, "type")) == rewriteFilter:
			name = rewriteFilter
		}
		if name == "" || seen[name] {
			continue
		}
		fields(filter)["name"], seen[name] = name, true
		if revision != "" {
			nameMirror(mirror, revision, fmt.Sprintf("%s/filters/%d/requestMirror", pointer, i), moved)
		}
	}
}

func nameMirror(mirror map[string]any, revision, pointer string, moved moves) {
	backend := fields(mirror["backendRef"])
	backend["name"] = revisionName(revision)
	delete(backend, "namespace")
	switch {
	case mirror["fraction"] != nil:
		mirror["percent"] = fractionOf(mirror)
		moved[pointer+"/percent"] = pointer + "/fraction"
		delete(mirror, "fraction")
	case mirror["percent"] == nil:
		mirror["percent"] = int64(100)
	}
}

// nameListeners tells listeners apart by what they take.
func nameListeners(spec map[string]any, moved moves) {
	for i, item := range items(spec["listeners"]) {
		if listener := fields(item); listener != nil {
			name := fmt.Sprintf("%s %s:%s", text(listener["protocol"]), text(listener["hostname"]), short(listener["port"]))
			rename(listener, name, "listener", fmt.Sprintf("/spec/listeners/%d", i), moved)
		}
	}
}
