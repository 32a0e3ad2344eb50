package mesh

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// namespaceLabel is the one that Kubernetes gives every namespace.
const namespaceLabel = "kubernetes.io/metadata.name"

func modeNotSet() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0415", Name: "mode-not-set", Level: finding.Warning,
			Summary: "A PeerAuthentication says a mode.",
			Why: "Without a mode it inherits that of the namespace or the mesh, which is PERMISSIVE unless somebody changed it: " +
				"the object looks like protection and changes nothing.",
			How:   "Set spec.mtls.mode: STRICT.",
			Refs:  []string{"istio: PeerAuthentication (MutualTLS.Mode, UNSET)"},
			Kinds: []rule.Kind{rule.PeerAuthentication},
		},
		Check: func(c *rule.Context) {
			for _, peer := range c.Objects(rule.PeerAuthentication) {
				mode := peer.Field("spec", "mtls", "mode")
				if cmp.Or(mode.Text(), "UNSET") == "UNSET" && peer.Field("spec", "portLevelMtls").Len() == 0 {
					c.Report(peer.Field("spec", "mtls"), "it inherits the mode, PERMISSIVE unless the mesh says another")
				}
			}
		},
	}
}

func policiesDisagree() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0416", Name: "policies-disagree", Level: finding.Warning,
			Summary: "The network and the mesh let the same namespaces in to a model.",
			Why: "A request passes the NetworkPolicy on its way to the pod and the AuthorizationPolicy in the pod's sidecar. A namespace that only one of them names gets a timeout, or 403: " +
				"a caller was added to one, or its name is wrong in the other.",
			How:   "Name the namespace in both, or in neither.",
			Refs:  []string{"istio: docs/ops/best-practices/security (defense in depth with NetworkPolicy)"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.AuthorizationPolicy, rule.NetworkPolicy),
		},
		Check: func(c *rule.Context) {
			for _, workload := range c.Workloads() {
				if !workload.Serves || !workload.Known() {
					continue
				}
				network, isolated := networkOf(c, workload)
				admitted := admittedTo(c, workload)
				if !isolated || admitted == nil {
					continue
				}
				for _, entry := range network {
					if entry.name != "*" && !slices.ContainsFunc(admitted, func(pattern string) bool { return rule.Like(pattern, entry.name) }) {
						c.Report(entry.at, "the network lets %s in, and no AuthorizationPolicy of %s does", entry.name, workload.Object)
					}
				}
				reportShutOut(c, workload, network)
			}
		},
	}
}

// reportShutOut reports namespaces that policies of the mesh admit and those of the network don't.
func reportShutOut(c *rule.Context, workload *rule.Workload, network []peer) {
	open := func(namespace string) bool {
		return slices.ContainsFunc(network, func(p peer) bool { return p.name == "*" || p.name == namespace })
	}
	for _, policy := range c.Objects(rule.AuthorizationPolicy) {
		if !admits(policy, workload) {
			continue
		}
		for source := range sources(policy) {
			for _, namespace := range namespacesOf(source) {
				if !strings.Contains(namespace, "*") && !open(namespace) {
					c.Report(source, "the policies let %s in, and no NetworkPolicy of %s does", namespace, workload.Object)
				}
			}
		}
	}
}

// admits says whether a policy lets callers in to a workload.
func admits(policy *rule.Object, workload *rule.Workload) bool {
	return policy.Namespace == workload.Namespace && rule.Allows(policy) && rule.Selects(policy.Field("spec", "selector", "matchLabels").Map(), workload.Labels)
}

// peer is a namespace that a NetworkPolicy lets in, "*" where it can't be told.
type peer struct {
	name string
	at   rule.Value
}

// networkOf returns what NetworkPolicies let in to the port that a predictor serves; false where none isolates it.
func networkOf(c *rule.Context, workload *rule.Workload) (peers []peer, isolated bool) {
	ports := workload.Main().Ports()
	if len(ports) == 0 {
		return nil, false
	}
	serving := []string{ports[0].Field("containerPort").Scalar(), ports[0].Field("name").Text()}
	for _, policy := range c.Objects(rule.NetworkPolicy) {
		types := policy.Field("spec", "policyTypes").Strings()
		if policy.Namespace != workload.Namespace || !rule.Matches(policy.Field("spec", "podSelector"), workload.Labels) ||
			len(types) > 0 && !slices.Contains(types, "Ingress") {
			continue
		}
		isolated = true
		for entry := range policy.Field("spec", "ingress").Items() {
			if rule.Opens(entry, "TCP", serving...) && !toItself(entry.Field("from"), policy.Field("spec", "podSelector"), workload) {
				peers = append(peers, peersOf(entry.Field("from"), workload.Namespace)...)
			}
		}
	}
	return peers, isolated
}

// toItself says whether a rule lets only pods of the workload in, or others that the policy is for: the nodes of one replica, which
// do not call its API.
func toItself(from, selected rule.Value, workload *rule.Workload) bool {
	if !workload.IsGroup() {
		return false
	}
	for entry := range from.Items() {
		selector := entry.Field("podSelector")
		labels := selector.Field("matchLabels")
		if entry.Field("namespaceSelector").Found() || entry.Field("ipBlock").Found() || labels.Len() == 0 {
			return false
		}
		among := selected.Field("matchLabels").Len() > 0 && rule.Matches(selected, labels.Map())
		if !among && !rule.Matches(selector, workload.Labels) {
			return false
		}
	}
	return from.Len() > 0
}

func peersOf(from rule.Value, own string) []peer {
	if from.Len() == 0 {
		return []peer{{"*", from}}
	}
	var peers []peer
	for entry := range from.Items() {
		selector := entry.Field("namespaceSelector")
		name := selector.Field("matchLabels", namespaceLabel)
		switch {
		case !selector.Found() && entry.Field("podSelector").Found():
			peers = append(peers, peer{own, entry})
		case name.Text() != "":
			peers = append(peers, peer{name.Text(), name})
		default:
			peers = append(peers, peer{"*", entry})
		}
	}
	return peers
}

func denialUndone() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0417", Name: "denial-undone", Level: finding.Warning,
			Summary: "Beside a policy that denies everything, rules say whom they let in.",
			Why: "An ALLOW policy without rules denies what no other policy allows. A rule without from and when, for the API of the model, allows it to everyone again, " +
				"to callers outside of the mesh too where mutual TLS isn't required.",
			How:   "Add from with the namespaces or principals that may call, or limit the rule to paths that are public.",
			Refs:  []string{"istio: docs/concepts/security (allow-nothing policy)"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.AuthorizationPolicy),
		},
		Check: func(c *rule.Context) {
			for _, denial := range c.Objects(rule.AuthorizationPolicy) {
				if !rule.Allows(denial) || denial.Field("spec", "rules").Len() > 0 {
					continue
				}
				for _, policy := range c.Objects(rule.AuthorizationPolicy) {
					if policy.Namespace == denial.Namespace && rule.Allows(policy) && overlap(policy, denial) && len(selectedBy(c, policy)) > 0 {
						reportOpen(c, policy, denial)
					}
				}
			}
		},
	}
}

func reportOpen(c *rule.Context, policy, denial *rule.Object) {
	for entry := range policy.Field("spec", "rules").Items() {
		if matchesAll(entry.Field("from"), "source") && entry.Field("when").Len() == 0 && servesModel(entry.Field("to")) {
			c.Report(entry, "everyone may call what %s denies", denial)
		}
	}
}

// servesModel says whether operations include those of vLLM's API, rather than only health and metrics.
func servesModel(to rule.Value) bool {
	for entry := range to.Items() {
		paths := entry.Field("operation", "paths").Strings()
		if len(paths) == 0 && entry.Field("operation").Len() > 0 || slices.ContainsFunc(paths, func(path string) bool { return strings.HasPrefix(path, "/v1/") || path == "/*" }) {
			return true
		}
	}
	return false
}
