package tree_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/e2e/kind/tree"
	builder "github.com/kservegen/kservegen/pkg/render"
)

const (
	overlays = "../../../overlays"
	example  = overlays + "/deepseek-r1-distill-llama-8b-a10g"
	v1, v2   = "deepseek-r1-v1-predictor.llm.svc.cluster.local", "deepseek-r1-v2-predictor.llm.svc.cluster.local"
)

func read(t *testing.T) *tree.Tree {
	t.Helper()
	found, err := tree.Read(filepath.Join(example, "deepseek-r1", "overlays", "production"))
	require.NoError(t, err)
	return found
}

// Kustomize's library must not run twice at a time, so that no test here is parallel.
func TestNeeds(t *testing.T) {
	found := read(t)
	assert.Equal(t, "deepseek-r1", found.Model())
	assert.Equal(t, "deepseek.example.com", found.Host())
	assert.Equal(t, tree.Shares{v1: 90, v2: 10}, found.Shares())
	needs := found.Needs()
	assert.Equal(t, []string{"vllm/vllm-openai:v0.33.0"}, needs.Images)
	assert.Equal(t, "nvidia.com/gpu", needs.Device)
	assert.Equal(t, 4, needs.Devices)
	assert.Equal(t, map[string]string{"nvidia.com/gpu.product": "NVIDIA-A10G"}, needs.Labels)
	assert.Equal(t, []corev1.Taint{{Key: "nvidia.com/gpu", Effect: corev1.TaintEffectNoSchedule}}, needs.Taints)
	assert.Equal(t, []string{"istio-ingress/llm"}, needs.Gateways)
	assert.Equal(t, []string{"chat/chat-ui"}, needs.Callers)
	assert.Equal(t, []string{"chat", "istio-ingress", "llm", "monitoring"}, needs.Namespaces)
}

// TestMonitoring is where the tree lets metrics be read from.
func TestMonitoring(t *testing.T) {
	changed := customized(t, patch("kind: NetworkPolicy", `{op: replace, path: /spec/ingress/1/from/0/namespaceSelector/matchLabels/kubernetes.io~1metadata.name, value: metrics}`))
	assert.Equal(t, "metrics", changed.Needs().Monitoring)
	assert.Contains(t, changed.Needs().Namespaces, "metrics")
	shut := customized(t, patch("kind: NetworkPolicy", `{op: remove, path: /spec/ingress/1}`))
	assert.Equal(t, "monitoring", shut.Needs().Monitoring)
}

// TestCallers are those that a policy lets in, not those that one shuts out.
func TestCallers(t *testing.T) {
	for action, want := range map[string][]string{"ALLOW": {"chat/chat-ui"}, "DENY": nil, "AUDIT": nil} {
		changed := customized(t, patch("kind: AuthorizationPolicy, name: deepseek-r1-callers", `{op: add, path: /spec/action, value: `+action+`}`))
		assert.Equal(t, want, changed.Needs().Callers, action)
	}
}

// TestChat keeps the page apart from the model: its route is none of the model's, and nobody stands in for it.
func TestChat(t *testing.T) {
	assert.Nil(t, read(t).Chat)
	assert.Empty(t, read(t).Needs().Page)
	found, err := tree.Read(filepath.Join(overlays, "deepseek-r1-distill-llama-8b-chat", "deepseek-r1", "overlays", "dev"))
	require.NoError(t, err)
	require.NotNil(t, found.Chat)
	assert.Equal(t, "chat.example.com", found.Chat.Host)
	assert.Equal(t, "llm/deepseek-r1-chat", found.Chat.Account())
	assert.Equal(t, "deepseek.example.com", found.Host())
	assert.Equal(t, tree.Shares{v1: 90, v2: 10}, found.Shares())
	needs := found.Needs()
	assert.Equal(t, "registry.example.com/kservegen:v1", needs.Page)
	assert.NotContains(t, needs.Images, needs.Page)
	assert.Empty(t, needs.Callers)
	assert.Contains(t, needs.Granted, tree.Granted{Kind: "Secret", Namespace: "llm", Name: "chat-users", Keys: []string{"htpasswd"}})
	assert.Empty(t, found.NotRun())
	found.Chat.Deployment.Spec.Template.Spec.Containers[0].Image = "registry.example.com/kservegen@sha256:0"
	assert.Contains(t, found.NotRun(), "kservegen@sha256:0 by its digest")
}

// TestModel is the name that the server has after KServe has filled in the InferenceService's metadata.
func TestModel(t *testing.T) {
	for args, want := range map[string]string{
		`["--served-model-name={{.Name}}"]`:                                 "deepseek-r1-v1",
		`["--served-model-name", "{{ .Namespace }}/{{.Name}}"]`:             "llm/deepseek-r1-v1",
		`["--served-model-name={{index .Labels \"kservegen.dev/model\"}}"]`: "deepseek-r1",
		`["--served-model-name={{.Nothing}}"]`:                              "{{.Nothing}}",
		`["--chat-template={{"]`:                                            "deepseek-r1-v1",
	} {
		runtime := patch("kind: ServingRuntime", `{op: replace, path: /spec/containers/0/args, value: []}`)
		service := patch("kind: InferenceService", `{op: add, path: /spec/predictor/model/args, value: `+args+`}`)
		assert.Equal(t, want, customized(t, runtime+service).Model(), args)
	}
}

// TestReferenceTrees says of each tree of overlays/ whether a cluster runs it, and why not. One that is added must be
// entered here.
func TestReferenceTrees(t *testing.T) {
	tokens := "it checks tokens of https://login.example.com, which the suite cannot issue"
	fsx := "it brings the PersistentVolume llm-llm-weights, whose storage is not here"
	shared := "it has 0 InferenceServices and 1 VirtualServices: the suite runs one model, whose revisions are behind one VirtualService"
	nodes := "it has 0 InferenceServices and 0 VirtualServices: the suite runs one model, whose revisions are behind one VirtualService"
	llm := "it has a LLMInferenceService, whose controller is not installed"
	canary := "it leaves the routes of deepseek-r1 to KServe, and the suite's release weights no canary (kserve#5912)"
	want := map[string]string{
		"deepseek-r1-distill-llama-70b-a100/deepseek-r1-70b/overlays/production":            tokens,
		"deepseek-r1-distill-llama-70b-a100/deepseek-r1-70b/overlays/staging":               tokens,
		"deepseek-r1-distill-llama-8b-a10g/deepseek-r1/overlays/dev":                        "",
		"deepseek-r1-distill-llama-8b-a10g/deepseek-r1/overlays/production":                 "",
		"deepseek-r1-distill-llama-8b-a10g/deepseek-r1/overlays/staging":                    "",
		"deepseek-r1-distill-llama-8b-canary/deepseek-r1/overlays/dev":                      canary,
		"deepseek-r1-distill-llama-8b-canary/deepseek-r1/overlays/production":               canary,
		"deepseek-r1-distill-llama-8b-gateway/deepseek-r1/overlays/dev":                     "",
		"deepseek-r1-distill-llama-8b-gateway/deepseek-r1/overlays/production":              "",
		"deepseek-r1-distill-llama-8b-gateway/deepseek-r1/overlays/staging":                 "",
		"deepseek-r1-distill-llama-8b-karpenter/_shared/overlays/dev":                       nodes,
		"deepseek-r1-distill-llama-8b-karpenter/_shared/overlays/production":                nodes,
		"deepseek-r1-distill-llama-8b-karpenter/deepseek-r1/overlays/dev":                   "",
		"deepseek-r1-distill-llama-8b-karpenter/deepseek-r1/overlays/production":            "",
		"deepseek-r1-distill-llama-8b-llmisvc/deepseek-r1/overlays/dev":                     llm,
		"deepseek-r1-distill-llama-8b-llmisvc/deepseek-r1/overlays/production":              llm,
		"deepseek-r1-distill-llama-8b-observed/deepseek-r1/overlays/dev":                    "",
		"deepseek-r1-distill-llama-8b-observed/deepseek-r1/overlays/production":             "",
		"deepseek-r1-h100-karpenter/_shared/overlays/default":                               nodes,
		"deepseek-r1-h100-karpenter/deepseek-r1-671b/overlays/default":                      shared,
		"deepseek-r1-h100-leaderworkerset/deepseek-r1-671b/overlays/default":                shared,
		"deepseek-r1-h100-two-nodes/deepseek-r1-671b/overlays/default":                      "deepseek-r1-671b-v1 runs on several nodes, of which the suite mocks no network of devices; it asks for vpc.amazonaws.com/efa: the device can be mocked, and its server's image is not",
		"deepseek-r1-h200-karpenter/_shared/overlays/default":                               nodes,
		"deepseek-r1-h200-karpenter/deepseek-r1-671b/overlays/default":                      "",
		"deepseek-r1-h200/deepseek-r1-671b/overlays/default":                                "",
		"deepseek-v4-flash-h200-karpenter/_shared/overlays/default":                         nodes,
		"deepseek-v4-flash-h200-karpenter/deepseek-v4-flash/overlays/default":               "",
		"deepseek-v4-flash-h200/deepseek-v4-flash/overlays/default":                         "",
		"gpt-oss-20b-a10g/gpt-oss-20b/overlays/default":                                     "",
		"gpt-oss-20b-llmisvc/gpt-oss/overlays/dev":                                          llm,
		"gpt-oss-20b-llmisvc/gpt-oss/overlays/production":                                   llm,
		"laptop/deepseek-r1/overlays/default":                                               "",
		"llama-3.1-8b-l4-eks/_shared/overlays/dev":                                          nodes,
		"llama-3.1-8b-l4-eks/_shared/overlays/production":                                   nodes,
		"llama-3.1-8b-l4-eks/llama-3-1-8b/overlays/dev":                                     "",
		"llama-3.1-8b-l4-eks/llama-3-1-8b/overlays/production":                              "",
		"llama-3.1-8b-l4-keda/llama-3-1-8b/overlays/dev":                                    "",
		"llama-3.1-8b-l4-keda/llama-3-1-8b/overlays/production":                             "",
		"llama-3.1-8b-l4-keda/llama-3-1-8b/overlays/staging":                                "",
		"llama-3.1-8b-l4/llama-3-1-8b/overlays/dev":                                         "",
		"llama-3.1-8b-l4/llama-3-1-8b/overlays/production":                                  "",
		"llama-3.3-70b-mi300x/llama-3-3-70b/overlays/default":                               "it asks for amd.com/gpu: the device can be mocked, and its server's image is not",
		"llama-3.3-70b-trn2/llama-3-3-70b/overlays/default":                                 "it asks for aws.amazon.com/neuron: the device can be mocked, and its server's image is not; llama-3-3-70b-v1 waits for the scheduler my-scheduler, which is not here",
		"qwen3-30b-a3b-l40s/qwen3-30b-a3b/overlays/dev":                                     "",
		"qwen3-30b-a3b-l40s/qwen3-30b-a3b/overlays/production":                              "",
		"two-models-one-host/_shared/overlays/dev":                                          shared,
		"two-models-one-host/_shared/overlays/production":                                   shared,
		"two-models-one-host/deepseek-r1/overlays/dev":                                      "",
		"two-models-one-host/deepseek-r1/overlays/production":                               "",
		"two-models-one-host/gpt-oss/overlays/dev":                                          "",
		"two-models-one-host/gpt-oss/overlays/production":                                   "",
		"deepseek-r1-distill-llama-70b-fsx/deepseek-r1-70b-fsx/overlays/production":         fsx,
		"deepseek-r1-distill-llama-70b-fsx/deepseek-r1-70b-fsx/overlays/staging":            fsx,
		"deepseek-r1-distill-llama-8b-snapshot/_shared/overlays/production":                 nodes,
		"deepseek-r1-distill-llama-8b-snapshot/deepseek-r1-8b-snapshot/overlays/production": "it brings the VolumeSnapshotContent llm-deepseek-r1-8b-6a6f4aa, whose storage is not here",
		"deepseek-r1-distill-qwen-14b-cache/_shared/overlays/production":                    "it has a LocalModelNodeGroup, whose controller is not installed; it has a LocalModelCache, whose controller is not installed",
		"deepseek-r1-distill-qwen-14b-cache/deepseek-r1-14b-cache/overlays/production":      "deepseek-r1-14b-cache-v1 has its weights on the nodes of l40s, and the controller of local models is not installed",
		"deepseek-r1-distill-llama-8b-sticky/_shared/overlays/production":                   nodes,
		"deepseek-r1-distill-llama-8b-sticky/_shared/overlays/staging":                      nodes,
		"deepseek-r1-distill-llama-8b-sticky/deepseek-r1/overlays/production":               tokens,
		"deepseek-r1-distill-llama-8b-sticky/deepseek-r1/overlays/staging":                  "",

		"deepseek-r1-distill-llama-70b-fsx-karpenter/_shared/overlays/production":         nodes,
		"deepseek-r1-distill-llama-70b-fsx-karpenter/_shared/overlays/staging":            nodes,
		"deepseek-r1-distill-llama-70b-fsx-karpenter/deepseek-r1-70b/overlays/production": "it brings the PersistentVolume llm-deepseek-weights, whose storage is not here",
		"deepseek-r1-distill-llama-70b-fsx-karpenter/deepseek-r1-70b/overlays/staging":    "it brings the PersistentVolume llm-deepseek-weights, whose storage is not here",
		"llama-3.3-70b-trn2-karpenter/_shared/overlays/default":                           nodes,
		"llama-3.3-70b-trn2-karpenter/llama-3-3-70b/overlays/default":                     "it asks for aws.amazon.com/neuron: the device can be mocked, and its server's image is not; llama-3-3-70b-v1 waits for the scheduler my-scheduler, which is not here",
		"deepseek-r1-distill-llama-8b-chat/deepseek-r1/overlays/dev":                      "",
		"deepseek-r1-distill-llama-8b-chat/deepseek-r1/overlays/production":               "",
	}
	folders, err := filepath.Glob(filepath.Join(overlays, "*", "*", "overlays", "*"))
	require.NoError(t, err)
	have := map[string]string{}
	for _, folder := range folders {
		found, err := tree.Read(folder)
		require.NoError(t, err)
		name, err := filepath.Rel(overlays, folder)
		require.NoError(t, err)
		have[name] = found.NotRun()
	}
	assert.Equal(t, want, have)
}

// TestNotRun changes the reference tree by a patch each, as a person would, into one that cannot be run here.
func TestNotRun(t *testing.T) {
	service := func(operations ...string) string {
		return patch("kind: InferenceService, name: deepseek-r1-v1", operations...)
	}
	for name, c := range map[string]struct{ custom, want string }{
		"as it is":      {custom: "", want: ""},
		"several nodes": {service(`{op: add, path: /spec/predictor/workerSpec, value: {pipelineParallelSize: 2}}`), "deepseek-r1-v1 runs on several nodes, of which the suite mocks no network of devices"},
		"Knative": {
			service(`{op: replace, path: /metadata/annotations/serving.kserve.io~1deploymentMode, value: Knative}`),
			"deepseek-r1-v1 is for KServe's mode Knative, and the suite has no more than Standard",
		},
		"another's runtime": {
			service(`{op: replace, path: /spec/predictor/model/runtime, value: shared}`),
			`deepseek-r1-v1 runs by the ServingRuntime "shared", which the tree does not bring`,
		},
		"a scheduler": {
			service(`{op: add, path: /spec/predictor/schedulerName, value: volcano}`),
			"deepseek-r1-v1 waits for the scheduler volcano, which is not here",
		},
		"weights in an image": {
			service(`{op: replace, path: /spec/predictor/model/storageUri, value: "oci://a/b:1"}`),
			"deepseek-r1-v1 has its weights in the image oci://a/b:1, which is not here",
		},
		"a digest": {
			patch("kind: ServingRuntime, name: deepseek-r1-v1", `{op: replace, path: /spec/containers/0/image, value: "vllm/vllm-openai@sha256:0"}`),
			"deepseek-r1-v1 names the image vllm/vllm-openai@sha256:0 by its digest, which a mock cannot have",
		},
		"two accelerators": {
			service(`{op: add, path: /spec/predictor/nodeSelector, value: {pool: a}}`) +
				patch("kind: InferenceService, name: deepseek-r1-v2", `{op: add, path: /spec/predictor/nodeSelector, value: {pool: b}}`),
			"its revisions want nodes with pool=a and pool=b, and the suite's workers are alike",
		},
		"a controller that is not there": {
			patch("kind: PodMonitor", `{op: replace, path: /apiVersion, value: serving.kserve.io/v1alpha1}`, `{op: replace, path: /kind, value: LocalModelCache}`) + "  options: {allowKindChange: true}\n",
			"it has a LocalModelCache, whose controller is not installed",
		},
		"two reasons": {
			service(`{op: add, path: /spec/predictor/model/resources/limits/aws.amazon.com~1neuron, value: 1}`, `{op: replace, path: /spec/predictor/model/runtime, value: shared}`),
			`deepseek-r1-v1 runs by the ServingRuntime "shared", which the tree does not bring; it asks for aws.amazon.com/neuron: the device can be mocked, and its server's image is not`,
		},
		"nobody may ask": {
			patch("kind: VirtualService", `{op: replace, path: /spec/gateways, value: [mesh]}`) +
				patch("kind: AuthorizationPolicy, name: deepseek-r1-callers", `{op: remove, path: /spec/rules}`),
			"it has no host at a gateway and lets no workload of the mesh in by name",
		},
		"HTTPRoutes": {
			patch("kind: VirtualService", `{op: replace, path: /kind, value: HTTPRoute}`) + "  options: {allowKindChange: true}\n",
			"it has 2 InferenceServices, 0 VirtualServices, 0 HTTPRoutes at a Gateway and 0 on a Service: the suite runs one model, " +
				"whose revisions are behind one VirtualService, or behind one HTTPRoute at a Gateway and one on a Service",
		},
		"no model": {
			patch("kind: VirtualService", `{op: replace, path: /kind, value: GRPCRoute}`) + "  options: {allowKindChange: true}\n",
			"it has 2 InferenceServices and 0 VirtualServices: the suite runs one model, whose revisions are behind one VirtualService",
		},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, customized(t, c.custom).NotRun()) })
	}
}

// TestWayIn reads from the VirtualService how requests come to the model.
func TestWayIn(t *testing.T) {
	var shared []string
	for i := range 4 {
		shared = append(shared, fmt.Sprintf(`{op: add, path: /spec/http/%d/match, value: [{gateways: [istio-ingress/llm], headers: {x-model: {exact: a}}}, {gateways: [mesh]}]}`, i))
	}
	for name, c := range map[string]struct {
		tree                 *tree.Tree
		host, inside, prefix string
		header               map[string]string
	}{
		"a host of its own": {
			tree: read(t), host: "deepseek.example.com", inside: "deepseek-r1.llm.svc.cluster.local", header: map[string]string{},
		},
		"a path": {
			tree: reference(t, "gpt-oss-20b-a10g/gpt-oss-20b/overlays/default"),
			host: "llm.example.com", inside: "gpt-oss-20b.llm.svc.cluster.local", prefix: "/gpt-oss", header: map[string]string{},
		},
		"a header": {
			tree: customized(t, patch("kind: VirtualService", shared...)),
			host: "deepseek.example.com", inside: "deepseek-r1.llm.svc.cluster.local", header: map[string]string{"x-model": "a"},
		},
		"the mesh alone": {
			tree:   reference(t, "llama-3.1-8b-l4/llama-3-1-8b/overlays/production"),
			inside: "llama-3-1-8b.llm.svc.cluster.local",
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.host, c.tree.Host())
			assert.Equal(t, c.inside, c.tree.Inside())
			assert.Equal(t, c.prefix, c.tree.Prefix())
			assert.Equal(t, c.header, c.tree.Header())
		})
	}
}

// TestGranted finds the storage and the Secrets without which pods would never start.
func TestGranted(t *testing.T) {
	needs := read(t).Needs()
	assert.Empty(t, needs.Claims)
	assert.Empty(t, needs.Granted)
	needs = reference(t, "llama-3.1-8b-l4/llama-3-1-8b/overlays/production").Needs()
	assert.Equal(t, []tree.Granted{{Kind: "Secret", Namespace: "llm", Name: "hf-token", Keys: []string{"HF_TOKEN"}}}, needs.Granted)
	needs = reference(t, "deepseek-r1-h200/deepseek-r1-671b/overlays/default").Needs()
	assert.Equal(t, 8, needs.Devices, "all of them on one worker")
	require.Len(t, needs.Claims, 1)
	claim := needs.Claims[0]
	assert.Equal(t, []string{"llm", "llm-models-r1", "deepseek-r1"}, append([]string{claim.Namespace, claim.Name}, claim.Models...))
	assert.True(t, claim.Brought)
	assert.Equal(t, "fsx-lustre", *claim.Spec.StorageClassName)
	assert.Equal(t, "1200Gi", claim.Spec.Resources.Requests.Storage().String())
	assert.Empty(t, needs.Granted)
}

// TestGrantedByPods adds every way in which a pod names something.
func TestGrantedByPods(t *testing.T) {
	needs := customized(t, patch("kind: InferenceService, name: deepseek-r1-v1",
		`{op: replace, path: /spec/predictor/model/storageUri, value: "pvc://shared/models/a"}`,
		`{op: add, path: /spec/predictor/imagePullSecrets, value: [{name: registry}]}`,
		`{op: add, path: /spec/predictor/model/env, value: [{name: A, valueFrom: {secretKeyRef: {name: keys, key: a}}}, {name: B, valueFrom: {secretKeyRef: {name: keys, key: b}}}, {name: C, valueFrom: {secretKeyRef: {name: perhaps, key: c, optional: true}}}]}`,
		`{op: add, path: /spec/predictor/model/envFrom, value: [{configMapRef: {name: settings}}]}`,
		`{op: add, path: /spec/predictor/volumes, value: [{name: a, secret: {secretName: files, items: [{key: tls.crt, path: tls.crt}]}}, {name: b, persistentVolumeClaim: {claimName: cache}}]}`,
		`{op: add, path: /metadata/annotations/serving.kserve.io~1storageSecretName, value: store}`,
		`{op: replace, path: /spec/predictor/serviceAccountName, value: of-the-platform}`,
	)).Needs()
	assert.Equal(t, []tree.Claim{
		{Namespace: "llm", Name: "cache"},
		{Namespace: "llm", Name: "shared", Models: []string{"models/a"}},
	}, needs.Claims)
	assert.Equal(t, []tree.Granted{
		{Kind: "ConfigMap", Namespace: "llm", Name: "settings"},
		{Kind: "Secret", Namespace: "llm", Name: "files", Keys: []string{"tls.crt"}},
		{Kind: "Secret", Namespace: "llm", Name: "keys", Keys: []string{"a", "b"}},
		{Kind: "Secret", Namespace: "llm", Name: "registry", Pull: true},
		{Kind: "Secret", Namespace: "llm", Name: "store", Keys: []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}},
		{Kind: "ServiceAccount", Namespace: "llm", Name: "of-the-platform"},
	}, needs.Granted)
}

// reference is one of the trees of overlays/.
func reference(t *testing.T, name string) *tree.Tree {
	t.Helper()
	found, err := tree.Read(filepath.Join(overlays, name))
	require.NoError(t, err)
	return found
}

// patch is one of a kustomization, of operations on what the target chooses.
func patch(target string, operations ...string) string {
	return "- target: {" + target + "}\n  patch: |\n    - " + strings.Join(operations, "\n    - ") + "\n"
}

// customized is the reference tree with patches in its custom/kustomization.yaml.
func customized(t *testing.T, patches string) *tree.Tree {
	t.Helper()
	copied, err := read(t).Copy(t.TempDir())
	require.NoError(t, err)
	file := filepath.Join(copied.Dir, "custom", "kustomization.yaml")
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	if patches != "" {
		require.Contains(t, string(content), "patches: []")
		content = []byte(strings.Replace(string(content), "patches: []", "patches:\n"+patches, 1))
	}
	require.NoError(t, os.WriteFile(file, content, 0o600))
	changed, err := tree.Read(copied.Dir)
	require.NoError(t, err)
	return changed
}

// TestShift edits the tree by hand and has kservegen render the document with the same weights: the same bytes,
// of one file.
func TestShift(t *testing.T) {
	for _, weights := range [][2]string{{"50", "50"}, {"0", "100"}, {"100", "0"}, {"73", "27"}} {
		t.Run(weights[0]+"-"+weights[1], func(t *testing.T) {
			edited := t.TempDir()
			copied, err := read(t).Copy(edited)
			require.NoError(t, err)
			changed, err := copied.Shift(tree.Shares{v1: number(weights[0]), v2: number(weights[1])})
			require.NoError(t, err)
			assert.Len(t, changed, 8, "two weights and two buckets")
			rendered := t.TempDir()
			render(t, rendered, weights)
			assert.Equal(t, files(t, filepath.Join(rendered, "deepseek-r1")), files(t, edited))
			assert.Equal(t, []string{"overlays/production/patches/traffic.yaml"}, differing(t, edited))
		})
	}
}

// TestCopyOfOthers tells a tree that was not rendered apart: the lines of its weights are not known.
func TestCopyOfOthers(t *testing.T) {
	copied, err := read(t).Copy(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(copied.Dir, "..", "..", "kservegen.lock")))
	_, err = copied.Copy(t.TempDir())
	require.ErrorIs(t, err, tree.ErrNotRendered)
}

func number(text string) int {
	n := 0
	for _, digit := range text {
		n = n*10 + int(digit-'0')
	}
	return n
}

// render writes the document with other weights, which the environment production inherits.
func render(t *testing.T, out string, weights [2]string) {
	t.Helper()
	renderOf(t, filepath.Join(example, "document.yaml"), out, weights)
}

func renderOf(t *testing.T, file, out string, weights [2]string) {
	t.Helper()
	document, err := os.ReadFile(file)
	require.NoError(t, err)
	changed := strings.Replace(string(document), "{revision: v1, weight: 90}", "{revision: v1, weight: "+weights[0]+"}", 1)
	changed = strings.Replace(changed, "{revision: v2, weight: 10,", "{revision: v2, weight: "+weights[1]+",", 1)
	path := filepath.Join(t.TempDir(), "document.yaml")
	require.NoError(t, os.WriteFile(path, []byte(changed), 0o600))
	cmd := exec.Command("go", "run", "./cmd/kservegen", "render", "-f", path, "-o", out)
	cmd.Dir = "../../.."
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		relative, _ := filepath.Rel(dir, path) // both are ours
		// What the document says beside a number is not a person's to keep up.
		for line := range bytes.Lines(content) {
			text, _, _ := bytes.Cut(line, []byte(" # "))
			found[relative] += string(bytes.TrimRight(text, "\n")) + "\n"
		}
		return err
	}))
	return found
}

// differing are the files of the copy that are not as in the example.
func differing(t *testing.T, copied string) []string {
	t.Helper()
	was := files(t, filepath.Join(example, "deepseek-r1"))
	var changed []string
	for name, content := range files(t, copied) {
		if was[name] != content {
			changed = append(changed, name)
		}
	}
	return changed
}

// TestCustomize changes a copy by its component custom/, and Without tells what the copy then lacks.
func TestCustomize(t *testing.T) {
	copied, err := read(t).Copy(t.TempDir())
	require.NoError(t, err)
	changed, err := copied.Customize(tree.Patch{Kind: "InferenceService", Patch: `[{"op": "replace", "path": "/spec/predictor/terminationGracePeriodSeconds", "value": 1}]`})
	require.NoError(t, err)
	require.Len(t, changed.Services, 2)
	for _, service := range changed.Services {
		assert.EqualValues(t, 1, *service.Spec.Predictor.TerminationGracePeriodSeconds)
	}
	assert.Empty(t, read(t).Without(changed))
	changed, err = changed.Customize(tree.Patch{Kind: "PodDisruptionBudget", Patch: `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: any}, $patch: delete}`})
	require.NoError(t, err)
	var kinds []any
	for _, object := range read(t).Without(changed) {
		kinds = append(kinds, object["kind"])
	}
	assert.Equal(t, []any{"PodDisruptionBudget", "PodDisruptionBudget"}, kinds)
}

// TestCustomizeByName leaves the other objects of the kind as they are.
func TestCustomizeByName(t *testing.T) {
	copied, err := read(t).Copy(t.TempDir())
	require.NoError(t, err)
	changed, err := copied.Customize(tree.Patch{Kind: "InferenceService", Name: "deepseek-r1-v2", Patch: `[{"op": "replace", "path": "/spec/predictor/terminationGracePeriodSeconds", "value": 1}]`})
	require.NoError(t, err)
	require.Len(t, changed.Services, 2)
	assert.EqualValues(t, 345, *changed.Services[0].Spec.Predictor.TerminationGracePeriodSeconds)
	assert.EqualValues(t, 1, *changed.Services[1].Spec.Predictor.TerminationGracePeriodSeconds)
}

// TestEditTraffic makes the two mistakes of the Flux case: kustomize refuses a host that the patch's test does not find,
// and builds a weight that only an API server refuses.
func TestEditTraffic(t *testing.T) {
	copied, err := read(t).Copy(t.TempDir())
	require.NoError(t, err)
	require.ErrorContains(t, copied.EditTraffic(func(content string) string { return content }), "the edit changes nothing")
	require.NoError(t, copied.EditTraffic(func(content string) string { return strings.Replace(content, v1, "gone."+v1, 1) }))
	_, err = tree.Read(copied.Dir)
	require.ErrorContains(t, err, "test")

	copied, err = read(t).Copy(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, copied.EditTraffic(tree.WeightInWords))
	content, err := os.ReadFile(filepath.Join(copied.Dir, "patches", "traffic.yaml"))
	require.NoError(t, err)
	assert.Contains(t, string(content), "value: ninety # v1: 90 in the document")
	_, err = builder.BuildObjects(filesys.MakeFsOnDisk(), copied.Dir)
	require.NoError(t, err)
	_, err = tree.Read(copied.Dir)
	require.Error(t, err, "a weight is a number")
}
