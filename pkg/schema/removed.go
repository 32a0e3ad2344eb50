package schema

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// successor is what a kind became.
type successor struct {
	group, kind string
	// since is the release without it.
	since, use string
}

// successors lists kinds whose group no longer has them, or is gone with them: the Deprecated API Migration Guide of
// Kubernetes, and KServe's first name (its hack/kserve_migration). Versions that a group has dropped are known by those it has.
func successors() []successor {
	return []successor{
		{"extensions", "Deployment", "Kubernetes 1.16", "apps/v1, whose spec.selector is required"},
		{"extensions", "DaemonSet", "Kubernetes 1.16", "apps/v1, whose spec.selector is required"},
		{"extensions", "ReplicaSet", "Kubernetes 1.16", "apps/v1, whose spec.selector is required"},
		{"extensions", "NetworkPolicy", "Kubernetes 1.16", "networking.k8s.io/v1"},
		{"extensions", "Ingress", "Kubernetes 1.22", "networking.k8s.io/v1, whose backends have other fields"},
		{"extensions", "PodSecurityPolicy", "Kubernetes 1.16", "labels of Pod Security admission on the Namespace"},
		{"policy", "PodSecurityPolicy", "Kubernetes 1.25", "labels of Pod Security admission on the Namespace"},
		{"serving.kubeflow.org", "InferenceService", "KServe 0.7", "serving.kserve.io/v1beta1"},
	}
}

// removed is nil for kinds that never were, as far as is known.
func removed(gvk schema.GroupVersionKind) error {
	for _, s := range successors() {
		if s.group == gvk.Group && s.kind == gvk.Kind {
			return &unknownError{"apiVersion", fmt.Sprintf("%s %s is gone since %s; use %s", gvk.GroupVersion(), gvk.Kind, s.since, s.use)}
		}
	}
	return nil
}
