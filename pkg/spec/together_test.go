package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

// together loads documents as files 1.yaml, 2.yaml and so on and checks them with each other.
func together(t *testing.T, documents ...string) error {
	t.Helper()
	var all []*spec.Deployment
	for i, text := range documents {
		loaded, err := spec.Load(fmt.Sprintf("%d.yaml", i+1), strings.NewReader(text))
		require.NoError(t, err, text)
		all = append(all, loaded...)
	}
	return spec.CheckTogether(all)
}

func TestNamesOfDocuments(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		documents []string
		want      string
	}{
		"one":           {[]string{named("name: a")}, ""},
		"two":           {[]string{named("name: a"), named("name: b")}, ""},
		"same":          {[]string{named("name: a"), named("name: a")}, `2.yaml:3:18: metadata.name: model "a" is at 1.yaml:1 already, and both would be the folder a; rename one`},
		"no name given": {[]string{named("namespace: x"), document()}, `2.yaml:1:1: metadata.name: model "gpt-oss-20b" is at 1.yaml:1 already`},
		"same in two namespaces": {
			[]string{named("name: a, namespace: x"), named("name: a, namespace: y")}, "both would be the folder a",
		},
		"a model's revision is another's": {
			[]string{named("name: a", "revisions: [{name: b-c}]"), named("name: a-b", "revisions: [{name: c}]")},
			"2.yaml:3:18: metadata.name: revision c of model a-b would be called default/a-b-c, and so would revision b-c of model a (1.yaml:1); rename one",
		},
		"in two namespaces": {
			[]string{named("name: a, namespace: x", "revisions: [{name: b-c}]"), named("name: a-b, namespace: y", "revisions: [{name: c}]")}, "",
		},
		"a model is another's revision": {
			[]string{named("name: a-v1"), named("name: a")}, "2.yaml:3:18: metadata.name: revision v1 of model a would be called default/a-v1, and so would model a-v1 (1.yaml:1)",
		},
		"the revisions differ": {
			[]string{named("name: a", "revisions: [{name: b-c}]"), named("name: a-b", "revisions: [{name: d}]")}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := together(t, test.documents...)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
			assert.Len(t, problemsOf(t, err), 1)
		})
	}
}

// KServe makes a Service of each InferenceService, called <name>-<revision>-predictor.
func TestNameOfAPredictorService(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, together(t, named("name: a"), named("name: a-v1-predictor")), "a-v1-predictor")
}

func TestClaimsOfDocuments(t *testing.T) {
	t.Parallel()
	claim := "model: {id: openai/gpt-oss-20b, source: 'pvc://models/x', volume: {size: %s}}"
	require.ErrorContains(t, together(t, named("name: a", fmt.Sprintf(claim, "1Ti")), named("name: b", fmt.Sprintf(claim, "2Ti"))), "models")
}

func TestDownloadsOfDocuments(t *testing.T) {
	t.Parallel()
	const model = "model: {id: openai/gpt-oss-20b, source: 'pvc://models/%s', download: {from: 's3://weights/gpt/'}}"
	err := together(t, named("name: a", fmt.Sprintf(model, "x")), named("name: b", fmt.Sprintf(model, "x/")))
	require.ErrorContains(t, err, "fills default/models/x already")
	assert.Len(t, problemsOf(t, err), 1)
	require.NoError(t, together(t, named("name: a", fmt.Sprintf(model, "x")), named("name: b", fmt.Sprintf(model, "y"))))
	require.NoError(t, together(t, named("name: a", fmt.Sprintf(model, "x")), named("name: b", "model: {id: openai/gpt-oss-20b, source: 'pvc://models/x'}")))

	for _, folders := range [][2]string{{"x", "x/y"}, {"x/y/z", "x"}} {
		err = together(t, named("name: a", fmt.Sprintf(model, folders[0])), named("name: b", fmt.Sprintf(model, folders[1])))
		require.ErrorContains(t, err, fmt.Sprintf("model a (1.yaml:1) fills default/models/%s, and this one %s: one is in the other", folders[0], folders[1]))
		assert.Len(t, problemsOf(t, err), 1)
	}
	require.NoError(t, together(t, named("name: a", fmt.Sprintf(model, "x")), named("name: b", fmt.Sprintf(model, "xy/z"))), "side by side")
	other := strings.Replace(fmt.Sprintf(model, "x/y"), "pvc://models", "pvc://others", 1)
	require.NoError(t, together(t, named("name: a", fmt.Sprintf(model, "x")), named("name: b", other)), "another claim")
}

func TestAllProblemsBetweenDocuments(t *testing.T) {
	t.Parallel()
	err := together(t, named("name: a"), named("name: a"), named("name: b", "expose: {hosts: [a.b], gateway: c/d}"),
		named("name: c", "expose: {hosts: [a.b], gateway: c/d}"))
	problems := problemsOf(t, err)
	require.Len(t, problems, 2)
	assert.Equal(t, "2.yaml", problems[0].File)
	assert.Equal(t, "4.yaml", problems[1].File)
}

func TestHostsOfDocuments(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ a, b, want string }{
		"other hosts":          {"hosts: [a.x]", "hosts: [b.x]", ""},
		"other gateways":       {"hosts: [a.x]", "hosts: [a.x], gateway: e/f", ""},
		"wildcard and a host":  {"hosts: ['*.x']", "hosts: [a.x]", ""},
		"one host":             {"hosts: [a.x]", "hosts: [a.x]", "2.yaml:7:19: spec.expose: host a.x is taken by model a (1.yaml:1): give each of them a path or a header that selects it"},
		"one of two hosts":     {"hosts: [a.x, b.x]", "hosts: [c.x, b.x]", "host b.x is taken"},
		"one certificate":      {"hosts: [a.x], path: /a/, tlsSecret: s", "hosts: [a.x], path: /b/, tlsSecret: s", ""},
		"two certificates":     {"hosts: [a.x], path: /a/, tlsSecret: s", "hosts: [a.x], path: /b/, tlsSecret: t", "host a.x has s by model a (1.yaml:1) and t here; a host has one certificate"},
		"TLS and plain HTTP":   {"hosts: [a.x], path: /a/, tlsSecret: s", "hosts: [a.x], path: /b/", "host a.x has s by model a (1.yaml:1) and none here"},
		"one wildcard":         {"hosts: ['*.x']", "hosts: ['*.x']", "host *.x is taken"},
		"paths":                {"hosts: [a.x], path: /a/", "hosts: [a.x], path: /b/", ""},
		"names that begin":     {"hosts: [a.x], path: /a/", "hosts: [a.x], path: /ab/", ""},
		"same path":            {"hosts: [a.x], path: /a/", "hosts: [a.x], path: /a/", "paths /a/ and /a/ overlap"},
		"path under a path":    {"hosts: [a.x], path: /a/", "hosts: [a.x], path: /a/b/", "paths /a/ and /a/b/ overlap"},
		"path over a path":     {"hosts: [a.x], path: /a/b/", "hosts: [a.x], path: /a/", "overlap"},
		"path and nothing":     {"hosts: [a.x], path: /a/", "hosts: [a.x]", "give each of them"},
		"nothing and a header": {"hosts: [a.x]", "hosts: [a.x], header: {header: m, value: b}", "give each of them"},
		"path and header":      {"hosts: [a.x], path: /a/", "hosts: [a.x], header: {header: m, value: b}", "one selects by path and the other by header; a request may carry both"},
		"header and path":      {"hosts: [a.x], header: {header: m, value: b}", "hosts: [a.x], path: /a/", "one selects by path and the other by header"},
		"values of a header":   {"hosts: [a.x], header: {header: m, value: a}", "hosts: [a.x], header: {header: m, value: b}", ""},
		"same value":           {"hosts: [a.x], header: {header: m, value: a}", "hosts: [a.x], header: {header: m, value: a}", "both select by m: a"},
		"other headers":        {"hosts: [a.x], header: {header: m, value: a}", "hosts: [a.x], header: {header: n, value: a}", "they select by different headers; a request may carry both"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := together(t, exposed("a", test.a), exposed("b", test.b))
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			problems := problemsOf(t, err)
			require.Len(t, problems, 1)
			assert.Contains(t, problems[0].Error(), test.want)
		})
	}
}

func exposed(name, expose string, lines ...string) string {
	if !strings.Contains(expose, "gateway:") {
		expose += ", gateway: c/d"
	}
	return named("name: "+name, append([]string{"expose: {" + expose + "}"}, lines...)...)
}

func TestHostsByEnvironment(t *testing.T) {
	t.Parallel()
	const host, other = "hosts: [a.x]", "hosts: [b.x]"
	for name, test := range map[string]struct {
		a, b  string
		clash bool
	}{
		"in both environments, told once": {exposed("a", host, "environments: [{name: dev}, {name: prod}]"), exposed("b", host, "environments: [{name: dev}, {name: prod}]"), true},
		"in different environments":       {exposed("a", host, "environments: [{name: dev}]"), exposed("b", host, "environments: [{name: prod}]"), false},
		"an environment moves away":       {exposed("a", host, "environments: [{name: dev, expose: {hosts: [c.x]}}]"), exposed("b", host, "environments: [{name: dev}]"), false},
		"an environment moves in":         {exposed("a", host, "environments: [{name: dev}]"), exposed("b", other, "environments: [{name: dev, expose: {hosts: [a.x]}}]"), true},
		"not exposed there":               {exposed("a", host, "environments: [{name: dev, expose: null}]"), exposed("b", host, "environments: [{name: dev}]"), false},
		"no VirtualService":               {exposed("a", host, "omit: [virtualservice]"), exposed("b", host), false},
		"no HTTPRoute":                    {exposed("a", host+", api: gateway", "omit: [httproute]"), exposed("b", host+", api: gateway"), false},
		"both by HTTPRoutes":              {exposed("a", host+", api: gateway"), exposed("b", host+", api: gateway"), true},
		"on gateways of two APIs":         {exposed("a", host+", api: gateway"), exposed("b", host), false},
		"one model in two environments":   {exposed("a", host, "environments: [{name: dev}, {name: prod}]"), exposed("b", other), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := together(t, test.a, test.b)
			if !test.clash {
				require.NoError(t, err)
				return
			}
			assert.Len(t, problemsOf(t, err), 1)
		})
	}
}

// TestSharedGateway: what `render --shared` would write one Gateway of.
func TestSharedGateway(t *testing.T) {
	t.Parallel()
	many := func(domain string, count int) string {
		hosts := make([]string, count)
		for i := range hosts {
			hosts[i] = fmt.Sprintf("h%d.%s", i, domain)
		}
		return "api: gateway, hosts: [" + strings.Join(hosts, ", ") + "]"
	}
	var models []string
	for i := range 4 {
		models = append(models, exposed(fmt.Sprintf("m%d", i), many(fmt.Sprintf("d%d", i), 16)))
	}
	require.NoError(t, together(t, models...))
	require.ErrorContains(t, together(t, append(models, exposed("e", many("e", 1)))...),
		"5.yaml:7:50: spec.expose.gateway: c/d would have 65 hosts, and a Gateway has room for 64 listeners")

	const a, b = "api: gateway, hosts: [a.x]", "api: gateway, hosts: [b.x]"
	require.NoError(t, together(t, exposed("a", a), exposed("b", b+", gatewayClass: istio")))
	require.ErrorContains(t, together(t, exposed("a", a), exposed("b", b+", gatewayClass: eg")),
		"spec.expose.gatewayClass: gateway c/d is of class istio for model a (1.yaml:1) and of eg here; a Gateway has one class")
}

// TestModelLists: a client chooses by a model's name in the list.
func TestModelLists(t *testing.T) {
	t.Parallel()
	const a, b = "hosts: [a.x, b.x], path: /a/, modelList: true", "hosts: [b.x], path: /b/, modelList: true"
	for name, test := range map[string]struct{ a, b, want string }{
		"two names":                         {exposed("a", a), exposed("b", b), ""},
		"one name":                          {exposed("a", a), exposed("b", b, "model: {id: openai/gpt-oss-20b, servedName: a}"), `2.yaml:7:47: spec.model.servedName: the list of host b.x has a model "a" already, a (1.yaml:1)`},
		"one isn't listed":                  {exposed("a", a), exposed("b", "hosts: [b.x], path: /b/", "model: {id: openai/gpt-oss-20b, servedName: a}"), ""},
		"one has no routes":                 {exposed("a", a), exposed("b", b, "model: {id: openai/gpt-oss-20b, servedName: a}", "omit: [virtualservice]"), ""},
		"other gateways":                    {exposed("a", a), exposed("b", b+", gateway: e/f", "model: {id: openai/gpt-oss-20b, servedName: a}"), ""},
		"a path that has the list's":        {exposed("a", a), exposed("b", "hosts: [b.x], path: /v1/"), "2.yaml:7:32: spec.expose.path: /v1/ has /v1/models in it, where host b.x lists its models (modelList of a, 1.yaml:1); choose another path"},
		"its own path has the list's":       {exposed("a", "hosts: [a.x], path: /v1/, modelList: true"), exposed("b", b), "spec.expose.path: /v1/ has /v1/models in it"},
		"a path beside the list's":          {exposed("a", a), exposed("b", "hosts: [b.x], path: /v1/models/"), ""},
		"that path where nothing is listed": {exposed("a", a), exposed("b", "hosts: [c.x], path: /v1/"), ""},
		"told once":                         {exposed("a", a, "environments: [{name: dev}, {name: prod}]"), exposed("b", b, "model: {id: openai/gpt-oss-20b, servedName: a}", "environments: [{name: dev}, {name: prod}]"), "has a model"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := together(t, test.a, test.b)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			problems := problemsOf(t, err)
			require.Len(t, problems, 1)
			assert.Contains(t, problems[0].Error(), test.want)
		})
	}
}

// TestQuotas: a namespace has one, and it leaves room for what its documents may take.
func TestQuotas(t *testing.T) {
	t.Parallel()
	const two = "replicas: {min: 1, max: 2}"
	const revisions, traffic = "revisions: [{name: v1}, {name: v2}]", "traffic: [{revision: v1, weight: 90}, {revision: v2, weight: 10}]"
	for name, test := range map[string]struct{ a, b, want string }{
		"enough for both":               {named("name: a", two, "quota: {devices: 6}"), named("name: b", two), ""},
		"of several":                    {named("name: a", two, "quota: {devices: 5}"), named("name: b", two), "1.yaml:8:20: spec.quota.devices: 5 of nvidia.com/gpu are less than the 6 that the models of namespace default take"},
		"another namespace":             {named("name: a", two, "quota: {devices: 3}"), named("name: b, namespace: x", two), ""},
		"every revision":                {named("name: a", two, revisions, traffic, "quota: {devices: 3}"), named("name: b", "quota: {devices: 3}"), "less than the 8"},
		"auto":                          {named("name: a", two, "quota: {devices: auto}"), named("name: b", "quota: {devices: auto}"), ""},
		"two minds":                     {named("name: a", "quota: {devices: auto}"), named("name: b", "quota: {devices: 8}"), "2.yaml:7:20: spec.quota.devices: namespace default has a quota of auto by model a (1.yaml:1) and of 8 here"},
		"two kinds":                     {named("name: a", "quota: {devices: 8}"), named("name: b", "accelerator: {type: mi300x}"), "use amd.com/gpu and nvidia.com/gpu, and one number can't limit both"},
		"two kinds, auto":               {named("name: a", "quota: {devices: auto}"), named("name: b", "accelerator: {type: mi300x}"), ""},
		"by environment":                {named("name: a", two, "environments: [{name: dev, quota: {devices: 2}, replicas: {max: 1}}, {name: prod}]"), named("name: b", "environments: [{name: prod}]"), ""},
		"an LLMInferenceService surges": {named("name: a", "serving: LLMInferenceService", "replicas: {min: 5}", "quota: {devices: 6}"), named("name: b, namespace: x"), "less than the 7"},
		"in both environments":          {named("name: a", two, "quota: {devices: 1}", "environments: [{name: dev}, {name: prod}]"), named("name: b", "environments: [{name: prod}]"), "are less than the"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := together(t, test.a, test.b)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			assert.Contains(t, problemsOf(t, err)[0].Error(), test.want)
		})
	}
}

func TestLoadBalancersOfDocuments(t *testing.T) {
	t.Parallel()
	model := func(name, gateway, loadBalancer string) string {
		return named("name: "+name, "expose: {hosts: ["+name+".example.com], gateway: "+gateway+"}", "platform: {eks: {network: {loadBalancer: "+loadBalancer+"}}}")
	}
	require.NoError(t, together(t, model("a", "istio-ingress/llm", "{idleTimeout: 10m}"), model("b", "istio-ingress/llm", "{crossZone: true}")), "it is as patient as the most patient asks")
	require.NoError(t, together(t, model("a", "istio-ingress/llm", "{}"), model("b", "other/llm", "{scheme: internet-facing}")))
	require.NoError(t, together(t, model("a", "istio-ingress/llm", "{}"), named("name: b", "expose: {hosts: [b.example.com], gateway: istio-ingress/llm}")))
	for _, other := range []string{
		"{scheme: internet-facing}", "{crossZone: false}", "{proxyProtocol: true}", "{sourceRanges: [192.0.2.0/24]}",
		"{certificateArn: \"arn:aws:acm:us-east-1:123456789012:certificate/1\"}",
	} {
		err := together(t, model("a", "istio-ingress/llm", "{}"), model("b", "istio-ingress/other", other))
		require.ErrorContains(t, err, "the gateway istio-ingress has another one by model a (1.yaml:1); a gateway has one load balancer", other)
	}
}

func TestClustersOfDocuments(t *testing.T) {
	t.Parallel()
	model := func(name, eks string) string {
		return named("name: "+name, "platform: {eks: {cluster: llm, region: us-east-1, "+eks+"}}")
	}
	require.NoError(t, together(t, model("a", `version: "1.34"`), model("b", "zones: [us-east-1a]")))
	require.NoError(t, together(t, model("a", `version: "1.34"`), named("name: b", `platform: {eks: {cluster: other, version: "1.35"}}`)))
	require.ErrorContains(t, together(t, model("a", `version: "1.34"`), model("b", `version: "1.35"`)),
		"spec.platform.eks.version: is 1.34 by model a (1.yaml:1) and 1.35 here, and a cluster has one; let them agree")
	require.ErrorContains(t, together(t, model("a", "network: {cidr: 10.0.0.0/16}"), model("b", "network: {cidr: 10.1.0.0/16}")),
		"spec.platform.eks.network.cidr: is 10.0.0.0/16 by model a (1.yaml:1) and 10.1.0.0/16 here")
}
