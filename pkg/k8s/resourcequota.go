package k8s

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// ResourceQuota limits the accelerators that a namespace may use, by their resources' names. Pods without an accelerator
// aren't touched, unlike by a quota of CPU or memory, which would want them of every container.
// https://kubernetes.io/docs/concepts/policy/resource-quotas/#resource-quota-for-extended-resources
func ResourceQuota(namespace string, devices map[string]int, labels map[string]string) manifest.Object {
	quota := &corev1.ResourceQuota{
		TypeMeta:   typeMeta("v1", "ResourceQuota"),
		ObjectMeta: metav1.ObjectMeta{Name: "accelerators", Namespace: namespace, Labels: labels},
	}
	quota.Spec.Hard = corev1.ResourceList{}
	for name, count := range devices {
		quota.Spec.Hard[corev1.ResourceName("requests."+name)] = *resource.NewQuantity(int64(count), resource.DecimalSI)
	}
	return manifest.Object{File: "resourcequota-" + namespace, Typed: quota, Absent: []string{"/status"}, Comments: manifest.Comments{
		Head: "What the models of " + namespace + " may take together. A pod over it isn't made: its ReplicaSet's events say so.",
	}}
}
