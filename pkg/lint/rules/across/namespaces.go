package across

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func misspeltNamespace() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1020", Name: "namespace-misspelt", Level: finding.Warning,
			Summary: "A namespace that everybody knows is spelt as everybody spells it.",
			Why: "Nothing checks that a namespace exists which a gateway's name, a policy of the network or the mesh, or a Sidecar mentions: the rule is accepted and matches nothing. " +
				"This name is one letter away from the one that Istio, Kubernetes or the monitoring is installed in as a rule, and the set has nothing in it.",
			How: "Correct the name; where the namespace is really called so, suppress this with that reason.",
			Refs: []string{
				"istio: docs/setup/install/helm (istio-system, istio-ingress)", "kubernetes: docs/concepts/overview/working-with-objects/namespaces (initial namespaces)",
				"prometheus-operator/kube-prometheus: manifests (monitoring)",
			},
			Whole: true,
			Kinds: rule.RouteKinds(rule.AuthorizationPolicy, rule.NetworkPolicy, rule.Sidecar),
		},
		Check: func(c *rule.Context) {
			mentions(c, func(at rule.Value, namespace string) {
				if meant := nearWellKnown(namespace); meant != "" && !exists(c, namespace) {
					c.Report(at, "namespace %q is one letter away from %q", namespace, meant)
				}
			})
		},
	}
}

// wellKnown are namespaces that installation guides name, long enough that nothing else is near by chance.
func wellKnown() []string {
	return []string{
		"istio-system", "istio-ingress", "istio-egress", "kube-system", "kube-public", "monitoring", "knative-serving",
		"cert-manager", "flux-system", "envoy-gateway-system",
	}
}

// mentions calls f with each namespace that one object names of others.
func mentions(c *rule.Context, f func(at rule.Value, namespace string)) {
	for _, router := range c.Routers() {
		for _, entry := range rule.Entries(router) {
			if namespace, _, found := strings.Cut(entry.Gateway, "/"); found {
				f(entry.At, namespace)
			}
		}
	}
	mentionsOfPeers(c, f)
	for _, sidecar := range c.Objects(rule.Sidecar) {
		for host := range sidecar.All("spec", "egress", "*", "hosts", "*") {
			namespace, _, _ := strings.Cut(host.Text(), "/")
			f(host, namespace)
		}
	}
}

// mentionsOfPeers are those of the policies that say who may talk to whom.
func mentionsOfPeers(c *rule.Context, f func(at rule.Value, namespace string)) {
	for _, policy := range c.Objects(rule.AuthorizationPolicy) {
		for source := range policy.All("spec", "rules", "*", "from", "*", "source") {
			for namespace := range source.Field("namespaces").Items() {
				f(namespace, namespace.Text())
			}
			for principal := range source.Field("principals").Items() {
				_, rest, _ := strings.Cut(principal.Text(), "/ns/")
				namespace, _, _ := strings.Cut(rest, "/")
				f(principal, namespace)
			}
		}
	}
	for _, policy := range c.Objects(rule.NetworkPolicy) {
		for _, way := range [][]string{{"ingress", "from"}, {"egress", "to"}} {
			for peer := range policy.All("spec", way[0], "*", way[1], "*", "namespaceSelector", "matchLabels") {
				name := peer.Field("kubernetes.io/metadata.name")
				f(name, name.Text())
			}
		}
	}
}

// exists says whether the set makes a namespace or has objects in it.
func exists(c *rule.Context, namespace string) bool {
	return slices.ContainsFunc(c.All(), func(object *rule.Object) bool {
		return object.Namespace == namespace || object.Kind == rule.Namespace && object.Name == namespace
	})
}

func nearWellKnown(namespace string) string {
	for _, name := range wellKnown() {
		if name != namespace && !slices.Contains(wellKnown(), namespace) && rule.OneEdit(namespace, name) {
			return name
		}
	}
	return ""
}
