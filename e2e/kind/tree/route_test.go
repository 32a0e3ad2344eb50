package tree_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// gatewayTree is the reference tree with HTTPRoutes.
const gatewayTree = "deepseek-r1-distill-llama-8b-gateway"

func readGateway(t *testing.T) *tree.Tree {
	t.Helper()
	return reference(t, gatewayTree+"/deepseek-r1/overlays/production")
}

// customizedGateway is that tree with patches in its component custom/.
func customizedGateway(t *testing.T, patches ...tree.Patch) *tree.Tree {
	t.Helper()
	copied, err := readGateway(t).Copy(t.TempDir())
	require.NoError(t, err)
	changed, err := copied.Customize(patches...)
	require.NoError(t, err)
	return changed
}

// TestRoute: two trees of the same revisions, weights and testers are the same to the cases, whichever API routes them,
// except for what the second model of its host adds.
func TestRoute(t *testing.T) {
	istio, api := read(t).Route, readGateway(t).Route
	assert.Equal(t, "virtualservices.networking.istio.io", istio.Resource)
	assert.Equal(t, "httproutes.gateway.networking.k8s.io", api.Resource)
	assert.Equal(t, "llm/deepseek-r1", api.Namespace+"/"+api.Name, "the one at the gateway, which the entrance has")
	assert.Equal(t, []string{"llm.example.com", "deepseek-r1.llm.svc.cluster.local"}, api.Hosts)
	assert.Equal(t, istio.Gateways, api.Gateways)
	require.Len(t, api.Rules, len(istio.Rules))
	for i, rule := range api.Rules {
		other := istio.Rules[i]
		assert.Equal(t, other.Name, rule.Name)
		assert.Equal(t, "/deepseek-r1", rule.Matches[0].Prefix)
		assert.True(t, rule.Matches[0].Outside)
		assert.Equal(t, other.Matches, without(rule.Matches), rule.Name)
		require.Len(t, rule.Backends, len(other.Backends))
		for j, backend := range rule.Backends {
			assert.Equal(t, other.Backends[j].Host, backend.Host, rule.Name)
		}
	}
}

// without are matches as they are where the model has its host for itself, and where expressions need no anchors.
func without(matches []tree.Match) []tree.Match {
	var plain []tree.Match
	for _, match := range matches {
		match.Prefix = ""
		for name, expression := range match.Regex {
			match.Regex[name] = strings.TrimSuffix(strings.TrimPrefix(expression, "^(?:"), ")$")
		}
		if len(match.Exact)+len(match.Regex) > 0 {
			plain = append(plain, match)
		}
	}
	return plain
}

// TestPointers follows the pointers of each tree in the object that the cases patch.
func TestPointers(t *testing.T) {
	for _, found := range []*tree.Tree{read(t), readGateway(t)} {
		route := found.Route
		object := routeObject(t, found)
		for _, rule := range route.Rules {
			at, ok := lookup(object, rule.Pointer).(map[string]any)
			require.True(t, ok, rule.Pointer)
			assert.Equal(t, rule.Name, at["name"])
			for _, backend := range rule.Backends {
				weight := lookup(object, backend.WeightPointer)
				if len(rule.Backends) > 1 {
					assert.EqualValues(t, backend.Weight, weight, backend.WeightPointer)
				}
			}
		}
	}
}

// routeObject is the object that the tree's route is a view of.
func routeObject(t *testing.T, found *tree.Tree) map[string]any {
	t.Helper()
	for _, object := range found.Objects {
		meta, _ := object["metadata"].(map[string]any)
		if object["kind"] == found.Route.Kind && meta["name"] == found.Route.Name {
			return object
		}
	}
	require.Fail(t, "the tree has no "+found.Route.Kind)
	return nil
}

// lookup follows a JSON pointer without escapes; nil where nothing is there.
func lookup(value any, pointer string) any {
	for _, token := range strings.Split(pointer, "/")[1:] {
		switch at := value.(type) {
		case map[string]any:
			value = at[token]
		case []any:
			value = at[number(token)]
		}
	}
	return value
}

func TestNeedsOfHTTPRoutes(t *testing.T) {
	found := readGateway(t)
	assert.Equal(t, "llm.example.com", found.Host())
	assert.Equal(t, "deepseek-r1.llm.svc.cluster.local", found.Inside())
	assert.Equal(t, "/deepseek-r1", found.Prefix())
	assert.Empty(t, found.Header())
	assert.Equal(t, tree.Shares{v1: 90, v2: 10}, found.Shares())
	needs := found.Needs()
	assert.True(t, needs.GatewayAPI)
	assert.Equal(t, []string{"istio-ingress/llm"}, needs.Gateways)
	assert.Equal(t, "istio-ingress/llm-istio", needs.GatewayIdentity, "by which the tree's policy knows it")
	assert.Equal(t, []string{"chat/chat-ui"}, needs.Callers)
	assert.Equal(t, []string{"chat", "istio-ingress", "llm", "monitoring"}, needs.Namespaces)
	assert.False(t, read(t).Needs().GatewayAPI)
}

// TestHeaderOfHTTPRoute is what selects one of several models on a host.
func TestHeaderOfHTTPRoute(t *testing.T) {
	found := customizedGateway(t, tree.Patch{Kind: "HTTPRoute", Name: "deepseek-r1",
		Patch: `[{"op": "add", "path": "/spec/rules/3/matches/0/headers", "value": [{"name": "x-model", "type": "Exact", "value": "a"}]}]`})
	assert.Equal(t, map[string]string{"x-model": "a"}, found.Header())
}

// TestNotRunHTTPRoutes changes the tree into ones whose route the suite's Gateway would not serve.
func TestNotRunHTTPRoutes(t *testing.T) {
	for name, c := range map[string]struct {
		patch tree.Patch
		want  string
	}{
		"as it is":                  {tree.Patch{Kind: "HTTPRoute", Name: "none", Patch: `[]`}, ""},
		"nothing for the mesh":      {tree.Patch{Kind: "HTTPRoute", Name: "deepseek-r1-mesh", Patch: deleted}, ""},
		"a listener":                {tree.Patch{Kind: "HTTPRoute", Name: "deepseek-r1", Patch: `[{"op": "add", "path": "/spec/parentRefs/0/sectionName", "value": "https"}]`}, "its HTTPRoute is for one listener of the Gateway llm, and the suite's Gateway has one of its own"},
		"no host":                   {tree.Patch{Kind: "HTTPRoute", Name: "deepseek-r1", Patch: `[{"op": "remove", "path": "/spec/hostnames"}]`}, "its HTTPRoute at a Gateway names no host"},
		"nothing at a gateway":      {tree.Patch{Kind: "HTTPRoute", Name: "deepseek-r1", Patch: deleted}, notOne("0", "1")},
		"both at the same gateway":  {tree.Patch{Kind: "HTTPRoute", Name: "deepseek-r1-mesh", Patch: `[{"op": "replace", "path": "/spec/parentRefs", "value": [{"name": "llm"}]}]`}, notOne("2", "0")},
		"a gateway of the document": {tree.Patch{Kind: "Service", Name: "deepseek-r1", Patch: `[{"op": "replace", "path": "/kind", "value": "Gateway"}]`}, "it brings the Gateway llm/deepseek-r1, for which istiod would make a Deployment that the suite has no way to"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, customizedGateway(t, c.patch).NotRun()) })
	}
}

const deleted = `{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: any}, $patch: delete}`

func notOne(outside, inside string) string {
	return "it has 2 InferenceServices, 0 VirtualServices, " + outside + " HTTPRoutes at a Gateway and " + inside + " on a Service: " +
		"the suite runs one model, whose revisions are behind one VirtualService, or behind one HTTPRoute at a Gateway and one on a Service"
}

// TestShiftOfHTTPRoutes edits the tree by hand and has kservegen render the document with the same weights: the same
// bytes, of one file.
func TestShiftOfHTTPRoutes(t *testing.T) {
	for _, weights := range [][2]string{{"50", "50"}, {"0", "100"}, {"100", "0"}, {"73", "27"}} {
		t.Run(weights[0]+"-"+weights[1], func(t *testing.T) {
			edited := t.TempDir()
			copied, err := readGateway(t).Copy(edited)
			require.NoError(t, err)
			changed, err := copied.Shift(tree.Shares{v1: number(weights[0]), v2: number(weights[1])})
			require.NoError(t, err)
			assert.Len(t, changed, 8, "two weights and two buckets")
			rendered := t.TempDir()
			renderOf(t, filepath.Join(overlays, gatewayTree, "document.yaml"), rendered, weights)
			assert.Equal(t, files(t, filepath.Join(rendered, "deepseek-r1")), files(t, edited))
			shifted, err := tree.Read(copied.Dir)
			require.NoError(t, err)
			assert.Equal(t, tree.Shares{v1: number(weights[0]), v2: number(weights[1])}, shifted.Shares())
		})
	}
}

// TestEditTrafficOfHTTPRoutes makes the mistakes of the Flux case in the other traffic.yaml.
func TestEditTrafficOfHTTPRoutes(t *testing.T) {
	copied, err := readGateway(t).Copy(t.TempDir())
	require.NoError(t, err)
	name, _, _ := strings.Cut(v1, ".")
	require.NoError(t, copied.EditTraffic(func(content string) string { return strings.Replace(content, name, "gone."+name, 1) }))
	_, err = tree.Read(copied.Dir)
	require.ErrorContains(t, err, "test")

	copied, err = readGateway(t).Copy(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, copied.EditTraffic(tree.WeightInWords))
	content, err := os.ReadFile(filepath.Join(copied.Dir, "patches", "traffic.yaml"))
	require.NoError(t, err)
	assert.Contains(t, string(content), "value: ninety # v1: 90 in the document")
	_, err = tree.Read(copied.Dir)
	require.Error(t, err, "a weight is a number")
}
