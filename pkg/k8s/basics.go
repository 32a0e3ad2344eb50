package k8s

import (
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

func typeMeta(gv, kind string) metav1.TypeMeta { return metav1.TypeMeta{APIVersion: gv, Kind: kind} }

func meta(t spec.Target, name, component string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: t.Namespace, Labels: t.Labels(component)}
}

// ServiceAccount is the identity of the model's pods: that of their mTLS certificate, and what KServe's
// storage-initializer reads the weights with.
func ServiceAccount(t spec.Target) manifest.Object {
	account := &corev1.ServiceAccount{
		TypeMeta: typeMeta("v1", "ServiceAccount"), ObjectMeta: meta(t, t.Name, spec.ComponentSecurity),
		AutomountServiceAccountToken: ptr.To(false),
	}
	comments := manifest.Comments{Head: "The identity of the model's pods, in mTLS and toward the store of the weights.", At: map[string]string{}}
	if eks := t.Platform.EKS; eks != nil && eks.RoleARN != "" {
		account.Annotations = map[string]string{"eks.amazonaws.com/role-arn": eks.RoleARN}
		// No s3-endpoint here: KServe makes AWS_ENDPOINT_URL of it, which redirects STS as well (kserve#3482).
		if eks.Region != "" {
			account.Annotations["serving.kserve.io/s3-region"] = eks.Region
		}
	}
	for _, secret := range secrets(t) {
		account.Secrets = append(account.Secrets, corev1.ObjectReference{Name: secret})
		comments.At["/secrets"] = "KServe gives it to the storage-initializer. It must exist before the pods do: a missing one\nfails their admission."
	}
	return manifest.Object{File: "serviceaccount", Typed: account, Comments: comments}
}

// secrets that the storage-initializer needs; a download and a server that streams have their own.
func secrets(t spec.Target) []string {
	var names []string
	seen := map[string]bool{"": true}
	for _, r := range t.Revisions {
		if r.Model.Download != nil || r.Model.Streamed {
			continue
		}
		if !seen[r.Model.Secret] {
			names = append(names, r.Model.Secret)
		}
		seen[r.Model.Secret] = true
	}
	return names
}

// Service is the stable name for callers inside the mesh. Their sidecar sends requests by the VirtualService
// whose host it is, or the HTTPRoute whose parent; a caller without a sidecar reaches all revisions alike.
func Service(t spec.Target) manifest.Object {
	service := &corev1.Service{
		TypeMeta: typeMeta("v1", "Service"), ObjectMeta: meta(t, t.Name, spec.ComponentRouting),
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceTypeClusterIP,
			Selector: t.Selector(),
			Ports:    []corev1.ServicePort{{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromString("http")}},
		},
	}
	return manifest.Object{File: "service", Typed: service, Comments: manifest.Comments{
		Head: "The name that callers inside the mesh use. Their sidecars follow the " + t.RouteKind() + "; a caller\nwithout a sidecar would bypass the weights, and is refused under STRICT.",
		At:   map[string]string{"/spec/ports/0/name": "Istio takes the protocol from the name (http, http2 or http-…; http1 is none of them)."},
	}}
}

// disruptionBudget lets one of the pods be evicted at a time. maxUnavailable never blocks a drain for good, as minAvailable with a
// single replica would.
func disruptionBudget(meta metav1.ObjectMeta, pods map[string]string) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		TypeMeta: typeMeta("policy/v1", "PodDisruptionBudget"), ObjectMeta: meta,
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable: ptr.To(intstr.FromInt32(1)), Selector: &metav1.LabelSelector{MatchLabels: pods},
			UnhealthyPodEvictionPolicy: ptr.To(policyv1.AlwaysAllow),
		},
	}
}

// PodDisruptionBudget lets one pod of a revision be evicted at a time.
func PodDisruptionBudget(t spec.Target, r spec.RevisionTarget) manifest.Object {
	name := t.Qualified(r.Name)
	meta := metav1.ObjectMeta{Name: name, Namespace: t.Namespace, Labels: t.RevisionLabels(spec.ComponentServer, r.Name)}
	budget := disruptionBudget(meta, t.RevisionSelector(r.Name))
	return manifest.Object{File: "poddisruptionbudget-" + r.Name, Typed: budget, Comments: manifest.Comments{
		Head: "A drain takes one pod of " + name + " at a time, and waits for its streams.",
		At:   map[string]string{"/spec/unhealthyPodEvictionPolicy": "A pod that never became ready must not keep a node from being drained."},
	}}
}
