package istio

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	networking "istio.io/api/networking/v1alpha3"
	clientv1 "istio.io/client-go/pkg/apis/networking/v1"
	securityv1 "istio.io/client-go/pkg/apis/security/v1"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

func target(weights ...int) spec.Target {
	t := spec.Target{Name: "deepseek-r1", Namespace: "llm", ServedName: "deepseek-r1", Security: spec.Security{MTLS: "strict"}}
	for i, weight := range weights {
		t.Revisions = append(t.Revisions, spec.RevisionTarget{Name: fmt.Sprintf("v%d", i+1), Weight: weight})
	}
	return t
}

func service(t *testing.T, target spec.Target) *networking.VirtualService {
	t.Helper()
	vs, ok := VirtualService(target).Typed.(*clientv1.VirtualService)
	require.True(t, ok)
	return &vs.Spec
}

func TestTestersComeFirstAndWeightsLast(t *testing.T) {
	t.Parallel()
	canary := target(90, 10)
	canary.Revisions[1].Testers = &spec.HeaderMatch{Header: "x-llm-track", Value: "v2"}
	canary.Sticky = &spec.Sticky{Header: "x-llm-bucket"}
	var names []string
	for _, rule := range service(t, canary).Http {
		names = append(names, rule.Name)
		assert.Nil(t, rule.Timeout, "a timeout cuts streams, and 0s is refused by Istio's CRD")
		assert.NotContains(t, rule.Retries.RetryOn, "5xx", "a prompt must not be generated twice")
	}
	assert.Equal(t, []string{"testers-v2", "sticky-v2", "sticky-v1", "weights"}, names)
}

// TestMirrors: a revision gets copies of what others answer, and testers' requests are not copied.
func TestMirrors(t *testing.T) {
	t.Parallel()
	shadow := target(100, 0)
	shadow.Revisions[1].Testers = &spec.HeaderMatch{Header: "x-llm-track", Value: "v2"}
	shadow.Revisions[1].Mirror = 5
	shadow.Sticky = &spec.Sticky{Header: "x-llm-bucket"}
	copies := map[string]string{}
	for _, rule := range service(t, shadow).Http {
		for _, mirror := range rule.Mirrors {
			copies[rule.Name] += fmt.Sprint(mirror.Destination.Host, " ", mirror.Percentage.Value)
		}
	}
	const five = "deepseek-r1-v2-predictor.llm.svc.cluster.local 5"
	assert.Equal(t, map[string]string{"sticky-v1": five, "weights": five}, copies)
}

// TestAPromptsErrorEjectsNobody: consecutive5xxErrors must be there, as 0; left out it is 5 (istio#43357).
func TestAPromptsErrorEjectsNobody(t *testing.T) {
	t.Parallel()
	canary := target(100)
	data, err := manifest.FromTyped(DestinationRule(canary, canary.Revisions[0]).Typed)
	require.NoError(t, err)
	policy := data["spec"].(map[string]any)["trafficPolicy"].(map[string]any)
	detection := policy["outlierDetection"].(map[string]any)
	assert.EqualValues(t, 0, detection["consecutive5xxErrors"])
	assert.EqualValues(t, 5, detection["consecutiveGatewayErrors"])
}

// TestTrafficPointsAtWhatItNames follows every pointer of traffic.yaml in the object it patches.
func TestTrafficPointsAtWhatItNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		drawn := drawTarget(rt)
		rules := service(t, drawn).Http
		at := func(pointer string, index int) int {
			n, err := strconv.Atoi(strings.Split(pointer, "/")[index])
			require.NoError(t, err, pointer)
			return n
		}
		for _, w := range Traffic(drawn) {
			rule := rules[at(w.Path, 3)]
			assert.Equal(t, "weights", rule.Name)
			assert.Equal(t, w.Service, rule.Route[at(w.Path, 5)].Destination.Host)
			assert.Equal(t, strings.TrimSuffix(w.Path, "/weight"), strings.TrimSuffix(w.ServicePath, "/destination/host"))
			for _, path := range w.BucketPaths {
				sticky := rules[at(path, 3)]
				assert.Equal(t, "sticky-"+w.Revision, sticky.Name)
				assert.Equal(t, w.Service, sticky.Route[0].Destination.Host)
				assert.Equal(t, at(path, 3), at(w.BucketServicePath, 3))
				assert.Contains(t, sticky.Match[at(path, 5)].Headers, drawn.Sticky.Header)
			}
			if drawn.Sticky != nil {
				assert.Len(t, w.BucketPaths, len(rules[at(w.BucketServicePath, 3)].Match), "every match of the rule is set")
			}
		}
	})
}

func drawTarget(rt *rapid.T) spec.Target {
	count := rapid.IntRange(1, 4).Draw(rt, "revisions")
	weights, left := make([]int, count), 100
	for i := range count - 1 {
		weights[i] = rapid.IntRange(0, left).Draw(rt, "weight")
		left -= weights[i]
	}
	weights[count-1] = left
	t := target(weights...)
	for i := range t.Revisions {
		if rapid.Bool().Draw(rt, "testers") {
			t.Revisions[i].Testers = &spec.HeaderMatch{Header: "x-track", Value: t.Revisions[i].Name}
		}
	}
	if rapid.Bool().Draw(rt, "sticky") {
		t.Sticky = &spec.Sticky{Header: "x-bucket"}
	}
	switch rapid.IntRange(0, 3).Draw(rt, "expose") {
	case 1:
		t.Expose = &spec.Expose{Hosts: []string{"llm.example.com"}, Gateway: "istio-ingress/llm"}
	case 2:
		t.Expose = &spec.Expose{Hosts: []string{"llm.example.com"}, Gateway: "istio-ingress/llm", Path: "/a/"}
	case 3:
		t.Expose = &spec.Expose{Hosts: []string{"llm.example.com"}, Gateway: "istio-ingress/llm", Header: &spec.HeaderMatch{Header: "x-model", Value: "a"}}
	}
	return t
}

func TestSharedHostIsSelectedForTheGatewayOnly(t *testing.T) {
	t.Parallel()
	shared := target(100)
	shared.Expose = &spec.Expose{Hosts: []string{"llm.example.com"}, Gateway: "istio-ingress/llm", Path: "/deepseek/"}
	rule := service(t, shared).Http[0]
	require.Len(t, rule.Match, 2)
	assert.Equal(t, []string{"istio-ingress/llm"}, rule.Match[0].Gateways)
	assert.Equal(t, "/deepseek/", rule.Match[0].Uri.GetPrefix())
	assert.Equal(t, []string{"mesh"}, rule.Match[1].Gateways)
	assert.Equal(t, "/", rule.Match[1].Uri.GetPrefix(), "the rewrite replaces / by / for callers inside the mesh")
	assert.Equal(t, "/", rule.Rewrite.Uri)
}

func TestNobodyIsLetInByDefault(t *testing.T) {
	t.Parallel()
	policies := AuthorizationPolicies(target(100))
	require.Len(t, policies, 1)
	deny, ok := policies[0].Typed.(*securityv1.AuthorizationPolicy)
	require.True(t, ok)
	assert.Empty(t, deny.Spec.Rules, "a policy without rules allows nothing")
	assert.Equal(t, "ALLOW", deny.Spec.Action.String())
}

func TestGatewayNeedsATokenWhereThereIsAnIssuer(t *testing.T) {
	t.Parallel()
	open := target(100)
	open.Expose = &spec.Expose{Hosts: []string{"llm.example.com"}, Gateway: "istio-ingress/llm", GatewayServiceAccount: "gw"}
	open.Security.JWT = &spec.JWT{Issuer: "https://login.example.com"}
	policies := AuthorizationPolicies(open)
	require.Len(t, policies, 2)
	gateway, ok := policies[1].Typed.(*securityv1.AuthorizationPolicy)
	require.True(t, ok)
	source := gateway.Spec.Rules[0].From[0].Source
	assert.Equal(t, []string{"cluster.local/ns/istio-ingress/sa/gw"}, source.Principals)
	assert.Equal(t, []string{"https://login.example.com/*"}, source.RequestPrincipals)
	assert.Equal(t, []string{"/v1/*"}, gateway.Spec.Rules[0].To[0].Operation.Paths)
}

// TestModelListIsWhatClientsOfOpenAIRead: one object per host, which a request that chooses a model passes by.
func TestModelListIsWhatClientsOfOpenAIRead(t *testing.T) {
	t.Parallel()
	model := func(name string, e spec.Expose) spec.Target {
		e.Gateway, e.ModelList = "istio-ingress/llm", true
		return spec.Target{Name: name, Namespace: "llm", ServedName: name, Expose: &e}
	}
	byPath := ModelLists([]spec.Target{
		model("b", spec.Expose{Hosts: []string{"x.y", "*.y"}, Path: "/b/"}), model("a", spec.Expose{Hosts: []string{"x.y"}, Path: "/a/"}),
		{Name: "c", Expose: &spec.Expose{Hosts: []string{"x.y"}, Gateway: "istio-ingress/llm", Path: "/c/"}}, {Name: "d"},
	}, nil)
	require.Len(t, byPath, 2)
	assert.Equal(t, "virtualservice-istio-ingress-llm-models-at-x.y", byPath[0].File)
	assert.Equal(t, "virtualservice-istio-ingress-llm-models-under-y", byPath[1].File)
	rule := listRule(t, byPath[0])
	assert.Empty(t, rule.Match[0].WithoutHeaders)
	assert.JSONEq(t, `{"object": "list", "data": [
		{"id": "a", "object": "model", "created": 0, "owned_by": "vllm", "base_url": "/a/v1"},
		{"id": "b", "object": "model", "created": 0, "owned_by": "vllm", "base_url": "/b/v1"}]}`, rule.DirectResponse.Body.GetString_())

	byHeader := ModelLists([]spec.Target{model("a", spec.Expose{Hosts: []string{"x.y"}, Header: &spec.HeaderMatch{Header: "x-model", Value: "A"}})}, nil)
	rule = listRule(t, byHeader[0])
	assert.Contains(t, rule.Match[0].WithoutHeaders, "x-model")
	assert.JSONEq(t, `{"object": "list", "data": [{"id": "a", "object": "model", "created": 0, "owned_by": "vllm", "base_url": "/v1",
		"headers": {"x-model": "A"}}]}`, rule.DirectResponse.Body.GetString_())
}

func listRule(t *testing.T, object manifest.Object) *networking.HTTPRoute {
	t.Helper()
	vs, ok := object.Typed.(*clientv1.VirtualService)
	require.True(t, ok)
	require.Len(t, vs.Spec.Http, 1)
	assert.Equal(t, uint32(200), vs.Spec.Http[0].DirectResponse.Status)
	return vs.Spec.Http[0]
}
