package install

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayapi "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// OwnGateway is the name of an Istio Gateway for what the cases themselves render, in the gateway's namespace.
const OwnGateway = "kservegen-e2e"

// gatewayService and gatewayPort are those of the Service in gateway.yaml.
const (
	gatewayService = "istio-ingressgateway"
	gatewayPort    = 80
)

// gateways makes those that the tree names and does not bring, and the suite's own. They speak HTTP: certificates are
// the platform's.
func (i Installer) gateways(ctx context.Context, needs tree.Needs) error {
	var objects []map[string]any
	for _, path := range needs.Gateways {
		if needs.GatewayAPI {
			fmt.Fprintf(i.Log, "supplied: Gateway %s of the Gateway API, HTTP only, on the Service %s\n", path, gatewayService)
			object, err := apiGateway(path)
			if err != nil {
				return err
			}
			objects = append(objects, object)
			continue
		}
		objects = append(objects, i.istioGateway(path))
	}
	return i.Kubectl.Apply(ctx, append(objects, i.istioGateway(needs.GatewayNamespace()+"/"+OwnGateway))...)
}

func (i Installer) istioGateway(path string) map[string]any {
	fmt.Fprintf(i.Log, "supplied: Gateway %s, HTTP only\n", path)
	namespace, name, _ := strings.Cut(path, "/")
	gateway := object("networking.istio.io/v1", "Gateway", namespace, name)
	gateway["spec"] = map[string]any{
		"selector": map[string]any{"istio": "ingressgateway"},
		"servers": []any{map[string]any{
			"port":  map[string]any{"number": 8080, "name": "http", "protocol": "HTTP"},
			"hosts": []any{"*/*"},
		}},
	}
	return gateway
}

// apiGateway is one of the Gateway API on the gateway that is there: with the host of a Service as its address istiod
// makes no Deployment for it (manual deployment; IsManaged in its pilot/pkg/config/kube/gatewaycommon), and takes the
// listener's port for one of that Service, which has to be in the Gateway's namespace.
func apiGateway(path string) (map[string]any, error) {
	namespace, name, _ := strings.Cut(path, "/")
	address, all := gatewayapi.HostnameAddressType, gatewayapi.NamespacesFromAll
	objects, err := untyped(&gatewayapi.Gateway{
		TypeMeta:   metav1.TypeMeta{APIVersion: gatewayapi.GroupVersion.String(), Kind: "Gateway"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec: gatewayapi.GatewaySpec{
			GatewayClassName: "istio", // istiod makes it
			Addresses:        []gatewayapi.GatewaySpecAddress{{Type: &address, Value: gatewayService + "." + namespace + ".svc.cluster.local"}},
			Listeners: []gatewayapi.Listener{{
				Name: "http", Port: gatewayPort, Protocol: gatewayapi.HTTPProtocolType,
				AllowedRoutes: &gatewayapi.AllowedRoutes{Namespaces: &gatewayapi.RouteNamespaces{From: &all}},
			}},
		},
	})
	if err != nil {
		return nil, err
	}
	return objects[0], nil
}
