package importer

import (
	"maps"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const meshGateway = "mesh"

// rule is one rule of the VirtualService, by what it is for.
type rule struct {
	kind string
	data map[string]any
	// revisions that it leads to, in its order.
	revisions []string
	// header and match of a rule for testers or buckets.
	header string
	match  map[string]any
}

const (
	weightsRule = "weights"
	testersRule = "testers"
	stickyRule  = "sticky"
)

// rules reads the VirtualService of the workloads; those that are for other things have no kind.
func (s *scene) rules() []rule {
	if s.route == nil {
		return nil
	}
	var list []rule
	for _, data := range items(dig(s.route.Data, "spec", "http")) {
		r := rule{data: fields(data)}
		for _, route := range items(dig(data, "route")) {
			r.revisions = append(r.revisions, s.revisionAt(s.route, text(dig(route, "destination", "host"))))
		}
		r.header, r.match = s.ownHeader(r.data)
		switch {
		case slices.Contains(r.revisions, "") || len(r.revisions) == 0:
		case r.header == "":
			r.kind = weightsRule
		case text(r.match["exact"]) != "" && len(r.revisions) == 1:
			r.kind = testersRule
		case r.match["regex"] != nil && len(r.revisions) == 1:
			r.kind = stickyRule
		}
		list = append(list, r)
	}
	return list
}

// ownHeader is the header of a rule besides the one that selects the model, from the match that has the fewest.
func (s *scene) ownHeader(data map[string]any) (string, map[string]any) {
	matches := items(data["match"])
	if len(matches) == 0 {
		return "", nil
	}
	headers := fields(dig(matches[len(matches)-1], "headers"))
	if len(headers) != 1 {
		return "", nil
	}
	for name, match := range headers {
		if len(matches) == 1 && s.selectedBy(name, fields(match)) {
			return "", nil
		}
		return name, fields(match)
	}
	return "", nil
}

// selectedBy says whether every rule of the VirtualService wants a header: then it selects the model.
func (s *scene) selectedBy(name string, match map[string]any) bool {
	rules := items(dig(s.route.Data, "spec", "http"))
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

// revisionNames lists the revisions that run, in the order of the VirtualService's weights, else of the input.
func (s *scene) revisionNames() []string {
	var names []string
	for _, r := range s.rules() {
		if r.kind == weightsRule {
			names = append(names, r.revisions...)
		}
	}
	for _, w := range s.workloads {
		names = append(names, w.revision)
	}
	return distinct(names)
}

// traffic infers the shares: those of the VirtualService, else those that a Service makes.
func (s *scene) traffic() []any {
	weights, testers := map[string]int{}, map[string]map[string]any{}
	weighted := false
	for _, r := range s.rules() {
		switch {
		case r.kind == testersRule:
			testers[r.revisions[0]] = map[string]any{"header": r.header, "value": text(r.match["exact"])}
		case r.kind == weightsRule && !weighted:
			weighted = true
			for i, route := range items(r.data["route"]) {
				weights[r.revisions[i]] += number(dig(route, "weight"), 100/len(r.revisions))
			}
		}
	}
	if !weighted {
		weights = s.spread()
	}
	names := s.revisionNames()
	percent(weights, names)
	var shares []any
	for _, name := range names {
		share := map[string]any{"revision": name, "weight": int64(weights[name])}
		put(share, orNil(testers[name]), "testers")
		shares = append(shares, share)
	}
	return shares
}

// percent makes shares of weights, which Istio takes in any sum. What rounding leaves goes to the first that has some.
func percent(weights map[string]int, names []string) {
	sum, left, most := 0, 100, ""
	for _, name := range names {
		sum += max(weights[name], 0)
		if most == "" && weights[name] > 0 {
			most = name
		}
	}
	if sum == 0 || sum == 100 {
		return
	}
	for _, name := range names {
		weights[name] = 100 * max(weights[name], 0) / sum
		left -= weights[name]
	}
	weights[most] += left
}

// spread is what a Service makes of revisions without weights: as many requests for each of their replicas. Of our own, the
// first gets all.
func (s *scene) spread() map[string]int {
	weights := map[string]int{}
	for i, w := range s.workloads {
		if i == 0 || !s.ours() {
			weights[w.revision] = max(number(s.replicaFields(w)["min"], 1), 1)
		}
	}
	return weights
}

// sticky infers spec.sticky, nil where there are no buckets.
func (s *scene) sticky() map[string]any {
	for _, r := range s.rules() {
		if r.kind == stickyRule {
			return map[string]any{"header": r.header}
		}
	}
	return nil
}

// expose infers spec.expose: from the VirtualService, the Gateway that it names, and who may call.
func (s *scene) expose() map[string]any {
	if s.route == nil {
		return nil
	}
	gateway := s.gateway()
	hosts := slices.DeleteFunc(texts(dig(s.route.Data, "spec", "hosts")), func(host string) bool {
		return !strings.Contains(host, ".") || strings.HasSuffix(host, ".svc.cluster.local") || strings.HasSuffix(host, ".svc")
	})
	if gateway == "" || len(hosts) == 0 {
		return nil
	}
	expose := map[string]any{}
	put(expose, anys(hosts), "hosts")
	put(expose, gateway, "gateway")
	s.selection(expose)
	namespace, _, _ := strings.Cut(gateway, "/")
	for _, account := range s.principals(func(r *manifest.Resource) bool { return isGateway(r) || !s.ours() }) {
		if in, name, _ := strings.Cut(account, "/"); in == namespace {
			put(expose, name, "gatewayServiceAccount")
		}
	}
	put(expose, s.certificate(gateway, hosts), "tlsSecret")
	return expose
}

// gateway is the first that the VirtualService names, as namespace/name.
func (s *scene) gateway() string {
	for _, gateway := range texts(dig(s.route.Data, "spec", "gateways")) {
		switch {
		case gateway == meshGateway:
		case strings.Contains(gateway, "/"):
			return gateway
		default:
			return s.route.Namespace() + "/" + gateway
		}
	}
	return ""
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

// certificate is the Secret of the Gateway's server for one of the hosts.
func (s *scene) certificate(gateway string, hosts []string) string {
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

// selectsUs says whether a policy is about the model's pods.
func (s *scene) selectsUs(r *manifest.Resource) bool {
	return slices.ContainsFunc(s.workloads, func(w *workload) bool {
		return r.Namespace() == w.object.Namespace() && selects(textMap(dig(r.Data, "spec", "selector", "matchLabels")), w.podLabels())
	})
}

func isGateway(r *manifest.Resource) bool { return strings.HasSuffix(r.Name(), "-gateway") }

// principals lists whom the AuthorizationPolicies of the model let in, as namespace/account.
func (s *scene) principals(of func(r *manifest.Resource) bool) []string {
	var accounts []string
	s.each("AuthorizationPolicy", "security.istio.io/", func(r *manifest.Resource) {
		if !s.selectsUs(r) || !of(r) || text(dig(r.Data, "spec", "action")) == "DENY" {
			return
		}
		for _, rule := range items(dig(r.Data, "spec", "rules")) {
			for _, from := range items(dig(rule, "from")) {
				for _, principal := range texts(dig(from, "source", "principals")) {
					_, rest, _ := strings.Cut(principal, "/ns/")
					if namespace, account, ok := strings.Cut(rest, "/sa/"); ok {
						accounts = append(accounts, namespace+"/"+account)
					}
				}
			}
		}
	})
	return accounts
}

// security infers who may call. Of objects that we did not render, one that is missing says nothing.
func (s *scene) security() map[string]any {
	security := map[string]any{}
	s.each("PeerAuthentication", "security.istio.io/", func(r *manifest.Resource) {
		modes := map[string]string{"STRICT": "strict", "PERMISSIVE": "off", "DISABLE": "off"}
		if s.selectsUs(r) {
			put(security, modes[text(dig(r.Data, "spec", "mtls", "mode"))], "mtls")
		}
	})
	if s.ours() && security["mtls"] == nil {
		put(security, "off", "mtls")
	}
	gateway := ""
	if s.route != nil {
		gateway, _, _ = strings.Cut(s.gateway(), "/")
	}
	var callers []any
	for _, account := range s.principals(func(r *manifest.Resource) bool { return !isGateway(r) }) {
		if namespace, _, _ := strings.Cut(account, "/"); s.ours() || namespace != gateway {
			callers = append(callers, map[string]any{"serviceAccount": account})
		}
	}
	put(security, callers, "callers")
	put(security, orNil(s.tokens()), "jwt")
	return security
}

// tokens infers spec.security.jwt.
func (s *scene) tokens() map[string]any {
	jwt := map[string]any{}
	s.each("RequestAuthentication", "security.istio.io/", func(r *manifest.Resource) {
		rules := items(dig(r.Data, "spec", "jwtRules"))
		if !s.selectsUs(r) || len(rules) == 0 {
			return
		}
		for _, field := range []string{"issuer", "jwksUri", "jwks"} {
			put(jwt, text(dig(rules[0], field)), field)
		}
		put(jwt, items(dig(rules[0], "audiences")), "audiences")
	})
	return jwt
}

// omitted are the kinds that a tree of ours lacks. In other input what is missing says nothing.
func (s *scene) omitted() []any {
	if !s.ours() {
		return nil
	}
	kinds := map[spec.Omittable]string{
		spec.OmitServiceAccount: "ServiceAccount", spec.OmitService: "Service", spec.OmitVirtualService: "VirtualService",
		spec.OmitDestinationRule: "DestinationRule", spec.OmitSidecar: "Sidecar", spec.OmitAuthorizationPolicy: "AuthorizationPolicy",
		spec.OmitNetworkPolicy: "NetworkPolicy", spec.OmitPodDisruptionBudget: "PodDisruptionBudget", spec.OmitPodMonitor: "PodMonitor",
	}
	var omit []any
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		if !s.has(kinds[name]) {
			omit = append(omit, string(name))
		}
	}
	return omit
}
