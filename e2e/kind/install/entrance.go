package install

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// ForwardImage passes connections on.
const ForwardImage = Registry + "/forward:" + Tag

// Entrance is the name of what lets requests of this machine into the mesh with the identity of a caller, in the
// caller's namespace. EntranceNodePort leads to it.
const (
	Entrance         = "kservegen-e2e-entrance"
	EntranceNodePort = 30081
)

// entrancePort is where it listens. The sidecar leaves it alone: what comes in there is from no workload.
const entrancePort = 8080

// Entrance lets requests in as the caller, namespace/name of a service account, that go to a name in the mesh.
// The caller's own sidecar routes them, as it would the caller's.
func (i Installer) Entrance(ctx context.Context, caller, host string) error {
	fmt.Fprintf(i.Log, "supplied: a way in for requests to %s as %s, since the tree is behind no gateway\n", host, caller)
	namespace, account, _ := strings.Cut(caller, "/")
	meta := metav1.ObjectMeta{Name: Entrance, Namespace: namespace}
	objects, err := untyped(entranceService(meta), entranceDeployment(meta, account, host))
	if err != nil {
		return err
	}
	if err := i.Kubectl.Apply(ctx, objects...); err != nil {
		return err
	}
	return i.rollout(ctx, namespace, "deployment/"+Entrance)
}

func entranceLabels() map[string]string { return map[string]string{"app": Entrance} }

func entranceService(meta metav1.ObjectMeta) *corev1.Service {
	return &corev1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: meta,
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeNodePort, Selector: entranceLabels(),
			Ports: []corev1.ServicePort{{Name: "tcp", Port: entrancePort, TargetPort: intstr.FromInt32(entrancePort), NodePort: EntranceNodePort}},
		},
	}
}

func entranceDeployment(meta metav1.ObjectMeta, account, host string) *appsv1.Deployment {
	labels := entranceLabels()
	labels["sidecar.istio.io/inject"] = "true"
	return &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: meta,
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: entranceLabels()},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Labels:      labels,
					Annotations: map[string]string{"traffic.sidecar.istio.io/excludeInboundPorts": fmt.Sprint(entrancePort)},
				},
				Spec: corev1.PodSpec{
					ServiceAccountName: account,
					// where the port of this machine leads to
					NodeSelector: map[string]string{controlPlane: ""},
					Containers: []corev1.Container{{
						Name: "forward", Image: ForwardImage, ImagePullPolicy: corev1.PullIfNotPresent,
						Args: []string{fmt.Sprintf("-listen=:%d", entrancePort), "-to=" + host + ":80"},
					}},
				},
			},
		},
	}
}
