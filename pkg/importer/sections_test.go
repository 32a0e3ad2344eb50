package importer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// objects reads YAML documents as a cluster's data.
func objects(t *testing.T, documents ...string) []manifest.Resource {
	t.Helper()
	var list []manifest.Resource
	for _, document := range documents {
		var data map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(document), &data))
		list = append(list, manifest.Resource{Data: whole(data).(map[string]any)})
	}
	return list
}

// whole makes whole numbers of the floats that JSON has.
func whole(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = whole(value)
		}
	case []any:
		for i, value := range v {
			v[i] = whole(value)
		}
	case float64:
		return int64(v)
	}
	return v
}

// server is a Deployment of vLLM with more in its pod.
func server(name, pod string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %s, namespace: llm}
spec:
  template:
    metadata: {labels: {app: chat, name: %[1]s}}
    spec:
      containers:
      - {name: vllm, command: [vllm, serve, deepseek-ai/DeepSeek-R1-Distill-Llama-8B], resources: {limits: {nvidia.com/gpu: 1}}}
%s`, name, pod)
}

func TestNamesAreSplitIntoModelAndRevision(t *testing.T) {
	t.Parallel()
	for names, want := range map[string]string{
		"chat": "chat/v1", "chat-v2": "chat/v2", "chat-v2-fp8": "chat/v2-fp8", "v1": "v1/v1",
		"chat-stable chat-canary": "chat/stable chat/canary", "chat-v1 chat-v2": "chat/v1 chat/v2", "a b": "a/v1 a/v2",
		"chat chat-canary": "chat/v1 chat/canary", "llama-3.1": "llama-3-1/v1", "llama-3.1-v2": "llama-3-1/v2",
	} {
		var documents []string
		for _, name := range strings.Fields(names) {
			documents = append(documents, server(name, ""))
		}
		var got []string
		for _, w := range newScene("", objects(t, documents...)).workloads {
			got = append(got, w.model+"/"+w.revision)
		}
		assert.Equal(t, want, strings.Join(got, " "), names)
	}
}

func TestNodesTellTheAccelerator(t *testing.T) {
	t.Parallel()
	const affinity = `      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [%s]}]}}}`
	for name, c := range map[string]struct {
		pod, want string
		guessed   bool
	}{
		"nothing":         {"", "a10g", true},
		"another label":   {"      nodeSelector: {team: llm}", "a10g", true},
		"product":         {"      nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4}", "l4", false},
		"instance type":   {"      nodeSelector: {node.kubernetes.io/instance-type: p5.48xlarge}", "h100", false},
		"instance family": {"      nodeSelector: {karpenter.k8s.aws/instance-family: g6e}", "l40s", false},
		"affinity": {fmt.Sprintf(affinity, "{key: karpenter.k8s.aws/instance-gpu-name, operator: In, values: [a100]}, "+
			"{key: karpenter.k8s.aws/instance-gpu-memory, operator: In, values: [\"81920\"]}"), "a100-80gb", false},
		"another operator": {fmt.Sprintf(affinity, "{key: nvidia.com/gpu.product, operator: NotIn, values: [NVIDIA-L4]}"), "a10g", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newScene("", objects(t, server("chat", c.pod))).workloads[0]
			found, err := findDevices(w, w.ids()[0], "")
			require.NoError(t, err)
			assert.Equal(t, c.want, found.accelerator.Name)
			assert.Equal(t, c.guessed, found.guessed)
			assert.Equal(t, 1, found.count)
		})
	}
	w := newScene("", objects(t, server("chat", ""))).workloads[0]
	chosen, err := findDevices(w, "", "h200")
	require.NoError(t, err)
	assert.Equal(t, "h200", chosen.accelerator.Name)
	_, err = findDevices(w, "", "h2000")
	require.ErrorContains(t, err, `no accelerator "h2000"`)
}

// TestRulesAreReadByWhatTheyDo: a header that every rule wants selects the model, another one leads testers.
func TestRulesAreReadByWhatTheyDo(t *testing.T) {
	t.Parallel()
	service := func(name string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: llm}\nspec: {selector: {name: %[1]s}}", name)
	}
	route := func(rules string) string {
		return "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: chat, namespace: llm}\n" +
			"spec: {hosts: [chat.example.com], gateways: [gw], http: [" + rules + "]}"
	}
	const (
		v1 = "{destination: {host: chat-v1}, weight: %d}"
		v2 = "{destination: {host: chat-v2.llm.svc.cluster.local}, weight: %d}"
	)
	for name, c := range map[string]struct{ rules, traffic, expose, sticky string }{
		"weights": {
			"{route: [" + fmt.Sprintf(v1, 80) + ", " + fmt.Sprintf(v2, 20) + "]}",
			`[{"revision":"v1","weight":80},{"revision":"v2","weight":20}]`, `{"api":"istio","gateway":"llm/gw","hosts":["chat.example.com"]}`, "null",
		},
		"testers": {
			"{match: [{headers: {x-t: {exact: a}}}], route: [" + fmt.Sprintf(v2, 100) + "]}, {route: [" + fmt.Sprintf(v1, 1) + "]}",
			`[{"revision":"v1","weight":100},{"revision":"v2","testers":{"header":"x-t","value":"a"},"weight":0}]`,
			`{"api":"istio","gateway":"llm/gw","hosts":["chat.example.com"]}`, "null",
		},
		"header of the model": {
			"{match: [{headers: {x-model: {exact: chat}}}], route: [" + fmt.Sprintf(v1, 60) + ", " + fmt.Sprintf(v2, 40) + "]}",
			`[{"revision":"v1","weight":60},{"revision":"v2","weight":40}]`,
			`{"api":"istio","gateway":"llm/gw","header":{"header":"x-model","value":"chat"},"hosts":["chat.example.com"]}`, "null",
		},
		"buckets": {
			"{match: [{headers: {x-b: {regex: '0?[0-9]'}}}], route: [" + fmt.Sprintf(v2, 100) + "]}, {route: [" + fmt.Sprintf(v1, 90) + ", " + fmt.Sprintf(v2, 10) + "]}",
			`[{"revision":"v1","weight":90},{"revision":"v2","weight":10}]`, `{"api":"istio","gateway":"llm/gw","hosts":["chat.example.com"]}`, `{"header":"x-b"}`,
		},
		"path": {
			"{match: [{uri: {prefix: /chat/}}], rewrite: {uri: /}, route: [" + fmt.Sprintf(v1, 50) + ", " + fmt.Sprintf(v2, 50) + "]}",
			`[{"revision":"v1","weight":50},{"revision":"v2","weight":50}]`, `{"api":"istio","gateway":"llm/gw","hosts":["chat.example.com"],"path":"/chat/"}`, "null",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene("", objects(t, server("chat-v1", ""), server("chat-v2", ""), service("chat-v1"), service("chat-v2"), route(c.rules)))
			assert.JSONEq(t, c.traffic, short(s.traffic()))
			assert.JSONEq(t, c.expose, short(s.expose()))
			assert.JSONEq(t, c.sticky, short(s.sticky()))
		})
	}
}

func TestPoliciesSayWhoMayCall(t *testing.T) {
	t.Parallel()
	policy := func(kind, name, rest string) string {
		return "apiVersion: security.istio.io/v1\nkind: " + kind + "\nmetadata: {name: " + name + ", namespace: llm}\nspec: {selector: {matchLabels: {app: chat}}, " + rest + "}"
	}
	s := newScene("", objects(t, server("chat", ""),
		policy("PeerAuthentication", "chat", "mtls: {mode: PERMISSIVE}"),
		policy("AuthorizationPolicy", "users", "rules: [{from: [{source: {principals: [cluster.local/ns/a/sa/b, cluster.local/ns/c/sa/d]}}]}]"),
		policy("AuthorizationPolicy", "nobody", "action: DENY, rules: [{from: [{source: {principals: [cluster.local/ns/x/sa/y]}}]}]"),
		policy("AuthorizationPolicy", "edge", "rules: [{from: [{source: {namespaces: [istio-ingress]}}]}]"),
		policy("RequestAuthentication", "chat", "jwtRules: [{issuer: https://login.example.com, audiences: [llm]}]"),
		"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: others, namespace: llm}\n"+
			"spec: {selector: {matchLabels: {app: web}}, rules: [{from: [{source: {principals: [cluster.local/ns/q/sa/r]}}]}]}",
	))
	assert.JSONEq(t, `{"mtls": "off", "callers": [{"serviceAccount": "a/b"}, {"serviceAccount": "c/d"}],
		"jwt": {"issuer": "https://login.example.com", "audiences": ["llm"]}}`, short(s.security()))
	roles := map[string]string{}
	for r, role := range s.roles() {
		roles[r.Kind()+" "+r.Name()] = role
	}
	assert.Equal(t, "authorizationpolicy/callers", roles["AuthorizationPolicy users"])
	assert.Equal(t, "authorizationpolicy/gateway", roles["AuthorizationPolicy edge"])
	assert.Equal(t, "other/AuthorizationPolicy/llm/nobody", roles["AuthorizationPolicy nobody"], "the tree has none that denies by name")
	assert.Equal(t, "other/AuthorizationPolicy/llm/others", roles["AuthorizationPolicy others"])
}

// TestEnvironmentsOfOverlays: an overlay's prefix is no other model's name, and its namespace is told where the document has
// no place for it.
func TestEnvironmentsOfOverlays(t *testing.T) {
	t.Parallel()
	overlay := func(environment, name, namespace string) Environment {
		text := strings.ReplaceAll(server(name, "      nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4}"), "namespace: llm", "namespace: "+namespace)
		return Environment{Name: environment, From: environment, Resources: objects(t, text)}
	}
	in := func(prefixed bool, environments ...string) Input {
		var in Input
		for _, e := range environments {
			name := "chat"
			if prefixed {
				name = e + "-chat"
			}
			in.Environments = append(in.Environments, overlay(e, name, "llm-"+e))
		}
		return in
	}
	for _, prefixed := range []bool{true, false} {
		proposal, err := Import(in(prefixed, "dev", "production"), Options{})
		require.NoError(t, err)
		assert.Contains(t, proposal.Document, "name: chat\n")
		var told []string
		for _, l := range proposal.Losses {
			if l.Path == "/metadata/namespace" {
				told = append(told, l.Value+" "+l.Environments[0]+" "+l.Fix)
			}
		}
		assert.Equal(t, []string{`"llm-production" production import this environment by itself`}, told)
	}
	other := in(false, "dev", "production")
	other.Environments[1] = overlay("production", "web", "llm")
	_, err := Import(other, Options{})
	require.ErrorContains(t, err, "Deployment chat is of model chat in dev and Deployment web is of web in production")
}

// TestTopicsAreTakenWhole: what is said about a field is not said about one that begins as it does.
func TestTopicsAreTakenWhole(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"spec.runtime.version", "spec.runtime.image"}, topicOf("workload/v1", "container/image").fields)
	assert.Empty(t, topicOf("workload/v1", "container/imagePullPolicy").fields)
	assert.Equal(t, []string{"spec.runtime.args"}, topicOf("workload/v1", "container/args[seed]").fields)
	assert.NotEmpty(t, topicOf("httproute/gateway", "spec/rules[testers-v2]/backendRefs[x]/port").fix)
}
