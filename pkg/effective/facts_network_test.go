package effective_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/effective"
)

// servicePort is a field of the Service's first port.
func servicePort(result effective.Result, field string) any {
	return at(result.Find("Service"), "spec", "ports").([]any)[0].(map[string]any)[field]
}

func TestKServeServicePorts(t *testing.T) {
	t.Parallel()
	ports := func(list string) effective.Result {
		return serve(t, `runtime: {spec: {containers: [{name: kserve-container, image: a:1`+list+`}]}}`)
	}
	named := ports(`, ports: [{name: http, containerPort: 8000}, {name: metrics, containerPort: 9000}]`)
	assert.Equal(t, "m-predictor", at(named.Find("Service"), "metadata", "name"))
	assert.EqualValues(t, 80, servicePort(named, "port"))
	assert.EqualValues(t, 8000, servicePort(named, "targetPort"), "the first port")
	assert.Equal(t, "http", servicePort(named, "name"), "the name of the container's port")
	assert.Len(t, at(named.Find("Service"), "spec", "ports"), 2, "the others as they are")
	assert.Nil(t, servicePort(named, "appProtocol"))

	none := ports("")
	assert.Equal(t, "m-predictor", servicePort(none, "name"), "the name of the object; Istio sniffs the protocol")
	assert.EqualValues(t, 8080, servicePort(none, "targetPort"))

	order := ports(`, ports: [{name: metrics, containerPort: 9000}, {name: http, containerPort: 8000}]`)
	assert.EqualValues(t, 9000, servicePort(order, "targetPort"), "port 80 leads to whichever stands first")

	for _, name := range []string{"h2c", "grpc", "my-grpc-x", "nogrpc"} {
		assert.Equal(t, "kubernetes.io/h2c", servicePort(ports(`, ports: [{name: `+name+`, containerPort: 1}]`), "appProtocol"), name)
	}
	unnamed := ports(`, ports: [{containerPort: 8000}]`)
	assert.Nil(t, servicePort(unnamed, "name"))
	logged := serve(t, `isvc: {spec: {predictor: {logger: {mode: all, url: "http://x"}}}}`)
	assert.EqualValues(t, 9081, servicePort(logged, "targetPort"), "the agent's")
}

func TestKServeIngress(t *testing.T) {
	t.Parallel()
	const open = `metadata: {labels: {networking.kserve.io/visibility: null}}`
	assert.NotContains(t, kinds(serve(t, "")), "Ingress m", "cluster-local")
	ingress := serve(t, `isvc: {`+open+`}`).Find("Ingress")
	require.NotNil(t, ingress, "kserve#2283")
	assert.Equal(t, "istio", at(ingress, "spec", "ingressClassName"))
	off := serve(t, `{isvc: {`+open+`}, add: [{apiVersion: v1, kind: ConfigMap, metadata: {name: inferenceservice-config, namespace: kserve}, data: {`+
		agent+`, deploy: '{"defaultDeploymentMode": "Standard"}', ingress: '{"ingressGateway": "a/b", "disableIngressCreation": true}'}}]}`)
	assert.Nil(t, off.Find("Ingress"))
}

// agent, logger and batcher have no defaults in the pod webhook: without amounts it refuses every pod.
const agent = `agent: '{"image":"a:1","memoryRequest":"1Mi","memoryLimit":"1Mi","cpuRequest":"1","cpuLimit":"1"}',
  logger: '{"image":"a:1","memoryRequest":"1Mi","memoryLimit":"1Mi","cpuRequest":"1","cpuLimit":"1"}',
  batcher: '{"image":"a:1","memoryRequest":"1Mi","memoryLimit":"1Mi","cpuRequest":"1","cpuLimit":"1"}',
  storageInitializer: '{"image":"s:1","memoryRequest":"1Mi","memoryLimit":"1Mi","cpuRequest":"1","cpuLimit":"1"}'`

// TestKServeHTTPRouteTimeout: 60 s unless predictor.timeout says otherwise (httproute_reconciler.go), which cuts
// long streams.
func TestKServeHTTPRouteTimeout(t *testing.T) {
	t.Parallel()
	const gateway = `add: [{apiVersion: v1, kind: ConfigMap, metadata: {name: inferenceservice-config, namespace: kserve}, data: {` + agent +
		`, deploy: '{"defaultDeploymentMode": "Standard"}', ingress: '{"enableGatewayApi": true, "ingressGateway": "a/b", "kserveIngressGateway": "ns/gw", "ingressDomain": "example.com"}'}}]`
	timeout := func(patch string) any {
		result := serve(t, `{isvc: {metadata: {labels: {networking.kserve.io/visibility: null}}, spec: {predictor: {`+patch+`}}}, `+gateway+`}`)
		route := result.Find("HTTPRoute")
		require.NotNil(t, route)
		return at(at(route, "spec", "rules").([]any)[0], "timeouts", "request")
	}
	assert.Equal(t, "60s", timeout(""))
	assert.Equal(t, "600s", timeout("timeout: 600"))
}

// TestKServeNames: the host is made of name and namespace as one label, even where no Ingress is made (kserve#4807).
func TestKServeNames(t *testing.T) {
	t.Parallel()
	name := func(n int) string {
		return `isvc: {metadata: {name: ` + strings.Repeat("x", n) + `}}`
	}
	serve(t, name(63-len("-predictor")-len("-llm")))
	refusal := refused(t, name(63-len("-predictor")-len("-llm")+1))
	assert.Equal(t, "controller", refusal.By)
	assert.Contains(t, refusal.Message, "must be no more than 63 characters")
	for _, bad := range []string{"9x", "x.y", "X"} {
		assert.Equal(t, "inferenceservice.kserve-webhook-server.validator", refused(t, `isvc: {metadata: {name: "`+bad+`"}}`).By, bad)
	}
}

// TestKServePrometheusAnnotation: the switch overwrites the port with queue-proxy's, which Standard mode lacks.
func TestKServePrometheusAnnotation(t *testing.T) {
	t.Parallel()
	result := serve(t, `isvc: {spec: {predictor: {annotations: {serving.kserve.io/enable-prometheus-scraping: "true", prometheus.io/port: "8080"}}}}`)
	assert.Equal(t, "9091", at(result.Pod(), "metadata", "annotations", "prometheus.io/port"))
	assert.Equal(t, "8080", at(result.Find("Deployment"), "spec", "template", "metadata", "annotations", "prometheus.io/port"), "only the pod webhook does it")
	plain := serve(t, `isvc: {spec: {predictor: {annotations: {prometheus.io/port: "8080"}}}}`)
	assert.Equal(t, "8080", at(plain.Pod(), "metadata", "annotations", "prometheus.io/port"))
}

// TestTransformer: the other components are built as well, and pass the pod webhook.
func TestTransformer(t *testing.T) {
	t.Parallel()
	result := serve(t, `isvc: {spec: {transformer: {containers: [{name: kserve-container, image: t:1}]}}}`)
	assert.Subset(t, kinds(result), []string{"Deployment m-predictor", "Deployment m-transformer", "Service m-transformer"})
	assert.Len(t, result.Pods, 2)
	assert.NotNil(t, initializer(result), "the predictor's pod is the first")
}
