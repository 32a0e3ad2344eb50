package importer

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// rule is one rule of a route, by what it is for.
type rule struct {
	kind string
	data map[string]any
	// revisions that it leads to, in its order, with their weights in any sum.
	revisions []string
	weights   []int
	// header of a rule for testers or buckets, and value of the first.
	header, value string
	// mirrors are the revisions that get copies, and of how many requests in percent.
	mirrors map[string]int
}

const (
	weightsRule = "weights"
	testersRule = "testers"
	stickyRule  = "sticky"
)

// rules reads the route of the workloads; those that are for other things have no kind.
func (s *scene) rules() []rule {
	switch {
	case s.byKServe():
		return []rule{s.kserveRule()}
	case s.route == nil:
		return nil
	}
	return s.rulesOf(s.route)
}

func (s *scene) rulesOf(route *manifest.Resource) []rule {
	switch {
	case route.Kind() == "VirtualService":
		return s.virtualServiceRules(route)
	case isHTTPRoute(route):
		return s.httpRouteRules(route)
	}
	return nil
}

// purposeOf says what a rule is for: without a header of its own for the weights; with an exact one for testers, with an
// expression for buckets, where it leads to one revision. It is for other things where it leads elsewhere too.
func (r rule) purposeOf(exact, regex bool) string {
	switch {
	case slices.Contains(r.revisions, "") || len(r.revisions) == 0:
		return ""
	case r.header == "":
		return weightsRule
	case exact && r.value != "" && len(r.revisions) == 1:
		return testersRule
	case regex && len(r.revisions) == 1:
		return stickyRule
	}
	return ""
}

// mirror notes a copy; the first to a revision counts.
func (r rule) mirror(revision string, percent int) {
	if _, known := r.mirrors[revision]; revision != "" && !known {
		r.mirrors[revision] = percent
	}
}

// name of a rule by what it is for, empty where it is for something else.
func (r rule) name() string {
	if r.kind == "" || r.kind == weightsRule {
		return r.kind
	}
	return r.kind + "-" + r.revisions[0]
}

func revisionName(revision string) string { return "revision " + revision }

// wholePercent is a percentage as a document has it. One that is not whole is rounded up, and the difference told.
func wholePercent(v any) int {
	switch v := v.(type) {
	case int64:
		return int(min(max(v, 0), 100))
	case float64:
		return int(math.Ceil(min(max(v, 0), 100)))
	}
	return 0
}

// revisionNames lists the revisions that run, in the order of the route's weights, else of the input.
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

// traffic infers the shares: those of the route, else those that a Service makes. Copies are those of the rule with the
// weights.
func (s *scene) traffic() []any {
	weights, mirrors, testers := map[string]int{}, map[string]int{}, map[string]map[string]any{}
	weighted := false
	for _, r := range s.rules() {
		switch {
		case r.kind == testersRule:
			testers[r.revisions[0]] = map[string]any{"header": r.header, "value": r.value}
		case r.kind == weightsRule && !weighted:
			weighted, mirrors = true, r.mirrors
			for i, revision := range r.revisions {
				weights[revision] += r.weights[i]
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
		if mirrors[name] > 0 {
			put(share, int64(mirrors[name]), "mirror")
		}
		put(share, orNil(testers[name]), "testers")
		shares = append(shares, share)
	}
	return shares
}

// percent makes shares of weights, which may have any sum. What rounding leaves goes to the first that has some.
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

// expose infers spec.expose: from the route, the Gateway that it names, and who may call.
func (s *scene) expose() map[string]any {
	if s.byKServe() {
		return s.exposedByKServe()
	}
	gateway, hosts := s.gateway(), s.hosts()
	if gateway == "" || len(hosts) == 0 {
		return nil
	}
	expose := map[string]any{"api": spec.APIIstio}
	if isHTTPRoute(s.route) {
		expose["api"] = spec.APIGateway
		put(expose, s.gatewayClass(gateway), "gatewayClass")
		s.selectionOfHTTPRoute(expose)
	} else {
		s.selection(expose)
	}
	put(expose, anys(hosts), "hosts")
	put(expose, gateway, "gateway")
	namespace, _, _ := strings.Cut(gateway, "/")
	for _, account := range s.principals(func(r *manifest.Resource) bool { return isGateway(r) || !s.ours() }) {
		if in, name, _ := strings.Cut(account, "/"); in == namespace {
			put(expose, name, "gatewayServiceAccount")
		}
	}
	if s.lists() {
		put(expose, true, "modelList")
	}
	if s.reveals() {
		put(expose, true, "revealRevision")
	}
	put(expose, s.certificate(gateway, hosts), "tlsSecret")
	return expose
}

// reveals reports that every destination of the weights names its revision in its answers.
func (s *scene) reveals() bool {
	found := false
	for _, r := range s.rules() {
		if r.kind != weightsRule {
			continue
		}
		for i, to := range append(items(dig(r.data, "route")), items(dig(r.data, "backendRefs"))...) {
			if revealed(to) != r.revisions[i] {
				return false
			}
			found = true
		}
	}
	return found
}

// revealed is the revision that a destination says in its answers, empty for none.
func revealed(to any) string {
	if said := text(dig(to, "headers", "response", "set", spec.RevisionHeader)); said != "" {
		return said
	}
	for _, filter := range items(dig(to, "filters")) {
		for _, header := range items(dig(filter, "responseHeaderModifier", "set")) {
			if text(dig(header, "name")) == spec.RevisionHeader {
				return text(dig(header, "value"))
			}
		}
	}
	return ""
}

// gateway is the first that the route names, as namespace/name; empty where it names none.
func (s *scene) gateway() string {
	switch {
	case s.byKServe():
		return s.gatewayOfKServe()
	case s.route == nil:
		return ""
	case isHTTPRoute(s.route):
		return qualifiedParent(s.route, parentOf(s.route, "Gateway"))
	}
	return s.gatewayOfVirtualService()
}

// hosts are those that the route serves for clients outside the mesh.
func (s *scene) hosts() []string {
	switch {
	case s.route == nil:
		return nil
	case isHTTPRoute(s.route):
		return s.hostnames()
	}
	return s.hostsOfVirtualService()
}

// certificate is the Secret that the Gateway has for one of the hosts.
func (s *scene) certificate(gateway string, hosts []string) string {
	if isHTTPRoute(s.route) {
		return s.listenerCertificate(gateway, hosts)
	}
	return s.serverCertificate(gateway, hosts)
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
	gateway, _, _ := strings.Cut(s.gateway(), "/")
	var callers []any
	for _, account := range s.withoutPage(s.principals(func(r *manifest.Resource) bool { return !isGateway(r) })) {
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

// omitted are the kinds that a tree of ours lacks. In other input what is missing says nothing. Which API is left out does
// not show: without expose, which a route would say, it is Istio's.
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
		if s.byKServe() && (name == spec.OmitService || name == spec.OmitVirtualService) {
			continue
		}
		if !s.has(kinds[name]) && (name != spec.OmitVirtualService || !s.has("HTTPRoute")) {
			omit = append(omit, string(name))
		}
	}
	return omit
}
