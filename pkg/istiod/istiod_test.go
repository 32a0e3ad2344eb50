package istiod_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/istiod"
	"github.com/kservegen/kservegen/pkg/schema"
)

func object(t testing.TB, apiVersion, kind, text string) map[string]any {
	t.Helper()
	data := map[string]any{}
	require.NoError(t, yaml.Unmarshal([]byte(text), &data))
	data["apiVersion"], data["kind"] = apiVersion, kind
	if data["metadata"] == nil {
		data["metadata"] = map[string]any{"name": "llama", "namespace": "ml"}
	}
	return data
}

// refusals are "pointer: message".
func refusals(data map[string]any) []string {
	var list []string
	for _, refusal := range istiod.New().Refusals(data) {
		list = append(list, refusal.Path+": "+refusal.Message)
	}
	return list
}

// TestRefusals: Istio's words, at the value that they are about.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const networking, security = "networking.istio.io/v1", "security.istio.io/v1"
	for name, test := range map[string]struct {
		apiVersion, kind, text string
		want                   []string
	}{
		"nothing": {networking, "VirtualService", `spec: {hosts: [a.example.com], http: [{route: [{destination: {host: b}}]}]}`, nil},
		"a value": {
			networking, "VirtualService",
			`spec: {hosts: [a.example.com], http: [{route: [{destination: {host: b}, weight: 110}, {destination: {host: c}, weight: -10}]}]}`,
			[]string{"/spec/http/0/route/1/weight: weight -10 < 0"},
		},
		"one of two values that rule each other out": {
			networking, "VirtualService", `spec: {hosts: ["*"], http: [{route: [{destination: {host: b}}]}]}`,
			[]string{"/spec/hosts/0: wildcard host * is not allowed for virtual services bound to the mesh gateway"},
		},
		"the same twice": {
			networking, "VirtualService", `spec: {hosts: [a.io, a.io], http: [{route: [{destination: {host: b}}]}]}`,
			[]string{"/spec/hosts: duplicate hosts in virtual service: a.io & a.io"},
		},
		"something missing": {
			networking, "Gateway", `spec: {servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.io]}, {port: {number: 81, name: more, protocol: HTTP}}]}`,
			[]string{"/spec/servers/1: server config must contain at least one host"},
		},
		"no spec": {
			networking, "Gateway", `{}`, []string{": gateway must have at least one server"},
		},
		"two reasons": {
			networking, "DestinationRule", `spec: {host: b, trafficPolicy: {tls: {mode: MUTUAL}}}`,
			[]string{
				"/spec/trafficPolicy/tls/mode: client certificate required for mutual tls",
				"/spec/trafficPolicy/tls/mode: private key required for mutual tls",
			},
		},
		"every version": {
			"security.istio.io/v1beta1", "RequestAuthentication", `spec: {jwtRules: [{}]}`,
			[]string{"/spec/jwtRules/0: issuer or jwksUri must be non-empty string"},
		},
		"an annotation": {
			security, "AuthorizationPolicy", `{metadata: {name: p, namespace: ml, annotations: {a: b, istio.io/dry-run: maybe}}, spec: {}}`,
			[]string{`/metadata/annotations/istio.io~1dry-run: ml/p has annotation istio.io/dry-run with invalid value (maybe): strconv.ParseBool: parsing "maybe": invalid syntax`},
		},
		"no namespace is default": {
			networking, "ServiceEntry", `{metadata: {name: s}, spec: {hosts: [a.io], exportTo: [., default], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}}`,
			[]string{"/spec/exportTo: duplicate entries in exportTo for entry default"},
		},
		"another's group": {"gateway.networking.k8s.io/v1", "Gateway", `spec: {}`, nil},
		"no kind":         {networking, "", `spec: {}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, refusals(object(t, test.apiVersion, test.kind, test.text)))
		})
	}
}

func TestWhatDoesNotDecodeIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`spec: {egress: {}}`, `{metadata: [1], spec: {egress: [{hosts: ["./*"]}]}}`} {
		got := refusals(object(t, "networking.istio.io/v1", "Sidecar", text))
		require.Len(t, got, 1)
		assert.Contains(t, got[0], "decod")
	}
}

// TestEveryKindIsKnown: of those of Istio that can be validated at all, EnvoyFilter alone is left out. One that is
// unknown accepts what Istio always refuses.
func TestEveryKindIsKnown(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join("..", "schema", "data", "index.json"))
	require.NoError(t, err)
	var index []struct {
		Product, Group, Kind string
		Versions             []string
	}
	require.NoError(t, yaml.Unmarshal(content, &index))
	var left []string
	known := 0
	for _, entry := range index {
		if entry.Product != "istio" {
			continue
		}
		data := object(t, entry.Group+"/"+entry.Versions[0], entry.Kind, `metadata: {name: a, annotations: {istio.io/dry-run: maybe}}`)
		if known++; len(refusals(data)) == 0 {
			left = append(left, entry.Kind)
		}
	}
	assert.GreaterOrEqual(t, known, 15)
	assert.Equal(t, []string{"EnvoyFilter"}, left)
	_, err = schema.New(schema.Versions{"istio": "1.31"})
	require.NoError(t, err, "another release has another validation")
}

// TestSearchIsBounded: what is as large as a server takes, and wrong everywhere, is searched for a while only.
func TestSearchIsBounded(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("spec:\n  hosts: [a.io]\n  http:\n")
	for i := range 5000 {
		fmt.Fprintf(&text, "  - match: [{uri: {prefix: /p%d}}]\n    route: [{destination: {host: b}, weight: -%d}]\n", i, i+1)
	}
	began := time.Now()
	assert.Len(t, istiod.New().Refusals(object(t, "networking.istio.io/v1", "VirtualService", text.String())), 5000)
	assert.Less(t, time.Since(began), 30*time.Second)
}

func FuzzRefusals(f *testing.F) {
	validator := istiod.New()
	f.Add("networking.istio.io/v1", "VirtualService", `spec: {hosts: ["*"], http: [{route: [{destination: {host: b}, weight: -1}]}]}`)
	f.Add("security.istio.io/v1", "AuthorizationPolicy", `spec: {rules: [{from: [{source: {}}]}]}`)
	f.Add("telemetry.istio.io/v1", "Telemetry", `spec: {accessLogging: [{filter: {expression: "a =="}}]}`)
	f.Fuzz(func(t *testing.T, apiVersion, kind, text string) {
		var data map[string]any
		if yaml.Unmarshal([]byte(text), &data) != nil || data == nil {
			return
		}
		data["apiVersion"], data["kind"] = apiVersion, kind
		for _, refusal := range validator.Refusals(data) {
			assert.NotEmpty(t, refusal.Message)
		}
	})
}

func TestRestoreLogs(t *testing.T) {
	t.Parallel()
	istiod.RestoreLogs()
	assert.Same(t, os.Stderr, log.Writer())
	assert.Equal(t, log.LstdFlags, log.Flags())
}
