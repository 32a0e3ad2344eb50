package mesh

import (
	"iter"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func selectsNothing() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0403", Name: "policy-selects-nothing", Level: finding.Warning,
			Summary: "A policy of the mesh selects pods of the set.",
			Why: "An AuthorizationPolicy, PeerAuthentication, RequestAuthentication or Sidecar whose selector matches no pod is accepted and protects nothing. " +
				"KServe's pods carry the labels of the InferenceService and of spec.predictor.labels; kustomize's label transformers don't reach these selectors.",
			How:   "Correct matchLabels, or add the labels to spec.predictor.labels.",
			Refs:  []string{"istio: IST0127"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.AuthorizationPolicy, rule.PeerAuthentication, rule.RequestAuthentication, rule.Sidecar),
		},
		Check: func(c *rule.Context) {
			for _, kind := range []rule.Kind{rule.AuthorizationPolicy, rule.PeerAuthentication, rule.RequestAuthentication, rule.Sidecar} {
				for _, policy := range c.Objects(kind) {
					selector := policy.Field("spec", "selector", "matchLabels")
					if kind == rule.Sidecar {
						selector = policy.Field("spec", "workloadSelector", "labels")
					}
					workloads := c.InNamespace(policy.Namespace)
					matches := func(labels map[string]string) bool { return rule.Selects(selector.Map(), labels) }
					// Policies of Istio's root namespace are for all namespaces.
					if other := c.Elsewhere(policy.Namespace, matches); len(workloads) == 0 && selector.Len() > 0 && other != nil && policy.Namespace != "istio-system" {
						c.Report(selector, "the pods with these labels are in %s", rule.InNamespace(other.Namespace))
					}
					if selector.Len() == 0 || len(workloads) == 0 || slices.ContainsFunc(workloads, func(w *rule.Workload) bool {
						return !w.Known() || matches(w.Labels)
					}) {
						continue
					}
					c.Report(selector, "no pod of the set in %s has these labels", rule.InNamespace(policy.Namespace))
				}
			}
		},
	}
}

func letsEveryoneIn() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0404", Name: "policy-lets-everyone-in", Level: finding.Warning,
			Summary: "No ALLOW policy has an empty rule.",
			Why: "`rules: [{}]` matches every request, and one ALLOW policy that matches is enough, so all the other policies of these pods mean nothing. " +
				"The opposite, no rules at all, denies everything.",
			How:   "Say from whom, to what or when; leave rules out to deny everything.",
			Refs:  []string{"istio: docs/reference/config/security/authorization-policy"},
			Kinds: []rule.Kind{rule.AuthorizationPolicy},
		},
		Check: func(c *rule.Context) {
			for _, policy := range c.Objects(rule.AuthorizationPolicy) {
				if !rule.Allows(policy) {
					continue
				}
				for entry := range policy.Field("spec", "rules").Items() {
					if entry.IsMap() && matchesAll(entry.Field("from"), "source") && matchesAll(entry.Field("to"), "operation") && entry.Field("when").Len() == 0 {
						c.Report(entry, "this rule matches every request")
					}
				}
			}
		},
	}
}

// matchesAll says whether from or to restrict nothing: an entry that is empty takes all.
func matchesAll(list rule.Value, field string) bool {
	for entry := range list.Items() {
		if entry.Field(field).Len() == 0 {
			return true
		}
	}
	return list.Len() == 0
}

func denyByIdentity() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0406", Name: "denial-by-identity-without-mtls", Level: finding.Warning,
			Summary: "A DENY policy by identity stands beside STRICT mutual TLS.",
			Why: "Principals and namespaces come from the client's certificate. Without STRICT a caller sends plaintext, has neither, and the DENY rule " +
				"doesn't match it.",
			How:   "Add a PeerAuthentication with mode STRICT for these pods.",
			Refs:  []string{"istio: docs/concepts/security (authorization, dependency on mutual TLS)"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.AuthorizationPolicy, rule.PeerAuthentication),
		},
		Check: func(c *rule.Context) {
			for _, policy := range c.Objects(rule.AuthorizationPolicy) {
				if policy.Field("spec", "action").Text() != "DENY" {
					continue
				}
				if !slices.ContainsFunc(selectedBy(c, policy), func(w *rule.Workload) bool { return !strict(c, w) }) {
					continue
				}
				for source := range sources(policy) {
					for _, field := range identities() {
						if identity := source.Field(field); identity.Len() > 0 {
							c.Report(identity, "a caller that sends plaintext has no identity and isn't denied")
						}
					}
				}
			}
		},
	}
}

func exclusionByIdentity() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0418", Name: "exclusion-by-identity-without-mtls", Level: finding.Warning,
			Summary: "An ALLOW policy that lets in all but some callers stands beside STRICT mutual TLS.",
			Why: "notPrincipals, notNamespaces and notServiceAccounts are a negation of what the client's certificate says. Without STRICT a caller sends plaintext, has no certificate, " +
				"and is none of those that are named: the rule lets it in, whoever it is.",
			How:   "Name who may come (principals, namespaces), or add a PeerAuthentication with mode STRICT for these pods.",
			Refs:  []string{"istio: ISTIO-SECURITY-2021-004", "istio: pilot/pkg/security/authz/model/model.go (generatePrincipal)"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.AuthorizationPolicy, rule.PeerAuthentication),
		},
		Check: func(c *rule.Context) {
			for _, policy := range c.Objects(rule.AuthorizationPolicy) {
				if !rule.Allows(policy) || !slices.ContainsFunc(selectedBy(c, policy), func(w *rule.Workload) bool { return !strict(c, w) }) {
					continue
				}
				for source := range sources(policy) {
					reportExclusion(c, source)
				}
			}
		},
	}
}

// reportExclusion passes over a source that also says who: what has no identity is not that.
func reportExclusion(c *rule.Context, source rule.Value) {
	for _, field := range identities() {
		if source.Field(field).Len() > 0 {
			return
		}
	}
	for _, field := range []string{"notPrincipals", "notNamespaces", "notServiceAccounts"} {
		if excluded := source.Field(field); excluded.Len() > 0 {
			c.Report(excluded, "a caller that sends plaintext has no identity and is let in")
		}
	}
}

// identities are the fields of a source that come from the client's certificate.
func identities() []string { return []string{"principals", "namespaces", "serviceAccounts"} }

// sources are those of all rules of a policy.
func sources(policy *rule.Object) iter.Seq[rule.Value] {
	return policy.All("spec", "rules", "*", "from", "*", "source")
}

func servicePortInPolicy() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0408", Name: "policy-on-service-port", Level: finding.Error,
			Summary: "The ports of an AuthorizationPolicy are container ports.",
			Why: "The server's sidecar enforces the policy and sees the container's port. The Service's port 80 never matches there: an ALLOW rule lets nobody in, " +
				"a DENY rule stops nobody.",
			How:   "Write the container's port, 8080 for most runtimes.",
			Refs:  []string{"istio: docs/reference/config/security/authorization-policy (Operation.ports)"},
			Kinds: rule.WorkloadKinds(rule.AuthorizationPolicy),
		},
		Check: func(c *rule.Context) {
			for _, policy := range c.Objects(rule.AuthorizationPolicy) {
				open, known := containerPorts(selectedBy(c, policy))
				if !known {
					continue
				}
				for port := range policy.All("spec", "rules", "*", "to", "*", "operation", "ports", "*") {
					if port.IsText() && !slices.Contains(open, port.Text()) {
						c.Report(port, "the pods listen on %s, not on %s", strings.Join(open, ", "), port.Text())
					}
				}
			}
		},
	}
}

// containerPorts are those that pods declare; not known where one declares none or has a runtime elsewhere.
func containerPorts(workloads []*rule.Workload) ([]string, bool) {
	// The sidecar's own ports serve merged metrics and health.
	ports := []string{"15020", "15021", "15090"}
	for _, workload := range workloads {
		declared := 0
		for _, container := range workload.Containers {
			for _, port := range container.Ports() {
				if port.Field("containerPort").Found() {
					declared++
					ports = append([]string{port.Field("containerPort").Scalar()}, ports...)
				}
			}
		}
		// A server may listen on a port that nobody declares; of a predictor's it is known.
		if !workload.Known() || declared == 0 && !workload.Silent() || !workload.PortsKnown() {
			return nil, false
		}
	}
	return slices.Compact(ports), len(workloads) > 0
}
