package k8s

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// Namespace that models live in. Pods that break the restricted profile are warned about, not refused: Istio's
// init container needs NET_ADMIN where the mesh runs without istio-cni, and KServe gives its storage-initializer
// no securityContext (pkg/utils/storage.go).
func Namespace(name string, labels map[string]string) manifest.Object {
	namespace := &corev1.Namespace{
		TypeMeta:   typeMeta("v1", "Namespace"),
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: maps.Clone(labels)},
	}
	namespace.Labels["pod-security.kubernetes.io/warn"] = "restricted"
	namespace.Labels["pod-security.kubernetes.io/audit"] = "restricted"
	return manifest.Object{File: "namespace-" + name, Typed: namespace, Comments: manifest.Comments{
		At: map[string]string{"/metadata/labels/pod-security.kubernetes.io~1warn": "It can be enforce with istio-cni (istio-init needs NET_ADMIN) and a ClusterStorageContainer that gives the\nstorage-initializer a restricted securityContext (KServe's own has none)."},
	}}
}
