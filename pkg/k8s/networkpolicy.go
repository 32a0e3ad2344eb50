package k8s

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	istiodPort  = 15012
	istioSystem = "istio-system"
)

// NetworkPolicy denies what the model's pods do not need, both ways. It is coarse, by namespace and port; the
// AuthorizationPolicies decide who among those callers may do what. Traffic from the node itself, such as the
// kubelet's probes, always passes.
// https://kubernetes.io/docs/concepts/services-networking/network-policies/
func NetworkPolicy(t spec.Target) manifest.Object {
	policy := &networkingv1.NetworkPolicy{
		TypeMeta: typeMeta("networking.k8s.io/v1", "NetworkPolicy"), ObjectMeta: meta(t, t.Name, spec.ComponentSecurity),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: t.Selector()},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress:     ingress(t),
			Egress:      egress(t),
		},
	}
	outside := len(policy.Spec.Egress)
	at := map[string]string{
		"/spec/egress/0": "Names.",
		"/spec/egress/1": "The sidecar's certificates and configuration.",
	}
	if t.Chat != nil {
		at["/spec/ingress/1"] = "The chat's page, and no other pod of this namespace."
	}
	for i := range policy.Spec.Egress[2:outside] {
		at["/spec/egress/"+string(rune('2'+i))] = downloadComment(t, i)
	}
	for _, group := range groups(t) {
		at[fmt.Sprintf("/spec/ingress/%d", len(policy.Spec.Ingress))] = "The nodes of one replica, on any port: torch.distributed, NCCL, Gloo and message queues choose their own.\nThis traffic bypasses the sidecar. What goes by EFA or RDMA passes no NetworkPolicy at all."
		policy.Spec.Ingress = append(policy.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{From: group})
		policy.Spec.Egress = append(policy.Spec.Egress, networkingv1.NetworkPolicyEgressRule{To: group})
	}
	return manifest.Object{File: "networkpolicy", Typed: policy, Comments: manifest.Comments{
		Head: "Denies everything but this, both ways. By namespace and port; the AuthorizationPolicies say who.", At: at,
	}}
}

// groups are the pods that talk to each other: those of each revision whose replicas span several nodes.
func groups(t spec.Target) [][]networkingv1.NetworkPolicyPeer {
	var list [][]networkingv1.NetworkPolicyPeer
	for _, r := range t.Revisions {
		if r.MultiNode() {
			list = append(list, []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: t.RevisionSelector(r.Name)}}})
		}
	}
	return list
}

func downloadComment(t spec.Target, i int) string {
	switch {
	case i > 0:
		return "EKS Pod Identity."
	case slices.ContainsFunc(t.Revisions, func(r spec.RevisionTarget) bool { return r.Model.Streamed }):
		return "The server reads the weights by HTTPS."
	case serverFetches(t):
		return "The server fetches its vocabulary by HTTPS, unless a variable names a local copy (see runtimes/vllm-cuda)."
	}
	return "The storage-initializer fetches the weights by HTTPS; the server itself is offline (HF_HUB_OFFLINE)."
}

func ingress(t spec.Target) []networkingv1.NetworkPolicyIngressRule {
	rules := []networkingv1.NetworkPolicyIngressRule{}
	if callers := callerNamespaces(t); len(callers) > 0 {
		rules = append(rules, networkingv1.NetworkPolicyIngressRule{From: peers(callers), Ports: ports(corev1.ProtocolTCP, int32(t.Port()))})
	}
	if t.Chat != nil {
		rules = append(rules, networkingv1.NetworkPolicyIngressRule{From: labelled(t.ChatSelector()), Ports: ports(corev1.ProtocolTCP, int32(t.Port()))})
	}
	return append(rules, networkingv1.NetworkPolicyIngressRule{
		From: peers([]string{t.Monitoring.Namespace}), Ports: ports(corev1.ProtocolTCP, spec.MetricsPort),
	})
}

// callerNamespaces are those of the gateway and of the named callers.
func callerNamespaces(t spec.Target) []string {
	var namespaces []string
	add := func(qualified string) {
		namespace, _, _ := strings.Cut(qualified, "/")
		if !slices.Contains(namespaces, namespace) {
			namespaces = append(namespaces, namespace)
		}
	}
	if t.Expose != nil {
		add(t.Expose.Gateway)
	}
	for _, caller := range t.Security.Callers {
		add(caller.ServiceAccount)
	}
	return namespaces
}

// toNames lets pods ask for names, whoever answers.
func toNames() networkingv1.NetworkPolicyEgressRule {
	return networkingv1.NetworkPolicyEgressRule{Ports: append(ports(corev1.ProtocolUDP, 53), ports(corev1.ProtocolTCP, 53)...)}
}

// toIstiod is for the sidecar's certificates and configuration.
func toIstiod() networkingv1.NetworkPolicyEgressRule {
	return networkingv1.NetworkPolicyEgressRule{To: peers([]string{istioSystem}), Ports: ports(corev1.ProtocolTCP, istiodPort)}
}

func egress(t spec.Target) []networkingv1.NetworkPolicyEgressRule {
	rules := []networkingv1.NetworkPolicyEgressRule{toNames(), toIstiod()}
	if downloads(t) || serverFetches(t) {
		rules = append(rules, networkingv1.NetworkPolicyEgressRule{Ports: ports(corev1.ProtocolTCP, 443)})
	}
	if downloads(t) {
		rules = append(rules, podIdentity(t)...)
	}
	return rules
}

// podIdentity lets pods ask EKS Pod Identity for credentials.
func podIdentity(t spec.Target) []networkingv1.NetworkPolicyEgressRule {
	var agents []networkingv1.NetworkPolicyPeer
	for _, cidr := range t.PodIdentityAgents() {
		agents = append(agents, networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr}})
	}
	if len(agents) == 0 {
		return nil
	}
	return []networkingv1.NetworkPolicyEgressRule{{To: agents, Ports: ports(corev1.ProtocolTCP, 80)}}
}

// downloads reports whether a pod fetches weights over the network; a volume is mounted by the node, and an
// OCI image pulled by it.
func downloads(t spec.Target) bool {
	return slices.ContainsFunc(t.Revisions, func(r spec.RevisionTarget) bool {
		return r.Model.Downloads()
	})
}

func serverFetches(t spec.Target) bool {
	return slices.ContainsFunc(t.Revisions, func(r spec.RevisionTarget) bool { return r.Fetches })
}

func peers(namespaces []string) []networkingv1.NetworkPolicyPeer {
	var list []networkingv1.NetworkPolicyPeer
	for _, namespace := range namespaces {
		list = append(list, networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{
			MatchLabels: map[string]string{corev1.LabelMetadataName: namespace},
		}})
	}
	return list
}

func ports(protocol corev1.Protocol, numbers ...int32) []networkingv1.NetworkPolicyPort {
	var list []networkingv1.NetworkPolicyPort
	for _, number := range numbers {
		list = append(list, networkingv1.NetworkPolicyPort{Protocol: ptr.To(protocol), Port: ptr.To(intstr.FromInt32(number))})
	}
	return list
}
