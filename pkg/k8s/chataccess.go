package k8s

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// ChatServiceAccount is the identity of the page's pods.
func ChatServiceAccount(t spec.Target) manifest.Object {
	return manifest.Object{File: "serviceaccount-chat", Typed: &corev1.ServiceAccount{
		TypeMeta: typeMeta("v1", "ServiceAccount"), ObjectMeta: chatMeta(t), AutomountServiceAccountToken: ptr.To(false),
	}, Comments: manifest.Comments{
		Head: "The identity of the page's pods: in mTLS, by which the model lets them in (authorizationpolicy-callers), and at the\nAPI server. The pods alone ask for its token.",
	}}
}

// ChatAccess lets the page read the shares of the model's revisions, and nothing else.
func ChatAccess(t spec.Target) []manifest.Object {
	group, resource := "networking.istio.io", "virtualservices"
	if t.RouteKind() == "HTTPRoute" {
		group, resource = "gateway.networking.k8s.io", "httproutes"
	}
	const api = "rbac.authorization.k8s.io/v1"
	return []manifest.Object{
		{File: "role-chat", Typed: &rbacv1.Role{
			TypeMeta: typeMeta(api, "Role"), ObjectMeta: chatMeta(t),
			Rules: []rbacv1.PolicyRule{{APIGroups: []string{group}, Resources: []string{resource}, ResourceNames: t.RouteNames(), Verbs: []string{"get"}}},
		}, Comments: manifest.Comments{Head: "What the page reads at the API server: the shares of the revisions, which it shows. Nothing else."}},
		{File: "rolebinding-chat", Typed: &rbacv1.RoleBinding{
			TypeMeta: typeMeta(api, "RoleBinding"), ObjectMeta: chatMeta(t),
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: t.ChatName()},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: t.ChatName(), Namespace: t.Namespace}},
		}},
	}
}

// ChatPolicy denies what the page's pods do not need, both ways.
func ChatPolicy(t spec.Target) manifest.Object {
	gateway, _, _ := strings.Cut(t.Expose.Gateway, "/")
	outside := spec.APIServerPorts()
	what := "The API server, whose address no selector has, by the ports that they listen on."
	if oidc := t.Chat.SignIn.OIDC; oidc != nil {
		what = "The issuer, and the API server, whose address no selector has, by the ports that they listen on."
		if port := int32(oidc.Port()); !slices.Contains(outside, port) {
			outside = append(outside, port)
			what += " Of an issuer in the\ncluster the port of its pods counts; where that is another one than its Service's, add it in custom/."
		}
	}
	return manifest.Object{File: "networkpolicy-chat", Typed: &networkingv1.NetworkPolicy{
		TypeMeta: typeMeta("networking.k8s.io/v1", "NetworkPolicy"), ObjectMeta: chatMeta(t),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: t.ChatSelector()},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: peers([]string{gateway}), Ports: ports(corev1.ProtocolTCP, spec.ChatPort)}},
			Egress: []networkingv1.NetworkPolicyEgressRule{
				toNames(), toIstiod(),
				{To: labelled(t.Selector()), Ports: ports(corev1.ProtocolTCP, int32(t.Port()))},
				{Ports: ports(corev1.ProtocolTCP, outside...)},
			},
		},
	}, Comments: manifest.Comments{
		Head: "Denies everything but this, both ways. By namespace, pod and port; the AuthorizationPolicies say who.",
		At: map[string]string{
			"/spec/ingress/0": "The gateway.",
			"/spec/egress/0":  "Names.", "/spec/egress/1": "The sidecar's certificates and configuration.", "/spec/egress/2": "The model's pods.",
			"/spec/egress/3": what,
		},
	}}
}

// labelled are pods of the policy's namespace.
func labelled(labels map[string]string) []networkingv1.NetworkPolicyPeer {
	return []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: labels}}}
}
