package install

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestAPIGateway is bound to the Service that the suite installs, by the port that the Service has.
func TestAPIGateway(t *testing.T) {
	t.Parallel()
	object, err := apiGateway("ingress/llm")
	require.NoError(t, err)
	assert.Equal(t, map[string]any{
		"gatewayClassName": "istio",
		"addresses":        []any{map[string]any{"type": "Hostname", "value": "istio-ingressgateway.ingress.svc.cluster.local"}},
		"listeners": []any{map[string]any{
			"name": "http", "port": int64(80), "protocol": "HTTP",
			"allowedRoutes": map[string]any{"namespaces": map[string]any{"from": "All"}},
		}},
	}, object["spec"])

	objects, err := parse(gatewayYAML)
	require.NoError(t, err)
	var service corev1.Service
	require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(objects[0], &service))
	assert.Equal(t, gatewayService, service.Name)
	assert.EqualValues(t, gatewayPort, service.Spec.Ports[0].Port)
}

// TestGatewayAPI is the standard channel, of which istiod's gateway controllers watch these kinds.
func TestGatewayAPI(t *testing.T) {
	t.Parallel()
	definitions, err := gatewayAPI(t.Context(), filepath.Join("..", "..", "tools", "schemas", "sources.yaml"))
	require.NoError(t, err)
	var kinds []string
	for _, definition := range definitions {
		kinds = append(kinds, defines(definition).Kind)
		meta, _ := definition["metadata"].(map[string]any)
		annotations, _ := meta["annotations"].(map[string]any)
		assert.Equal(t, "standard", annotations["gateway.networking.k8s.io/channel"])
	}
	assert.Subset(t, kinds, []string{"GatewayClass", "Gateway", "HTTPRoute", "GRPCRoute", "ReferenceGrant", "BackendTLSPolicy"})
	assert.NotContains(t, kinds, "")
}
