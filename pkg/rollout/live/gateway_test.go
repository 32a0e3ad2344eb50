package live_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/rollout/live"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	virtualServicesOf = "/apis/networking.istio.io/v1/namespaces/llm/virtualservices"
	httpRoutesOf      = "/apis/gateway.networking.k8s.io/v1/namespaces/llm/httproutes"
	istioGateway      = "/apis/networking.istio.io/v1/namespaces/ingress/gateways/llm"
	apiGateway        = "/apis/gateway.networking.k8s.io/v1/namespaces/ingress/gateways/llm"
)

// exposed are the objects of a model that shares a host by a path, and of a gateway whose Service leads to a named port.
func exposed() map[string]string {
	return map[string]string{
		virtualServicesOf: `
apiVersion: networking.istio.io/v1
kind: VirtualServiceList
items:
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata: {name: m-chat, namespace: llm, labels: {kservegen.dev/model: m, app.kubernetes.io/component: chat}}
  spec:
    hosts: [chat.example.com]
    gateways: [ingress/llm]
    http: [{name: chat, route: [{destination: {host: m-chat.llm.svc.cluster.local}}]}]
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata: {name: m, namespace: llm, labels: {kservegen.dev/model: m}}
  spec:
    hosts: [llm.example.com, m.llm.svc.cluster.local]
    gateways: [ingress/llm, mesh]
    http:
    - name: weights
      match:
      - {gateways: [mesh], uri: {prefix: /}}
      - {gateways: [ingress/llm], uri: {prefix: /m/}}
      route: [{destination: {host: m-v1-predictor.llm.svc.cluster.local}}]`,
		istioGateway: `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: llm, namespace: ingress}
spec:
  selector: {istio: gw}
  servers:
  - {hosts: [other.example.com], port: {number: 81, protocol: HTTP}}
  - {hosts: ["llm/*.example.com"], port: {number: 443, protocol: HTTPS}, tls: {mode: SIMPLE}}
  - {hosts: ["*"], port: {number: 80, protocol: HTTP}}`,
		"/api/v1/namespaces/ingress/services": `
apiVersion: v1
kind: ServiceList
items:
- {apiVersion: v1, kind: Service, metadata: {name: headless, namespace: ingress}, spec: {ports: [{port: 80}]}}
- apiVersion: v1
  kind: Service
  metadata: {name: gw, namespace: ingress, labels: {gateway.networking.k8s.io/gateway-name: llm}}
  spec: {selector: {app: gw}, ports: [{port: 15021, targetPort: 15021}, {port: 80, targetPort: http}, {port: 443, targetPort: 8443}, {port: 8000}]}`,
		"/api/v1/namespaces/ingress/pods": `
apiVersion: v1
kind: PodList
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: gw-starts, namespace: ingress, labels: {app: gw, istio: gw}}
  spec: {containers: [{name: p, ports: [{name: http, containerPort: 8080}]}]}
  status: {conditions: [{type: Ready, status: "False"}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: gw-other, namespace: ingress, labels: {app: gw, istio: other}}
  spec: {containers: [{name: p, ports: [{name: http, containerPort: 8080}]}]}
  status: {conditions: [{type: Ready, status: "True"}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: gw-ready, namespace: ingress, labels: {app: gw, istio: gw}}
  spec: {containers: [{name: p, ports: [{name: metrics, containerPort: 9}, {name: http, containerPort: 8080}]}]}
  status: {conditions: [{type: Ready, status: "True"}]}`,
	}
}

// with replaces some of the objects.
func with(changes map[string]string) map[string]string {
	objects := exposed()
	maps.Copy(objects, changes)
	maps.DeleteFunc(objects, func(_, text string) bool { return text == "" })
	return objects
}

// byRoutes exposes the model by the Gateway API, chosen by a header.
func byRoutes(addresses string) map[string]string {
	return with(map[string]string{
		virtualServicesOf: "",
		httpRoutesOf: `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRouteList
items:
- apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {name: m-mesh, namespace: llm, labels: {kservegen.dev/model: m}}
  spec: {hostnames: [llm.example.com], parentRefs: [{group: "", kind: Service, name: m}], rules: [{name: weights}]}
- apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {name: m, namespace: llm, labels: {kservegen.dev/model: m}}
  spec:
    hostnames: [llm.example.com]
    parentRefs: [{kind: Gateway, name: llm, namespace: ingress}]
    rules: [{name: weights, matches: [{path: {type: PathPrefix, value: /}, headers: [{name: x-model, value: m}]}]}]`,
		apiGateway: `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: llm, namespace: ingress}
spec:
  addresses: ` + addresses + `
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, hostname: "*.example.com"}
  - {name: other, port: 8000, protocol: HTTPS, hostname: "*.example.org"}`,
		"/api/v1/namespaces/ingress/services/gw": `
apiVersion: v1
kind: Service
metadata: {name: gw, namespace: ingress}
spec: {selector: {app: gw}, ports: [{port: 443, targetPort: 8443}]}`,
	})
}

func TestEntry(t *testing.T) {
	t.Parallel()
	redirecting := `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: llm, namespace: ingress}
spec:
  selector: {istio: gw}
  servers:
  - {hosts: ["llm.example.com"], port: {number: 80, protocol: HTTP}, tls: {httpsRedirect: true}}
  - {hosts: ["llm.example.com"], port: {number: 443, protocol: HTTPS}, tls: {mode: SIMPLE}}`
	for _, test := range []struct {
		name     string
		objects  map[string]string
		path     string
		header   *spec.HeaderMatch
		tls      bool
		port     int
		endpoint live.Endpoint
	}{
		{"VirtualService", exposed(), "/m/", nil, false, 80, live.Endpoint{Namespace: "ingress", Pod: "gw-ready", Port: 8080}},
		{"HTTP redirects", with(map[string]string{istioGateway: redirecting}), "/m/", nil, true, 443, live.Endpoint{Namespace: "ingress", Pod: "gw-ready", Port: 8443}},
		{"HTTPRoute", byRoutes("[]"), "", &spec.HeaderMatch{Header: "x-model", Value: "m"}, true, 443, live.Endpoint{Namespace: "ingress", Pod: "gw-other", Port: 8443}},
		{"HTTPRoute at a gateway by its address", byRoutes("[{type: Hostname, value: gw.ingress.svc.cluster.local}]"), "", &spec.HeaderMatch{Header: "x-model", Value: "m"}, true, 443, live.Endpoint{Namespace: "ingress", Pod: "gw-other", Port: 8443}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cluster := server(t, test.objects)
			entry, err := cluster.Entry(t.Context(), "llm", "m")
			require.NoError(t, err)
			assert.Equal(t, "llm.example.com", entry.Host)
			assert.Equal(t, test.path, entry.Path)
			assert.Equal(t, test.header, entry.Header)
			assert.Equal(t, test.tls, entry.TLS)
			assert.Equal(t, test.port, entry.Port)
			endpoint, err := cluster.Endpoint(t.Context(), entry)
			require.NoError(t, err)
			assert.Equal(t, test.endpoint, endpoint)
		})
	}
}

func TestNoEntry(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, says string
		changes    map[string]string
	}{
		{"nothing", "has no VirtualService and no HTTPRoute at a gateway", map[string]string{virtualServicesOf: ""}},
		{"no gateway", "there is no Gateway.networking.istio.io ingress/llm", map[string]string{istioGateway: ""}},
		{"no server", "has no HTTP or HTTPS server for host llm.example.com", map[string]string{istioGateway: `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: llm, namespace: ingress}
spec: {servers: [{hosts: [other.example.com], port: {number: 80, protocol: HTTP}}]}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := server(t, with(test.changes)).Entry(t.Context(), "llm", "m")
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestNoEndpoint(t *testing.T) {
	t.Parallel()
	cluster := server(t, with(map[string]string{"/api/v1/namespaces/ingress/pods": ""}))
	entry, err := cluster.Entry(t.Context(), "llm", "m")
	require.NoError(t, err)
	_, err = cluster.Endpoint(t.Context(), entry)
	require.ErrorContains(t, err, "no ready pod of Gateway ingress/llm is behind a Service with port 80 in namespace ingress or istio-system: is the gateway running?")
}
