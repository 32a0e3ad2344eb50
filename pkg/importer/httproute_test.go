package importer

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serviceFor leads to the pods of one server.
func serviceFor(name string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: llm}\nspec: {selector: {name: %[1]s}}", name)
}

const serviceForAll = "apiVersion: v1\nkind: Service\nmetadata: {name: chat, namespace: llm}\nspec: {selector: {app: chat}}"

// httpRoute is one with rules, and parents that are the Gateway of the tests where none are given.
func httpRoute(name, spec string) string {
	return fmt.Sprintf("apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: %s, namespace: llm}\nspec: {%s}", name, spec)
}

const (
	atGateway = "parentRefs: [{name: edge, namespace: gateways}], hostnames: [chat.example.com], "
	atService = "parentRefs: [{group: '', kind: Service, name: chat}], "
	both      = "backendRefs: [{name: chat-v1, weight: 80}, {name: chat-v2, namespace: llm, weight: 20}]"
	second    = "backendRefs: [{name: chat-v2}]"
)

func sceneOf(t *testing.T, documents ...string) *scene {
	t.Helper()
	return newScene("", objects(t, append([]string{
		server("chat-v1", ""), server("chat-v2", ""), serviceFor("chat-v1"), serviceFor("chat-v2"), serviceForAll,
	}, documents...)...))
}

// TestRulesOfHTTPRoutesAreReadByWhatTheyDo: what every match wants selects the model, another header leads testers.
func TestRulesOfHTTPRoutesAreReadByWhatTheyDo(t *testing.T) {
	t.Parallel()
	const (
		exposed = `{"api":"gateway","gateway":"gateways/edge","hosts":["chat.example.com"]}`
		shares  = `[{"revision":"v1","weight":80},{"revision":"v2","weight":20}]`
		rewrite = "{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}"
		mirror  = "{type: RequestMirror, requestMirror: {backendRef: {name: chat-v2}%s}}"
	)
	mirrored := func(percent int) string {
		return fmt.Sprintf(`[{"revision":"v1","weight":100},{"mirror":%d,"revision":"v2","weight":0}]`, percent)
	}
	copying := func(how string) string {
		return "{backendRefs: [{name: chat-v1}], filters: [" + fmt.Sprintf(mirror, how) + "]}"
	}
	for name, c := range map[string]struct{ rules, traffic, expose, sticky string }{
		"weights":          {"{" + both + "}", shares, exposed, "null"},
		"weights in tenth": {"{backendRefs: [{name: chat-v1, weight: 8}, {name: chat-v2, weight: 2}]}", shares, exposed, "null"},
		"no weights": {
			"{backendRefs: [{name: chat-v1}, {name: chat-v2}]}", `[{"revision":"v1","weight":50},{"revision":"v2","weight":50}]`, exposed, "null",
		},
		"testers": {
			"{matches: [{headers: [{name: x-t, value: a}]}], " + second + "}, {" + both + "}",
			`[{"revision":"v1","weight":80},{"revision":"v2","testers":{"header":"x-t","value":"a"},"weight":20}]`, exposed, "null",
		},
		"testers of two headers": {
			"{matches: [{headers: [{name: x-t, value: a}, {name: x-u, value: b}]}], " + second + "}, {" + both + "}", shares, exposed, "null",
		},
		"header of the model": {
			"{matches: [{headers: [{name: x-model, value: chat}]}], " + both + "}", shares,
			`{"api":"gateway","gateway":"gateways/edge","header":{"header":"x-model","value":"chat"},"hosts":["chat.example.com"]}`, "null",
		},
		"header of the model and testers": {
			"{matches: [{headers: [{name: x-t, value: a}, {name: x-model, type: Exact, value: chat}]}], " + second + "}, {matches: [{headers: [{name: x-model, value: chat}]}], " + both + "}",
			`[{"revision":"v1","weight":80},{"revision":"v2","testers":{"header":"x-t","value":"a"},"weight":20}]`,
			`{"api":"gateway","gateway":"gateways/edge","header":{"header":"x-model","value":"chat"},"hosts":["chat.example.com"]}`, "null",
		},
		"buckets": {
			"{matches: [{headers: [{name: x-b, type: RegularExpression, value: '^1.$'}]}], " + second + "}, {" + both + "}", shares, exposed, `{"header":"x-b"}`,
		},
		"path": {
			"{matches: [{path: {value: /chat}}], filters: [" + rewrite + "], " + both + "}", shares,
			`{"api":"gateway","gateway":"gateways/edge","hosts":["chat.example.com"],"path":"/chat/"}`, "null",
		},
		"path that stays":         {"{matches: [{path: {value: /v1}}], " + both + "}", shares, exposed, "null"},
		"a longer path elsewhere": {"{matches: [{path: {value: /v1/special}}], " + second + "}, {matches: [{path: {value: /v1}}], " + both + "}", shares, exposed, "null"},
		"a method elsewhere":      {"{matches: [{method: GET}], " + second + "}, {" + both + "}", shares, exposed, "null"},
		"mirror of everything":    {copying(""), mirrored(100), exposed, "null"},
		"mirror in percent":       {copying(", percent: 7"), mirrored(7), exposed, "null"},
		"mirror by fraction":      {copying(", fraction: {numerator: 1, denominator: 4}"), mirrored(25), exposed, "null"},
		"mirror of a bit":         {copying(", fraction: {numerator: 1, denominator: 1000}"), mirrored(1), exposed, "null"},
		"mirror of nothing":       {copying(", percent: 0"), `[{"revision":"v1","weight":100},{"revision":"v2","weight":0}]`, exposed, "null"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sceneOf(t, httpRoute("chat", atGateway+"rules: ["+c.rules+"]"))
			assert.JSONEq(t, c.traffic, short(s.traffic()))
			assert.JSONEq(t, c.expose, short(s.expose()))
			assert.JSONEq(t, c.sticky, short(s.sticky()))
		})
	}
}

func TestGatewaysSayWhatTheirRoutesDoNot(t *testing.T) {
	t.Parallel()
	const gateway = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: gateways}
spec:
  gatewayClassName: eg
  listeners:
  - {name: plain, protocol: HTTP, port: 80, hostname: plain.example.com}
  - {name: web, protocol: HTTPS, port: 443, hostname: "*.example.org", tls: {certificateRefs: [{name: org}]}}`
	expose := func(spec string) string {
		return short(sceneOf(t, httpRoute("chat", spec+"rules: [{"+both+"}]"), gateway).expose())
	}
	assert.JSONEq(t, `{"api":"gateway","gateway":"gateways/edge","gatewayClass":"eg","hosts":["plain.example.com","*.example.org"],"tlsSecret":"org"}`,
		expose("parentRefs: [{name: edge, namespace: gateways}], "))
	assert.JSONEq(t, `{"api":"gateway","gateway":"gateways/edge","gatewayClass":"eg","hosts":["plain.example.com"]}`,
		expose("parentRefs: [{name: edge, namespace: gateways, sectionName: plain}], "))
	assert.JSONEq(t, `{"api":"gateway","gateway":"gateways/edge","gatewayClass":"eg","hosts":["llm.example.org"],"tlsSecret":"org"}`,
		expose("parentRefs: [{name: edge, namespace: gateways}], hostnames: [llm.example.org], "))
	assert.JSONEq(t, `{"api":"gateway","gateway":"llm/edge","hosts":["llm.example.org"]}`,
		expose("parentRefs: [{name: edge}], hostnames: [llm.example.org], "), "another one of the route's namespace")
}

// TestOneRouteLeads: a VirtualService before HTTPRoutes, one at a Gateway before one at the Service, whatever their order.
func TestOneRouteLeads(t *testing.T) {
	t.Parallel()
	const virtualService = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: vs, namespace: llm}\n" +
		"spec: {hosts: [chat], http: [{route: [{destination: {host: chat-v1}}]}]}"
	outside, inside := httpRoute("outside", atGateway+"rules: [{"+both+"}]"), httpRoute("inside", atService+"rules: [{"+both+"}]")
	other := httpRoute("other", atGateway+"rules: [{backendRefs: [{name: web}]}]")
	for name, c := range map[string]struct {
		documents []string
		route     string
		roles     map[string]string
	}{
		"both": {[]string{inside, other, outside}, "outside", map[string]string{
			"outside": "httproute/gateway", "inside": "httproute/mesh", "other": "other/HTTPRoute/llm/other",
		}},
		"only inside": {[]string{other, inside}, "inside", map[string]string{"inside": "httproute/mesh"}},
		"Istio's": {[]string{outside, inside, virtualService}, "vs", map[string]string{
			"vs": "virtualservice", "outside": "other/HTTPRoute/llm/outside", "inside": "other/HTTPRoute/llm/inside",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sceneOf(t, c.documents...)
			assert.Equal(t, c.route, s.route.Name())
			for r, role := range s.roles() {
				if want, ok := c.roles[r.Name()]; ok {
					assert.Equal(t, want, role, r.Name())
				}
			}
		})
	}
}

// TestBothWaysToMirrorAreOne: mirror with mirrorPercentage says what mirrors says, and a loss is told where it stands.
func TestBothWaysToMirrorAreOne(t *testing.T) {
	t.Parallel()
	route := func(mirror string) string {
		return "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: chat, namespace: llm}\n" +
			"spec: {hosts: [chat], http: [{route: [{destination: {host: chat-v1}}], " + mirror + "}]}"
	}
	for mirror, c := range map[string]struct {
		percent int
		at      string
	}{
		"mirrors: [{destination: {host: chat-v2}, percentage: {value: 5}}]":                             {5, "/spec/http/0/mirrors/0/percentage/value"},
		"mirror: {host: chat-v2}, mirrorPercentage: {value: 5}":                                         {5, "/spec/http/0/mirrorPercentage/value"},
		"mirror: {host: chat-v2.llm.svc.cluster.local}, mirrorPercent: 5":                               {5, "/spec/http/0/mirrorPercent"},
		"mirror: {host: chat-v2}":                                                                       {100, ""},
		"mirrors: [{destination: {host: chat-v2}}, {destination: {host: web}, percentage: {value: 9}}]": {100, ""},
	} {
		t.Run(mirror, func(t *testing.T) {
			t.Parallel()
			s := sceneOf(t, route(mirror))
			assert.JSONEq(t, fmt.Sprintf(`[{"revision":"v1","weight":100},{"mirror":%d,"revision":"v2","weight":0}]`, c.percent), short(s.traffic()))
			said := factsOf(s, s.roles())["virtualservice"]
			assert.Contains(t, said, "spec/http[weights]/mirrors[revision v2]/destination/host")
			assert.Equal(t, c.at, said["spec/http[weights]/mirrors[revision v2]/percentage/value"].at.pointer)
		})
	}
}

// TestSayingTheDefaultsIsSayingNothing: what the CRD fills in, and shares of another sum, mean the same.
func TestSayingTheDefaultsIsSayingNothing(t *testing.T) {
	t.Parallel()
	of := func(rule string) map[string]any {
		s := sceneOf(t, httpRoute("chat", atGateway+"rules: [{"+rule+"}]"))
		said := map[string]any{}
		for address, one := range factsOf(s, s.roles())["httproute/gateway"] {
			said[address] = one.value
		}
		return said
	}
	assert.Equal(t, of("matches: [{path: {type: PathPrefix, value: /}}], backendRefs: [{name: chat-v1, weight: 80}, {name: chat-v2, weight: 20}]"),
		of("backendRefs: [{name: chat-v1, namespace: llm, weight: 4}, {name: chat-v2, weight: 1}]"))
	assert.NotEqual(t, of("backendRefs: [{name: chat-v1, weight: 2}, {name: chat-v2, weight: 1}]"), of("backendRefs: [{name: chat-v1, weight: 67}, {name: chat-v2, weight: 33}]"),
		"a third is no percentage")
	assert.Equal(t, of("backendRefs: [{name: chat-v1}], filters: [{type: RequestMirror, requestMirror: {backendRef: {name: chat-v2}, percent: 50}}]"),
		of("backendRefs: [{name: chat-v1, weight: 5}], filters: [{type: RequestMirror, requestMirror: {backendRef: {name: chat-v2}, fraction: {numerator: 1, denominator: 2}}}]"))
	twice := of("backendRefs: [{name: chat-v1, port: 80}, {name: chat-v1, port: 81}, {name: chat-v1, port: 82}]")
	assert.Equal(t, int64(80), twice["spec/rules[weights]/backendRefs[revision v1]/port"])
	assert.Equal(t, int64(81), twice["spec/rules[weights]/backendRefs[chat-v1]/port"])
	assert.Contains(t, twice, `spec/rules[weights]/backendRefs[{"name":"chat-v1","port":82}]`, "none hides another")
}

// TestRoutesWithoutHostsAreAskedAbout: spec.expose needs them, and nothing else tells.
func TestRoutesWithoutHostsAreAskedAbout(t *testing.T) {
	t.Parallel()
	d, err := newDraft(sceneOf(t, httpRoute("chat", "parentRefs: [{name: edge}], rules: [{"+both+"}]")), chooser{})
	require.NoError(t, err)
	assert.Contains(t, d.questions["spec.expose"], "HTTPRoute chat names no host")
	assert.Nil(t, d.whole["expose"])
}

// TestRoutesInsideTheMeshAloneGiveTheirWeights: nothing is exposed, so a VirtualService shares them in the tree.
func TestRoutesInsideTheMeshAloneGiveTheirWeights(t *testing.T) {
	t.Parallel()
	s := sceneOf(t, httpRoute("inside", atService+"rules: [{"+both+"}]"))
	proposal, err := Import(Input{Environments: []Environment{{Name: "default", Resources: s.resources}}}, Options{})
	require.NoError(t, err)
	assert.Contains(t, proposal.Document, "- {revision: v1, weight: 80}")
	assert.NotContains(t, proposal.Document, "expose")
	for _, l := range proposal.Losses {
		if l.Object.Kind == "HTTPRoute" {
			assert.Equal(t, "the tree has no HTTPRoute for it", l.Why)
			return
		}
	}
	assert.Fail(t, "the route is not told", proposal.Losses)
}
