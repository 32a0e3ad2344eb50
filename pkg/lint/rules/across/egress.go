package across

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// reportShut reports, of the policies for egress of a model's pods, the first by name if none opens the port.
func reportShut(c *rule.Context, opens opening, protocol string, ports []string, needs func(*rule.Workload) bool, what string) {
	open := map[*rule.Workload]bool{}
	closing := map[*rule.Workload]*rule.Object{}
	policiesFor(c, func(policy *rule.Object, workload *rule.Workload) {
		if !isolates(policy, "Egress") || !needs(workload) {
			return
		}
		open[workload] = open[workload] || opens(policy.Field("spec", "egress"), protocol, ports...)
		if first := closing[workload]; first == nil || policy.Name < first.Name {
			closing[workload] = policy
		}
	})
	for _, workload := range c.Workloads() {
		if policy := closing[workload]; policy != nil && !open[workload] {
			c.Report(policy.Field("spec", "egress"), "the pods of %s %s", workload.Object, what)
		}
	}
}

// opening says whether rules open one of the ports of a protocol.
type opening func(rules rule.Value, protocol string, ports ...string) bool

// leaves is opens for what lies outside of the policy's namespace, as DNS and istiod do: a rule for pods of that namespace alone
// doesn't lead there. A storage may be among them.
func leaves(rules rule.Value, protocol string, ports ...string) bool {
	return slices.ContainsFunc(slices.Collect(rules.Items()), func(entry rule.Value) bool {
		within := entry.Field("to").Len() > 0
		for peer := range entry.Field("to").Items() {
			within = within && peer.Field("podSelector").Found() && !peer.Field("namespaceSelector").Found()
		}
		return !within && rule.Opens(entry, protocol, ports...)
	})
}

func always(*rule.Workload) bool { return true }

func noDNSByTCP() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1019", Name: "name-resolution-without-tcp", Level: finding.Warning,
			Summary: "Pods whose egress is restricted may resolve names over TCP too.",
			Why: "An answer that doesn't fit into a UDP packet is cut off and asked for again over TCP: names with many addresses, as those of object storages, fail now and then, " +
				"and only those.",
			How:   "Add port 53 over TCP to the rule of egress for DNS.",
			Refs:  []string{"RFC 7766"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.NetworkPolicy),
		},
		Check: func(c *rule.Context) {
			reportShut(c, leaves, "TCP", []string{"53", "dns", "dns-tcp"}, always, "can't ask for names over TCP")
		},
	}
}

func noIstiod() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1016", Name: "istiod-out-of-reach", Level: finding.Error,
			Summary: "Pods with a sidecar whose egress is restricted may reach istiod.",
			Why: "The sidecar gets its certificate and its configuration from istiod on port 15012. A policy for egress that doesn't open it keeps the proxy from becoming ready, " +
				"and the pod with it.",
			How:   "Add a rule of egress for port 15012 to the namespace of istiod.",
			Refs:  []string{"istio: docs/ops/deployment/application-requirements (ports used by Istio)"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.NetworkPolicy),
		},
		Check: func(c *rule.Context) {
			injected := func(w *rule.Workload) bool { return w.Labels["sidecar.istio.io/inject"] == "true" }
			reportShut(c, leaves, "TCP", []string{"15012"}, injected, "can't reach istiod")
		},
	}
}

func noDownload() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1017", Name: "weights-out-of-reach", Level: finding.Warning,
			Summary: "Pods whose egress is restricted may download their weights.",
			Why: "The storage-initializer runs in the pod, so the pod's policies hold for it. hf://, s3://, gs:// and https:// are read over port 443, " +
				"unless the storage has an address of its own.",
			How:   "Add a rule of egress for port 443.",
			Refs:  []string{"kubernetes: docs/concepts/services-networking/network-policies"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.NetworkPolicy, rule.ServiceAccount, rule.Secret),
		},
		Check: func(c *rule.Context) {
			if !ownEndpoint(c) {
				reportShut(c, opens, "TCP", []string{"443", "https"}, downloads, "can't download their weights over HTTPS")
			}
		},
	}
}

// ownEndpoint says whether something in the set names the address of an object storage.
func ownEndpoint(c *rule.Context) bool {
	for _, kind := range []rule.Kind{rule.ServiceAccount, rule.Secret} {
		for _, object := range c.Objects(kind) {
			if object.Annotation("serving.kserve.io/s3-endpoint").Found() {
				return true
			}
		}
	}
	return false
}

// cacheAnnotation names the nodes that have a copy of the source already (kserve: pkg/constants, NodeGroupAnnotationKey).
const cacheAnnotation = "serving.kserve.io/nodegroup"

func downloads(workload *rule.Workload) bool {
	if workload.Annotation(cacheAnnotation).Found() {
		return false
	}
	for _, uri := range workload.StorageURIs() {
		scheme, _, _ := strings.Cut(uri.Text(), "://")
		if slices.Contains([]string{"hf", "s3", "gs", "https"}, scheme) {
			return true
		}
	}
	return false
}

func unknownPort() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1018", Name: "policy-names-no-port", Level: finding.Warning,
			Summary: "A port that a NetworkPolicy names for ingress is one of its pods.",
			Why:     "A name stands for the container port of that name in the selected pods. Where none has it the rule opens nothing, and nothing says so.",
			How:     "Use a name that the pods declare, or the number.",
			Refs:    []string{"kubernetes: networking/v1 NetworkPolicyPort.port"},
			Kinds:   rule.WorkloadKinds(rule.NetworkPolicy),
		},
		Check: func(c *rule.Context) {
			for _, policy := range c.Objects(rule.NetworkPolicy) {
				selector := policy.Field("spec", "podSelector")
				open, known := openPorts(c, policy.Namespace, func(labels map[string]string) bool { return rule.Matches(selector, labels) })
				for port := range policy.All("spec", "ingress", "*", "ports", "*", "port") {
					// The sidecar adds this one.
					if port.IsText() && known(port) && port.Text() != "http-envoy-prom" && !slices.Contains(open, port.Text()) {
						c.Report(port, "the pods that it selects declare no port %q", port.Text())
					}
				}
			}
		},
	}
}
