package istio

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	// meshGateway is Istio's word for all sidecars.
	meshGateway  = "mesh"
	gatewayGroup = "gateway.networking.k8s.io"
	// trustDomain is an alias of the mesh's own trust domain in every policy.
	// https://istio.io/latest/docs/reference/config/security/authorization-policy/#Source
	trustDomain = "cluster.local"
)

// PredictorHost is the Service that KServe makes for a revision.
func PredictorHost(t spec.Target, revision string) string {
	return t.Predictor(revision) + "." + t.Namespace + ".svc.cluster.local"
}

// StableHost is the Service that callers inside the mesh use.
func StableHost(t spec.Target) string { return t.Name + "." + t.Namespace + ".svc.cluster.local" }

func meta(t spec.Target, name, component string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: t.Namespace, Labels: t.Labels(component)}
}

func destination(t spec.Target, revision string) *networking.Destination {
	return &networking.Destination{
		Host: PredictorHost(t, revision),
		Port: &networking.PortSelector{Number: uint32(t.ServicePort())},
	}
}
