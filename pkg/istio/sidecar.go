package istio

import (
	networking "istio.io/api/networking/v1alpha3"
	clientv1 "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Sidecar limits what the model's sidecars know of the mesh: a server calls nobody, and the configuration of a
// large mesh costs each sidecar memory.
func Sidecar(t spec.Target) manifest.Object {
	sidecar := &clientv1.Sidecar{
		TypeMeta:   metav1.TypeMeta{APIVersion: clientv1.SchemeGroupVersion.String(), Kind: "Sidecar"},
		ObjectMeta: meta(t, t.Name, spec.ComponentSecurity),
	}
	sidecar.Spec.WorkloadSelector = &networking.WorkloadSelector{Labels: t.Selector()}
	sidecar.Spec.Egress = []*networking.IstioEgressListener{{Hosts: []string{"./*", "istio-system/*"}}}
	return manifest.Object{File: "sidecar", Typed: sidecar, Comments: manifest.Comments{
		Head: "The servers call nobody: their sidecars know this namespace and the control plane only. Where the\nweights come from outside the mesh, its outbound policy decides (ALLOW_ANY by default).",
	}}
}
