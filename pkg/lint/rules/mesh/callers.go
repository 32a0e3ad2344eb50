package mesh

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func gatewayNotAdmitted() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0407", Name: "gateway-not-admitted", Level: finding.Error,
			Summary: "The policies of a model admit the gateway that its VirtualService or HTTPRoute uses.",
			Why: "To the server's sidecar the caller is the gateway, not the client behind it. Where ALLOW policies select the pods and none of them admits the gateway's namespace, " +
				"every request from outside gets 403 `RBAC: access denied`.",
			How:   "Admit the namespace or the principal of the gateway's pods.",
			Refs:  []string{"kserve#1558", "kserve#4624"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.RouteKinds(rule.Service, rule.ServiceEntry, rule.AuthorizationPolicy)...),
		},
		Check: func(c *rule.Context) {
			for _, router := range c.Routers() {
				for _, entry := range rule.Entries(router) {
					namespace, _, found := strings.Cut(entry.Gateway, "/")
					if !found {
						continue
					}
					for _, workload := range behind(c, router) {
						if admitted := admittedTo(c, workload); admitted != nil && !admitsGateway(admitted, namespace) {
							c.Report(entry.At, "no ALLOW policy of %s admits namespace %s", workload.Object, namespace)
							break
						}
					}
				}
			}
		},
	}
}

// behind returns the pods that a VirtualService or an HTTPRoute sends to.
func behind(c *rule.Context, router *rule.Object) []*rule.Workload {
	var all []*rule.Workload
	for _, route := range rule.RoutesOf(router) {
		for _, destination := range route.Destinations() {
			if service, _ := c.ServiceAt(destination); service != nil {
				all = append(all, c.PodsOf(service)...)
			}
		}
	}
	return all
}

// admittedTo returns the namespaces whose pods may call a workload, "*" for all; nil where no policy selects it.
func admittedTo(c *rule.Context, workload *rule.Workload) []string {
	var namespaces []string
	for _, policy := range c.Objects(rule.AuthorizationPolicy) {
		if !admits(policy, workload) {
			continue
		}
		if namespaces == nil {
			namespaces = []string{}
		}
		for entry := range policy.Field("spec", "rules").Items() {
			if matchesAll(entry.Field("from"), "source") {
				namespaces = append(namespaces, "*")
			}
		}
		for source := range sources(policy) {
			namespaces = append(namespaces, namespacesOf(source)...)
		}
	}
	return namespaces
}

func namespacesOf(source rule.Value) []string {
	namespaces := source.Field("namespaces").Strings()
	for _, principal := range source.Field("principals").Strings() {
		_, rest, found := strings.Cut(principal, "/ns/")
		namespace, _, _ := strings.Cut(rest, "/")
		if !found {
			namespace = "*"
		}
		namespaces = append(namespaces, namespace)
	}
	for _, account := range source.Field("serviceAccounts").Strings() {
		namespace, _, _ := strings.Cut(account, "/")
		namespaces = append(namespaces, namespace)
	}
	if len(namespaces) == 0 {
		// By address or by the negation of something: not to be judged here.
		return []string{"*"}
	}
	return namespaces
}

// admitsGateway is lenient: a Gateway may stand in another namespace than the pods that it configures.
func admitsGateway(admitted []string, namespace string) bool {
	return slices.ContainsFunc(admitted, func(n string) bool {
		return strings.Contains(n, "*") || n == namespace || strings.Contains(n, "istio") || strings.Contains(n, "gateway") || strings.Contains(n, "ingress")
	})
}

func callerWithoutSidecar() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0414", Name: "caller-without-sidecar", Level: finding.Error,
			Summary: "A caller that a policy admits by its identity is in the mesh.",
			Why: "The identity is that of the certificate that the caller's sidecar presents. A pod without a sidecar has none: " +
				"STRICT resets its connections, and an ALLOW rule on its ServiceAccount never matches.",
			How:   `Label the caller's pods sidecar.istio.io/inject: "true".`,
			Refs:  []string{"istio: docs/concepts/security (Istio identity)"},
			Kinds: rule.WorkloadKinds(rule.AuthorizationPolicy, rule.Namespace),
		},
		Check: func(c *rule.Context) {
			for _, policy := range c.Objects(rule.AuthorizationPolicy) {
				for principal := range policy.All("spec", "rules", "*", "from", "*", "source", "principals", "*") {
					for _, workload := range c.Workloads() {
						if injected, known := injection(c, workload); is(workload, principal.Text()) && known && !injected {
							c.Report(principal, "the pods of %s have no sidecar, so they don't have this identity", workload.Object)
						}
					}
				}
			}
		},
	}
}

// is says whether pods run as the ServiceAccount of a principal, trust domain/ns/NAMESPACE/sa/NAME.
func is(workload *rule.Workload, principal string) bool {
	account := workload.Pod.Field("serviceAccountName").Text()
	return account != "" && workload.Namespace != "" && strings.HasSuffix(principal, "/ns/"+workload.Namespace+"/sa/"+account)
}

func plaintextScrape() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0411", Name: "scrape-refused-by-mtls", Level: finding.Warning,
			Summary: "Prometheus scrapes a port that answers without mutual TLS.",
			Why: "Prometheus has no sidecar as a rule, and STRICT resets its plaintext connection to the model's port: the targets are down. " +
				"The sidecar serves the application's metrics merged with its own on port 15020, outside of mutual TLS.",
			How:   "Relabel __address__ to port 15020 with path /stats/prometheus and annotate the pods for merging, or give the endpoint the mesh's certificates.",
			Refs:  []string{"istio: docs/ops/integrations/prometheus"},
			Kinds: rule.WorkloadKinds(rule.PodMonitor, rule.PeerAuthentication, rule.Namespace),
		},
		Check: func(c *rule.Context) {
			for _, monitor := range c.Objects(rule.PodMonitor) {
				for endpoint := range monitor.Field("spec", "podMetricsEndpoints").Items() {
					if readdressed(endpoint) || endpoint.Field("scheme").Text() == "https" {
						continue
					}
					for _, workload := range c.InNamespace(monitor.Namespace) {
						injected, known := injection(c, workload)
						if known && injected && strict(c, workload) && rule.Matches(monitor.Field("spec", "selector"), workload.Labels) {
							c.Report(endpoint, "the pods of %s reset plaintext connections to this port", workload.Object)
							break
						}
					}
				}
			}
		},
	}
}

func readdressed(endpoint rule.Value) bool {
	for relabeling := range endpoint.Field("relabelings").Items() {
		if relabeling.Field("targetLabel").Text() == "__address__" {
			return true
		}
	}
	port := endpoint.Field("port").Text()
	return port == "http-envoy-prom" || strings.Contains(endpoint.Field("targetPort").Scalar(), "15020")
}
