package kserve

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// pause does nothing. https://github.com/kubernetes/kubernetes/blob/v1.36.3/build/pause/CHANGELOG.md
const pause = "registry.k8s.io/pause:3.10.1"

// Spare is a Deployment whose pods hold nodes for replicas of the revision with the most traffic: the same nodes, tolerations and
// resources, at a priority at which they are evicted as soon as a replica wants the place. Their labels are not the model's, so
// that nothing of it selects them.
func (b *Builder) Spare(t spec.Target) (manifest.Object, error) {
	r := t.SpareRevision()
	runtime, _, err := b.runtime(t, *r)
	if err != nil {
		return manifest.Object{}, err
	}
	model := podSpec(t, *r, 0)
	labels := map[string]string{"app.kubernetes.io/name": t.SpareName(), "app.kubernetes.io/component": spec.ComponentScaling, "app.kubernetes.io/managed-by": "kservegen"}
	selector := map[string]string{"app.kubernetes.io/name": t.SpareName()}
	pod := corev1.PodSpec{
		NodeSelector: model.NodeSelector, Tolerations: model.Tolerations, SchedulerName: model.SchedulerName,
		PriorityClassName: t.SpareClassName(), TerminationGracePeriodSeconds: ptr.To[int64](0),
		AutomountServiceAccountToken: ptr.To(false), EnableServiceLinks: ptr.To(false),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](65535), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Containers: []corev1.Container{{
			Name: "pause", Image: pause, Resources: resources(*r, cacheGiB(runtime)),
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
		}},
	}
	if model.Affinity != nil && model.Affinity.NodeAffinity != nil {
		pod.Affinity = &corev1.Affinity{NodeAffinity: model.Affinity.NodeAffinity}
	}
	deployment := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: t.SpareName(), Namespace: t.Namespace, Labels: t.Labels(spec.ComponentScaling)},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(int32(t.Scaling.Spare.Replicas)),
			Selector: &metav1.LabelSelector{MatchLabels: selector},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: with(labels, "sidecar.istio.io/inject", "false")}, Spec: pod},
		},
	}
	return manifest.Object{
		File: "deployment-spare", Typed: deployment, Absent: []string{"/status", "/spec/strategy"},
		Comments: manifest.Comments{
			Head: fmt.Sprintf("Holds nodes for %d more of %s: a replica that comes takes the place of a pod here, which waits for the\nnext node. It costs what the nodes do.", t.Scaling.Spare.Replicas, t.Qualified(r.Name)),
			At: map[string]string{
				"/spec/template/metadata/labels":             "Not the model's: nothing of it selects them.",
				"/spec/template/spec/priorityClassName":      "Below every model: evicted when one wants the place.",
				"/spec/template/spec/containers/0/resources": "Those of a replica.",
			},
		},
	}, nil
}

func with(labels map[string]string, key, value string) map[string]string {
	labels[key] = value
	return labels
}
