package chat

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func notAdmitted() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1504", Name: "page-not-admitted", Level: finding.Error,
			Summary: "The policies of a model admit the ServiceAccount of the page before it.",
			Why: "The page asks the model itself, so to the model's sidecar the caller is the page, not the gateway. Where ALLOW policies select the model's pods and none of them admits the page's account, " +
				"every question gets 403 `RBAC: access denied`.",
			How:   "Name the principal <trust domain>/ns/<namespace>/sa/<account of the page> in an AuthorizationPolicy of the model.",
			Refs:  []string{"istio: docs/reference/config/security/authorization-policy (Source)"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.Service, rule.ServiceEntry, rule.AuthorizationPolicy),
		},
		Check: func(c *rule.Context) {
			for _, page := range pages(c) {
				for _, model := range c.Models(page) {
					if page.Namespace != "" && model.Known() && !admitted(c, page, model) {
						c.Report(account(page), "no ALLOW policy of %s admits ServiceAccount %s of %s", model.Object, page.Account(), rule.InNamespace(page.Namespace))
						break
					}
				}
			}
		},
	}
}

// account is where the pod says whose it is, or would.
func account(page rule.ChatPage) rule.Value {
	if named := page.Pod.Field("serviceAccountName"); named.Found() {
		return named
	}
	return page.Pod
}

// admitted says whether a model lets a page's questions in: no policy selects its pods, or one takes them.
func admitted(c *rule.Context, page rule.ChatPage, model *rule.Workload) bool {
	closed := false
	for _, policy := range c.Objects(rule.AuthorizationPolicy) {
		if !rule.Allows(policy) || !selects(policy, model) {
			continue
		}
		closed = true
		for entry := range policy.Field("spec", "rules").Items() {
			if takesPage(entry.Field("from"), page, policy.Namespace) && takesRequest(entry.Field("to"), "POST", "/v1/chat/completions") {
				return true
			}
		}
	}
	return !closed
}

func takesPage(from rule.Value, page rule.ChatPage, namespace string) bool {
	for entry := range from.Items() {
		if isPage(entry.Field("source"), page, namespace) {
			return true
		}
	}
	return from.Len() == 0
}

// isPage says whether a source may be the page. Addresses and tokens are taken to fit.
func isPage(source rule.Value, page rule.ChatPage, namespace string) bool {
	account := page.Namespace + "/" + page.Account()
	for _, identity := range []struct {
		field, negated string
		fits           func(string) bool
	}{
		{"principals", "notPrincipals", func(pattern string) bool { return ofAccount(pattern, page) }},
		{"namespaces", "notNamespaces", func(pattern string) bool { return rule.Like(pattern, page.Namespace) }},
		{"serviceAccounts", "notServiceAccounts", func(named string) bool { return named == account || namespace+"/"+named == account }},
	} {
		wanted, refused := source.Field(identity.field).Strings(), source.Field(identity.negated).Strings()
		if len(wanted) > 0 && !slices.ContainsFunc(wanted, identity.fits) || slices.ContainsFunc(refused, identity.fits) {
			return false
		}
	}
	return true
}

// ofAccount says whether a principal, trust domain/ns/NAMESPACE/sa/NAME, is the page's in any trust domain.
func ofAccount(pattern string, page rule.ChatPage) bool {
	const begin = "/ns/"
	principal := begin + page.Namespace + "/sa/" + page.Account()
	if at := strings.Index(pattern, begin); at >= 0 {
		return rule.Like(pattern[at:], principal)
	}
	return strings.Contains(pattern, "*") && (strings.HasSuffix(pattern, "*") || rule.Like(pattern, principal))
}

func cutOff() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1505", Name: "page-cut-off-from-its-model", Level: finding.Error,
			Summary: "NetworkPolicies let a page out to its model, and in there.",
			Why: "A question passes the policies for egress of the page's pods and those for ingress of the model's. What either does not open is a timeout, and the page shows that the model does not answer. " +
				"Both see the pods' ports: to open 80, the Service's, opens nothing.",
			How:   "Open the container's port of the model in both: to its pods in the page's policy, from the page's pods in the model's.",
			Refs:  []string{"kubernetes: docs/concepts/services-networking/network-policies"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.Service, rule.ServiceEntry, rule.NetworkPolicy, rule.Namespace),
		},
		Check: func(c *rule.Context) {
			for _, page := range pages(c) {
				for _, model := range c.Models(page) {
					if model.Known() && len(model.Main().Ports()) > 0 {
						checkWay(c, page, model)
					}
				}
			}
		},
	}
}

func checkWay(c *rule.Context, page rule.ChatPage, model *rule.Workload) {
	if closing := closed(c, "egress", page.Workload, model); closing != nil {
		c.Report(closing.Field("spec", "egress"), "the pods of %s do not get out to %s", page.Object, model.Object)
	}
	if closing := closed(c, "ingress", model, page.Workload); closing != nil {
		c.Report(closing.Field("spec", "ingress"), "the pods of %s do not get in to %s", page.Object, model.Object)
	}
}

// closed returns the first policy by name that isolates pods, where none lets questions pass between them and others; nil else.
func closed(c *rule.Context, direction string, pods, others *rule.Workload) *rule.Object {
	served, peers := pods, "from"
	if direction == "egress" {
		served, peers = others, "to"
	}
	port := served.Main().Ports()[0]
	// A mesh without sidecars carries all that is for a pod to port 15008.
	ports := []string{port.Field("containerPort").Scalar(), port.Field("name").Text(), "15008"}
	var first *rule.Object
	for _, policy := range isolating(c, direction, pods) {
		for entry := range policy.Field("spec", direction).Items() {
			if rule.Opens(entry, "TCP", ports...) && takes(c, entry.Field(peers), policy.Namespace, others) {
				return nil
			}
		}
		if first == nil || policy.Name < first.Name {
			first = policy
		}
	}
	return first
}

// isolating are the NetworkPolicies that close a direction of pods but for what they open.
func isolating(c *rule.Context, direction string, pods *rule.Workload) []*rule.Object {
	return slices.DeleteFunc(slices.Clone(c.Objects(rule.NetworkPolicy)), func(policy *rule.Object) bool {
		types := policy.Field("spec", "policyTypes").Strings()
		isolates := direction == "ingress" || policy.Field("spec", direction).Found()
		if len(types) > 0 {
			isolates = slices.ContainsFunc(types, func(t string) bool { return strings.EqualFold(t, direction) })
		}
		return !isolates || policy.Namespace != pods.Namespace || !rule.Matches(policy.Field("spec", "podSelector"), pods.Labels)
	})
}

// takes says whether the peers of a rule include pods. Addresses are taken to fit, and so are labels of a namespace that is not in the set.
func takes(c *rule.Context, peers rule.Value, namespace string, pods *rule.Workload) bool {
	for peer := range peers.Items() {
		spaces, labels := peer.Field("namespaceSelector"), peer.Field("podSelector")
		near := !spaces.Found() && namespace == pods.Namespace || spaces.Found() && inSpace(c, spaces, pods.Namespace)
		if peer.Field("ipBlock").Found() || near && (!labels.Found() || rule.Matches(labels, pods.Labels)) {
			return true
		}
	}
	return peers.Len() == 0
}

// inSpace says whether a selector takes a namespace, whose labels are known where it is in the set, and its name always.
func inSpace(c *rule.Context, selector rule.Value, name string) bool {
	labels := map[string]string{"kubernetes.io/metadata.name": name}
	if object := c.Find(rule.Namespace, "", name); object != nil {
		for key, value := range object.Field("metadata", "labels").Map() {
			labels[key] = value
		}
		return rule.Matches(selector, labels)
	}
	named := selector.Field("matchLabels", "kubernetes.io/metadata.name").Text()
	return named == "" || named == name
}

func shutIn() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1512", Name: "page-shut-in", Level: finding.Warning,
			Summary: "A page whose egress is restricted may ask the API server and its issuer.",
			Why: "With --model-deployment the page reads the model's routes from the API server, which listens on 443, 6443 or 8443 and is nobody's pod; without, revisions and shares are not known. " +
				"With --oidc-issuer-url it fetches the issuer's addresses and keys, and exchanges codes for tokens there; without, nobody can sign in.",
			How:   "Add a rule of egress for these ports that names no pods.",
			Refs:  []string{"kubernetes: docs/concepts/services-networking/network-policies", "OpenID Connect Core 1.0, section 3.1.3"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.NetworkPolicy),
		},
		Check: func(c *rule.Context) {
			for _, page := range pages(c) {
				if _, name := page.Deployment(); name != "" {
					reportShut(c, page, "the API server", "443", "6443", "8443", "https")
				}
				if issuer, signs := page.Flag("oidc-issuer-url"); signs {
					if port := outsidePort(issuer.Value); port != "" {
						reportShut(c, page, issuer.Value, port)
					}
				}
			}
		},
	}
}

// outsidePort is the port of an address outside of the cluster, empty for one inside: its Service may lead to another port of the pods.
func outsidePort(address string) string {
	u, err := url.Parse(address)
	if err != nil || !strings.Contains(u.Hostname(), ".") || slices.Contains(strings.Split(u.Hostname(), "."), "svc") {
		return ""
	}
	if u.Scheme == "http" {
		return cmp.Or(u.Port(), "80")
	}
	return cmp.Or(u.Port(), "443")
}

// reportShut reports the first policy by name of a page's pods where none lets them out to one of the ports.
func reportShut(c *rule.Context, page rule.ChatPage, what string, ports ...string) {
	var first *rule.Object
	for _, policy := range isolating(c, "egress", page.Workload) {
		for entry := range policy.Field("spec", "egress").Items() {
			if rule.Opens(entry, "TCP", ports...) && leaves(entry.Field("to")) {
				return
			}
		}
		if first == nil || policy.Name < first.Name {
			first = policy
		}
	}
	if first != nil {
		c.Report(first.Field("spec", "egress"), "the pods of %s do not get out to %s", page.Object, what)
	}
}

// leaves says whether a rule leads to what is no pod: to an address, or everywhere.
func leaves(to rule.Value) bool {
	return to.Len() == 0 || slices.ContainsFunc(slices.Collect(to.Items()), func(peer rule.Value) bool { return peer.Field("ipBlock").Found() })
}
