package istiod

import (
	extensions "istio.io/api/extensions/v1alpha1"
	networking "istio.io/api/networking/v1alpha3"
	networkingbeta "istio.io/api/networking/v1beta1"
	security "istio.io/api/security/v1beta1"
	telemetry "istio.io/api/telemetry/v1alpha1"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/gvk"
	"istio.io/istio/pkg/config/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kind is how Istio validates the objects of a group and kind, in any version.
type kind struct {
	gvk      config.GroupVersionKind
	empty    func() config.Spec
	validate validation.ValidateFunc
}

// kinds are those of pkg/config/schema/collections that have a validation of their own, which that package cannot be
// asked for at a price that every start of the program can bear. For the same reason EnvoyFilter is not among them:
// its validation links every message that Envoy knows (20 MB, and 7 CPU ms at each start).
func kinds() map[schema.GroupKind]kind {
	byKind := map[schema.GroupKind]kind{}
	for _, k := range []kind{
		{gvk.AuthorizationPolicy, empty[security.AuthorizationPolicy], validation.ValidateAuthorizationPolicy},
		{gvk.DestinationRule, empty[networking.DestinationRule], validation.ValidateDestinationRule},
		{gvk.Gateway, empty[networking.Gateway], validation.ValidateGateway},
		{gvk.PeerAuthentication, empty[security.PeerAuthentication], validation.ValidatePeerAuthentication},
		{gvk.ProxyConfig, empty[networkingbeta.ProxyConfig], validation.ValidateProxyConfig},
		{gvk.RequestAuthentication, empty[security.RequestAuthentication], validation.ValidateRequestAuthentication},
		{gvk.ServiceEntry, empty[networking.ServiceEntry], validation.ValidateServiceEntry},
		{gvk.Sidecar, empty[networking.Sidecar], validation.ValidateSidecar},
		{gvk.Telemetry, empty[telemetry.Telemetry], validation.ValidateTelemetry},
		{gvk.TrafficExtension, empty[extensions.TrafficExtension], validation.ValidateTrafficExtension},
		{gvk.VirtualService, empty[networking.VirtualService], validation.ValidateVirtualService},
		{gvk.WasmPlugin, empty[extensions.WasmPlugin], validation.ValidateWasmPlugin},
		{gvk.WorkloadEntry, empty[networking.WorkloadEntry], validation.ValidateWorkloadEntry},
		{gvk.WorkloadGroup, empty[networking.WorkloadGroup], validation.ValidateWorkloadGroup},
	} {
		byKind[schema.GroupKind{Group: k.gvk.Group, Kind: k.gvk.Kind}] = k
	}
	return byKind
}

func empty[T any]() config.Spec { return new(T) }
