package network

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kservegen/kservegen/pkg/spec"
)

const document = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m, namespace: llm}
spec:
  model: {id: openai/gpt-oss-20b}
  accelerator: {type: a10g}
`

func target(t *testing.T, lines ...string) spec.Target {
	t.Helper()
	text := document + "  " + strings.Join(lines, "\n  ") + "\n"
	deployments, err := spec.Load("d.yaml", strings.NewReader(text))
	require.NoError(t, err, text)
	return deployments[0].Environments[0]
}

func balanced(t *testing.T, loadBalancer string, more ...string) spec.Target {
	t.Helper()
	return target(t, append([]string{"platform: {eks: {network: {loadBalancer: " + loadBalancer + "}}}"}, more...)...)
}

const (
	encrypted = "expose: {hosts: [m.example.com], gateway: istio-ingress/llm, tlsSecret: m}"
	plain     = "expose: {hosts: [m.example.com], gateway: istio-ingress/llm}"
	cert      = "arn:aws:acm:us-east-1:123456789012:certificate/1"
)

func service(t *testing.T, targets ...spec.Target) *corev1.Service {
	t.Helper()
	objects := LoadBalancers(targets, map[string]string{"a": "b"})
	require.Len(t, objects, 1)
	s, ok := objects[0].Typed.(*corev1.Service)
	require.True(t, ok)
	for pointer := range objects[0].Comments.At {
		key := strings.TrimPrefix(pointer, "/metadata/annotations/")
		if key == pointer {
			continue
		}
		assert.Contains(t, s.Annotations, strings.ReplaceAll(key, "~1", "/"), "a comment on nothing")
	}
	for key := range s.Annotations {
		assert.Empty(t, validation.IsQualifiedName(strings.ToLower(key)), key)
	}
	return s
}

func numbers(s *corev1.Service) map[int32]int {
	ports := map[int32]int{}
	for _, port := range s.Spec.Ports {
		ports[port.Port] = port.TargetPort.IntValue()
	}
	return ports
}

func TestTLSGoesThrough(t *testing.T) {
	t.Parallel()
	s := service(t, balanced(t, "{}", encrypted))
	assert.Equal(t, "istio-ingress", s.Namespace)
	assert.Equal(t, map[string]string{"istio": "ingressgateway"}, s.Spec.Selector)
	assert.Equal(t, map[int32]int{443: 443, 80: 80}, numbers(s))
	assert.Equal(t, "service.k8s.aws/nlb", *s.Spec.LoadBalancerClass)
	assert.Equal(t, map[string]string{
		annotation + "scheme": "internal", annotation + "nlb-target-type": "ip",
		annotation + "attributes":           "load_balancing.cross_zone.enabled=true",
		annotation + "healthcheck-protocol": "http", annotation + "healthcheck-port": "15021", annotation + "healthcheck-path": "/healthz/ready",
		annotation + "target-group-attributes":     "deregistration_delay.timeout_seconds=300",
		annotation + "listener-attributes.TCP-443": "tcp.idle_timeout.seconds=3600",
		annotation + "listener-attributes.TCP-80":  "tcp.idle_timeout.seconds=3600",
	}, s.Annotations)
}

// TestPodsOfIPv6: of a load balancer that has no addresses of IPv6 they are no targets, and the controller makes none.
func TestPodsOfIPv6(t *testing.T) {
	t.Parallel()
	const key, both = annotation + "ip-address-type", "platform: {eks: {ipFamily: ipv6, network: {loadBalancer: {}}}}"
	assert.Equal(t, "dualstack", service(t, target(t, both, encrypted)).Annotations[key])
	assert.NotContains(t, service(t, balanced(t, "{}", encrypted)).Annotations, key)
	const gateway = "expose: {api: gateway, hosts: [m.example.com], gateway: istio-ingress/llm, tlsSecret: m}"
	notes := OfGateway([]spec.Target{target(t, both, gateway)})
	assert.Equal(t, "dualstack", notes[key])
	assert.LessOrEqual(t, len(notes), 8, "a Gateway has room for no more")
}

func TestTLSEnds(t *testing.T) {
	t.Parallel()
	s := service(t, balanced(t, `{scheme: internet-facing, certificateArn: "`+cert+`", proxyProtocol: true, crossZone: false, sourceRanges: [192.0.2.0/24]}`, plain))
	assert.Equal(t, map[int32]int{443: 80}, numbers(s), "nothing is answered in the clear")
	assert.Equal(t, "true", s.Labels[noTranslation], "443 of a Gateway is not 80")
	assert.Equal(t, []string{"192.0.2.0/24"}, s.Spec.LoadBalancerSourceRanges)
	for name, want := range map[string]string{
		"scheme": "internet-facing", "ssl-cert": cert, "ssl-ports": "443", "ssl-negotiation-policy": tlsPolicy, "proxy-protocol": "*",
		"attributes": "load_balancing.cross_zone.enabled=false", "healthcheck-protocol": "tcp", "healthcheck-port": "15021",
	} {
		assert.Equal(t, want, s.Annotations[annotation+name], name)
	}
	assert.NotContains(t, s.Annotations, annotation+"healthcheck-path", "the header of the proxy protocol is no request")
	for key := range s.Annotations {
		assert.NotContains(t, key, "listener-attributes", "a TLS listener has none")
	}
}

func TestConnectionsAreKeptAsLongAsStreams(t *testing.T) {
	t.Parallel()
	s := service(t, balanced(t, "{idleTimeout: 20m}", encrypted, "runtime: {drainTimeout: 15m}"), balanced(t, "{}", encrypted, "runtime: {drainTimeout: 20m}"))
	assert.Equal(t, "deregistration_delay.timeout_seconds=1200", s.Annotations[annotation+"target-group-attributes"])
	assert.Equal(t, "tcp.idle_timeout.seconds=3600", s.Annotations[annotation+"listener-attributes.TCP-443"])
}

func TestOneForEachNamespaceOfGateways(t *testing.T) {
	t.Parallel()
	objects := LoadBalancers([]spec.Target{
		balanced(t, "{}", encrypted), balanced(t, "{}", "expose: {hosts: [n.example.com], gateway: istio-ingress/other}"),
		balanced(t, "{}", "expose: {hosts: [n.example.com], gateway: edge/llm}"), target(t, plain), target(t, "sticky: {}"),
	}, nil)
	require.Len(t, objects, 2)
	assert.Equal(t, "service-edge-nlb", objects[0].File)
	assert.Equal(t, "service-istio-ingress-nlb", objects[1].File)
}

// TestGatewayHasRoom: a Gateway takes eight annotations for its Service.
func TestGatewayHasRoom(t *testing.T) {
	t.Parallel()
	const hosts = "hosts: [m.example.com], gateway: gateways/llm, api: gateway"
	all := `{scheme: internet-facing, proxyProtocol: true, sourceRanges: [192.0.2.0/24, 198.51.100.0/24]}`
	notes := OfGateway([]spec.Target{balanced(t, all, "expose: {"+hosts+", tlsSecret: m}"), balanced(t, all, "expose: {"+hosts+"}")})
	assert.LessOrEqual(t, len(notes), 8)
	assert.Equal(t, "external", notes[annotation+"type"])
	assert.Equal(t, "deregistration_delay.timeout_seconds=300,proxy_protocol_v2.enabled=true", notes[annotation+"target-group-attributes"])
	assert.Equal(t, "192.0.2.0/24,198.51.100.0/24", notes["service.beta.kubernetes.io/load-balancer-source-ranges"])
	assert.Contains(t, notes, annotation+"listener-attributes.TCP-80")
	assert.Contains(t, notes, annotation+"listener-attributes.TCP-443")

	notes = OfGateway([]spec.Target{balanced(t, "{}", "expose: {"+hosts+", tlsSecret: m}")})
	assert.NotContains(t, notes, annotation+"listener-attributes.TCP-80", "such a Gateway has no listener for a redirect")
	assert.Nil(t, OfGateway([]spec.Target{target(t, "expose: {"+hosts+"}")}))
	assert.Empty(t, LoadBalancers([]spec.Target{balanced(t, "{}", "expose: {"+hosts+"}")}, nil))
}

func TestSecurityGroupPolicy(t *testing.T) {
	t.Parallel()
	object := SecurityGroupPolicy(target(t, "platform: {eks: {network: {podSecurityGroups: [sg-00000001, sg-00000002]}}}"))
	data, err := json.Marshal(object.Typed)
	require.NoError(t, err)
	assert.JSONEq(t, `{"apiVersion": "vpcresources.k8s.aws/v1beta1", "kind": "SecurityGroupPolicy",
		"metadata": {"name": "m", "namespace": "llm", "labels": {"app.kubernetes.io/name": "m", "app.kubernetes.io/instance": "m",
			"app.kubernetes.io/component": "security", "app.kubernetes.io/managed-by": "kservegen", "kservegen.dev/model": "m"}},
		"spec": {"podSelector": {"matchLabels": {"kservegen.dev/model": "m"}}, "securityGroups": {"groupIds": ["sg-00000001", "sg-00000002"]}}}`, string(data))
}
