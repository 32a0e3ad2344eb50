package gatewayapi

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/schema"
	"github.com/kservegen/kservegen/pkg/spec"
)

func target(weights ...int) spec.Target {
	t := spec.Target{
		Name: "deepseek-r1", Namespace: "llm", ServedName: "deepseek-r1",
		Expose: &spec.Expose{API: spec.APIGateway, Hosts: []string{"llm.example.com"}, Gateway: "istio-ingress/llm", GatewayClass: "istio"},
	}
	for i, weight := range weights {
		t.Revisions = append(t.Revisions, spec.RevisionTarget{Name: fmt.Sprintf("v%d", i+1), Weight: weight})
	}
	return t
}

// canary has everything that a route can have.
func canary() spec.Target {
	t := target(90, 10)
	t.Revisions[1].Testers = &spec.HeaderMatch{Header: "x-llm-track", Value: "v2"}
	t.Revisions[1].Mirror = 5
	t.Sticky = &spec.Sticky{Header: "x-llm-bucket"}
	return t
}

func routes(t *testing.T, target spec.Target) []*gateway.HTTPRoute {
	t.Helper()
	var list []*gateway.HTTPRoute
	for _, object := range HTTPRoutes(target) {
		route, ok := object.Typed.(*gateway.HTTPRoute)
		require.True(t, ok)
		list = append(list, route)
	}
	return list
}

func TestOneRouteForTheGatewayAndOneForTheMesh(t *testing.T) {
	t.Parallel()
	both := routes(t, canary())
	require.Len(t, both, 2)
	outside, inside := both[0], both[1]
	assert.Equal(t, "istio-ingress/llm", fmt.Sprintf("%s/%s", *outside.Spec.ParentRefs[0].Namespace, outside.Spec.ParentRefs[0].Name))
	assert.Equal(t, []gateway.Hostname{"llm.example.com"}, outside.Spec.Hostnames)
	assert.Equal(t, "Service/deepseek-r1", fmt.Sprintf("%s/%s", *inside.Spec.ParentRefs[0].Kind, inside.Spec.ParentRefs[0].Name))
	assert.Empty(t, inside.Spec.Hostnames, "a mesh ignores them")
	assert.NotEqual(t, outside.Name, inside.Name)
	assert.Equal(t, outside.Spec.Rules, inside.Spec.Rules)

	withoutService := canary()
	withoutService.Omit = []spec.Omittable{spec.OmitService}
	assert.Len(t, routes(t, withoutService), 1, "the parent of the other would not be there")
}

func TestRules(t *testing.T) {
	t.Parallel()
	for _, route := range routes(t, canary()) {
		var names []string
		for _, rule := range route.Spec.Rules {
			names = append(names, string(*rule.Name))
			assert.Equal(t, gateway.Duration("0s"), *rule.Timeouts.Request, "any other would cut streams; Envoy's own, where nobody says one, is 15s")
			assert.Nil(t, rule.Retry, "experimental")
			assert.Nil(t, rule.SessionPersistence, "experimental")
		}
		assert.Equal(t, []string{"testers-v2", "sticky-v2", "sticky-v1", "weights"}, names)
	}
}

func TestASelectedModelIsSelectedAtTheGatewayOnly(t *testing.T) {
	t.Parallel()
	byPath := canary()
	byPath.Expose.Path = "/deepseek/"
	both := routes(t, byPath)
	for i := range both[0].Spec.Rules {
		outside, inside := both[0].Spec.Rules[i], both[1].Spec.Rules[i]
		require.Len(t, outside.Matches, 1, "a prefix can be replaced where there is one match")
		assert.Equal(t, "/deepseek", *outside.Matches[0].Path.Value)
		assert.Equal(t, "/", *outside.Filters[0].URLRewrite.Path.ReplacePrefixMatch)
		assert.Equal(t, "/", *inside.Matches[0].Path.Value)
		for _, filter := range inside.Filters {
			assert.Nil(t, filter.URLRewrite)
		}
	}
	byHeader := canary()
	byHeader.Expose.Header = &spec.HeaderMatch{Header: "x-model", Value: "r1"}
	both = routes(t, byHeader)
	for i := range both[0].Spec.Rules {
		outside, inside := both[0].Spec.Rules[i].Matches[0].Headers, both[1].Spec.Rules[i].Matches[0].Headers
		require.Len(t, outside, len(inside)+1)
		assert.Equal(t, gateway.HTTPHeaderName("x-model"), outside[len(inside)].Name)
		for own := range inside {
			assert.Equal(t, inside[own], outside[own], "the rule's own header is where traffic.yaml looks for it")
		}
	}
}

// TestMirrors: a revision gets copies of what others answer, and testers' requests are not copied.
func TestMirrors(t *testing.T) {
	t.Parallel()
	copies := map[string]string{}
	for _, rule := range routes(t, canary())[0].Spec.Rules {
		for _, filter := range rule.Filters {
			copies[string(*rule.Name)] += fmt.Sprintf("%s %d%%", filter.RequestMirror.BackendRef.Name, *filter.RequestMirror.Percent)
		}
	}
	assert.Equal(t, map[string]string{"sticky-v1": "deepseek-r1-v2-predictor 5%", "weights": "deepseek-r1-v2-predictor 5%"}, copies)
}

// TestTrafficPointsAtWhatItNames follows every pointer of traffic.yaml in the objects that it patches.
func TestTrafficPointsAtWhatItNames(t *testing.T) {
	t.Parallel()
	selected := canary()
	selected.Expose.Header = &spec.HeaderMatch{Header: "x-model", Value: "r1"}
	for name, drawn := range map[string]spec.Target{"everything": canary(), "selected by header": selected, "weights alone": target(60, 40, 0)} {
		for _, route := range routes(t, drawn) {
			at := func(pointer string, index int) int {
				n, err := strconv.Atoi(strings.Split(pointer, "/")[index])
				require.NoError(t, err, pointer)
				return n
			}
			for _, w := range Traffic(drawn) {
				rule := route.Spec.Rules[at(w.Path, 3)]
				assert.Equal(t, "weights", string(*rule.Name), name)
				assert.Equal(t, w.Service, string(rule.BackendRefs[at(w.Path, 5)].Name), name)
				assert.Equal(t, strings.TrimSuffix(w.Path, "weight")+"name", w.ServicePath, name)
				for _, path := range w.BucketPaths {
					sticky := route.Spec.Rules[at(path, 3)]
					assert.Equal(t, "sticky-"+w.Revision, string(*sticky.Name), name)
					assert.Equal(t, w.Service, string(sticky.BackendRefs[0].Name), name)
					assert.Equal(t, at(path, 3), at(w.BucketServicePath, 3), name)
					assert.Equal(t, drawn.Sticky.Header, string(sticky.Matches[at(path, 5)].Headers[at(path, 7)].Name), name)
				}
			}
		}
	}
	assert.Equal(t, "^(?:0?[0-9])$", Traffic(canary())[1].Buckets, "the whole value, whatever the implementation")
}

// TestNothingIsDefaulted: what is written is what the server keeps, so that Argo CD sees no difference. The type prints an
// empty status, which is left out.
func TestNothingIsDefaulted(t *testing.T) {
	t.Parallel()
	catalog, err := schema.New(nil)
	require.NoError(t, err)
	selected := canary()
	selected.Expose.Path, selected.Expose.TLSSecret = "/deepseek/", "llm-example-com"
	selected.Chat = &spec.Chat{Host: "chat.example.com"}
	objects := append(append(HTTPRoutes(selected), ChatRoute(selected)), Gateways([]spec.Target{selected, canary()}, nil)...)
	require.Len(t, objects, 4)
	for _, object := range objects {
		data, err := manifest.FromTyped(object.Typed)
		require.NoError(t, err)
		assert.Equal(t, []string{"/status"}, object.Absent)
		delete(data, "status")
		defaulted, err := catalog.Default(data)
		require.NoError(t, err)
		assert.Equal(t, data, withoutStatus(defaulted), object.File)
	}
}

// withoutStatus: a Gateway's is defaulted to conditions that wait for a controller.
func withoutStatus(object map[string]any) map[string]any {
	delete(object, "status")
	return object
}

// TestThePageHasAHostOfItsOwn, on the model's gateway; no path, header or weight of the model's.
func TestThePageHasAHostOfItsOwn(t *testing.T) {
	t.Parallel()
	talking := canary()
	talking.Expose.Path = "/deepseek/"
	talking.Chat = &spec.Chat{Host: "chat.example.com"}
	route, ok := ChatRoute(talking).Typed.(*gateway.HTTPRoute)
	require.True(t, ok)
	assert.Equal(t, []gateway.Hostname{"chat.example.com"}, route.Spec.Hostnames)
	assert.Equal(t, gateway.ObjectName("llm"), route.Spec.ParentRefs[0].Name)
	require.Len(t, route.Spec.Rules, 1)
	assert.Equal(t, "/", *route.Spec.Rules[0].Matches[0].Path.Value)
	assert.Equal(t, gateway.ObjectName("deepseek-r1-chat"), route.Spec.Rules[0].BackendRefs[0].Name)
	assert.Equal(t, gateway.Duration("0s"), *route.Spec.Rules[0].Timeouts.Request)
}

func TestGateways(t *testing.T) {
	t.Parallel()
	secret, plain, other, istios := target(100), target(100), target(100), target(100)
	secret.Expose.TLSSecret = "llm-example-com"
	plain.Expose.Hosts = []string{"*.example.org"}
	other.Namespace, other.Expose.TLSSecret, other.Expose.Path = "chat", "llm-example-com", "/b/"
	istios.Expose.API, istios.Expose.Hosts = spec.APIIstio, []string{"istio.example.com"}
	objects := Gateways([]spec.Target{secret, plain, other, istios, {}}, map[string]string{"a": "b"})
	require.Len(t, objects, 1)
	assert.Equal(t, "gateway-api-istio-ingress-llm", objects[0].File)
	g, ok := objects[0].Typed.(*gateway.Gateway)
	require.True(t, ok)
	assert.Equal(t, gateway.ObjectName("istio"), g.Spec.GatewayClassName)
	var listeners []string
	for _, l := range g.Spec.Listeners {
		certificate := ""
		if l.TLS != nil {
			certificate = string(l.TLS.CertificateRefs[0].Name)
		}
		listeners = append(listeners, fmt.Sprint(l.Name, " ", *l.Hostname, " ", l.Protocol, l.Port, " ", certificate, " ", l.AllowedRoutes.Namespaces.Selector.MatchExpressions[0].Values))
	}
	assert.Equal(t, []string{"http-0 *.example.org HTTP80  [llm]", "https-1 llm.example.com HTTPS443 llm-example-com [chat llm]"}, listeners)
}

// TestRevealedRevisions: every backend says its own name, of callers outside the mesh and inside.
func TestRevealedRevisions(t *testing.T) {
	t.Parallel()
	revealing := canary()
	revealing.Expose.RevealRevision = true
	for _, route := range routes(t, revealing) {
		for _, rule := range route.Spec.Rules {
			for _, backend := range rule.BackendRefs {
				require.Len(t, backend.Filters, 1)
				assert.Equal(t, gateway.HTTPRouteFilterResponseHeaderModifier, backend.Filters[0].Type)
				set := backend.Filters[0].ResponseHeaderModifier.Set
				require.Len(t, set, 1)
				assert.Equal(t, gateway.HTTPHeaderName("x-llm-revision"), set[0].Name)
				assert.Contains(t, string(backend.Name), "-"+set[0].Value+"-")
			}
		}
	}
	for _, rule := range routes(t, canary())[0].Spec.Rules {
		for _, backend := range rule.BackendRefs {
			assert.Empty(t, backend.Filters)
		}
	}
}
