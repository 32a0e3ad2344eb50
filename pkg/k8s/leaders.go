package k8s

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Predictor is the Service of one revision where KServe does not make it. It has the name that KServe's would have, so
// that routes and policies are the same whatever makes the pods.
func Predictor(t spec.Target, r spec.RevisionTarget) manifest.Object {
	service := &corev1.Service{
		TypeMeta: typeMeta("v1", "Service"),
		ObjectMeta: metav1.ObjectMeta{
			Name: t.Predictor(r.Name), Namespace: t.Namespace, Labels: t.RevisionLabels(spec.ComponentRouting, r.Name),
		},
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceTypeClusterIP,
			Selector: t.LeaderSelector(r.Name),
			Ports:    []corev1.ServicePort{{Name: "http", Port: int32(t.ServicePort()), Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(int32(t.Port()))}},
		},
	}
	return manifest.Object{File: "service-" + r.Name, Typed: service, Comments: manifest.Comments{
		Head: "Where the routes lead: revision " + r.Name + ". Named as KServe names the Service of an InferenceService.",
		At: map[string]string{
			"/spec/selector":     "The leaders alone; a worker would refuse the request.",
			"/spec/ports/0/name": "Istio takes the protocol from the name.",
		},
	}}
}
