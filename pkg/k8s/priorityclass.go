package k8s

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// SpareClass is the PriorityClass of pods that hold nodes, where some model has such and names no other class.
func SpareClass(targets []spec.Target, labels map[string]string) []manifest.Object {
	if !slices.ContainsFunc(targets, func(t spec.Target) bool { return t.Scaling.Spare != nil && t.SpareClassName() == spec.SpareClass }) {
		return nil
	}
	class := &schedulingv1.PriorityClass{
		TypeMeta:         typeMeta("scheduling.k8s.io/v1", "PriorityClass"),
		ObjectMeta:       metav1.ObjectMeta{Name: spec.SpareClass, Labels: labels},
		Value:            spec.SparePriority(),
		PreemptionPolicy: ptr.To(corev1.PreemptNever),
		Description:      "Pods that hold nodes for models, and go for them.",
	}
	return []manifest.Object{{File: "priorityclass-" + spec.SpareClass, Typed: class, Comments: manifest.Comments{
		At: map[string]string{"/value": "Below every other pod, which have 0 at least. Of pods below -10 the Cluster Autoscaler takes no notice."},
	}}}
}
