package incluster

import (
	"fmt"
	"slices"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/rollout/routes"
	"github.com/kservegen/kservegen/pkg/spec"
)

func (o Options) account() manifest.Object {
	return manifest.Object{File: "serviceaccount", Typed: &corev1.ServiceAccount{
		TypeMeta: typeMeta("v1", "ServiceAccount"), ObjectMeta: o.meta(o.name()), AutomountServiceAccountToken: ptr.To(false),
	}, Comments: manifest.Comments{Head: "The identity of the canary's runner. Its pod alone asks for the token."}}
}

// role is what a runner needs, but for making its Lease, which is among the objects: no rule can limit to a name what has none yet.
func (o Options) role() manifest.Object {
	var rules []rbacv1.PolicyRule
	at := map[string]string{}
	for _, rule := range routes.Rules(o.Target) {
		if slices.Contains(rule.Verbs, "create") {
			continue
		}
		if comment := o.ruleComment(rule); comment != "" {
			at[fmt.Sprintf("/rules/%d", len(rules))] = comment
		}
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{rule.Group}, Resources: []string{rule.Resource}, ResourceNames: rule.Names, Verbs: rule.Verbs})
	}
	return manifest.Object{File: "role", Typed: &rbacv1.Role{
		TypeMeta: typeMeta("rbac.authorization.k8s.io/v1", "Role"), ObjectMeta: o.meta(o.name()), Rules: rules,
	}, Comments: manifest.Comments{
		Head: "What the runner does, and nothing else: it moves the weights of this model, and reads how its revisions do.\nLists are by label, which no rule can limit to names. Kinds that the cluster does not have do no harm.", At: at,
	}}
}

func (o Options) ruleComment(rule routes.Rule) string {
	switch rule.Resource {
	case "leases":
		return "The Lease is below, so that no right to make others is needed."
	case "pods":
		return "Why a revision does not answer."
	}
	if slices.Contains(rule.Verbs, "patch") {
		return "The weights."
	}
	return ""
}

func (o Options) binding() manifest.Object {
	return manifest.Object{File: "rolebinding", Typed: &rbacv1.RoleBinding{
		TypeMeta: typeMeta("rbac.authorization.k8s.io/v1", "RoleBinding"), ObjectMeta: o.meta(o.name()),
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: o.name()},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: o.name(), Namespace: o.Target.Namespace}},
	}}
}

func (o Options) lease() manifest.Object {
	return manifest.Object{File: "lease", Typed: &coordinationv1.Lease{
		TypeMeta: typeMeta("coordination.k8s.io/v1", "Lease"), ObjectMeta: o.meta(routes.LeaseName(o.Target)),
	}, Comments: manifest.Comments{Head: "One runner at a time. Whoever holds it is written here by the runner; nothing of that is in Git."}}
}

// policy denies everything but this, both ways, as the tree's own does for the model's pods.
func (o Options) policy() manifest.Object {
	egress := []networkingv1.NetworkPolicyEgressRule{
		{Ports: append(ports(corev1.ProtocolUDP, 53), ports(corev1.ProtocolTCP, 53)...)},
		{Ports: ports(corev1.ProtocolTCP, spec.APIServerPorts()...)},
	}
	at := map[string]string{
		"/spec/egress/0": "Names.",
		"/spec/egress/1": "The API server, whose address no selector has, by the ports that they listen on; and webhooks by HTTPS.",
	}
	open := spec.APIServerPorts()
	for _, to := range []struct{ url, what string }{{o.Prometheus, "Prometheus"}, {o.Webhook, "The webhook"}} {
		port, err := portOf(to.url)
		if err != nil || slices.Contains(open, int32(port)) {
			continue
		}
		at[fmt.Sprintf("/spec/egress/%d", len(egress))] = to.what + ". What counts is the port of the pods behind its Service: if that is another one, change it."
		open = append(open, int32(port))
		egress = append(egress, networkingv1.NetworkPolicyEgressRule{Ports: ports(corev1.ProtocolTCP, int32(port))})
	}
	if o.Mesh {
		egress = append(egress, networkingv1.NetworkPolicyEgressRule{Ports: ports(corev1.ProtocolTCP, 15012)})
	}
	labels := o.podLabels()
	delete(labels, "sidecar.istio.io/inject")
	return manifest.Object{File: "networkpolicy", Typed: &networkingv1.NetworkPolicy{
		TypeMeta: typeMeta("networking.k8s.io/v1", "NetworkPolicy"), ObjectMeta: o.meta(o.name()),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: labels}, Egress: egress,
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
		},
	}, Comments: manifest.Comments{Head: "Nobody calls the runner, and it calls nobody but these.", At: at}}
}

func ports(protocol corev1.Protocol, numbers ...int32) []networkingv1.NetworkPolicyPort {
	var list []networkingv1.NetworkPolicyPort
	for _, number := range numbers {
		list = append(list, networkingv1.NetworkPolicyPort{Protocol: ptr.To(protocol), Port: ptr.To(intstr.FromInt32(number))})
	}
	return list
}
