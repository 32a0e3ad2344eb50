package effective_test

import (
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/stretchr/testify/require"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// world is a plain runtime and a service on it; every test says in a merge patch what is different.
const world = `
runtime:
  apiVersion: serving.kserve.io/v1alpha1
  kind: ServingRuntime
  metadata: {name: vllm, namespace: llm}
  spec:
    supportedModelFormats: [{name: vLLM, version: "1"}]
    containers:
    - name: kserve-container
      image: vllm/vllm-openai:v0.33.0
      args: [--port=8080, --model=/mnt/models]
      ports: [{name: http, containerPort: 8080, protocol: TCP}]
isvc:
  apiVersion: serving.kserve.io/v1beta1
  kind: InferenceService
  metadata:
    name: m
    namespace: llm
    annotations: {serving.kserve.io/deploymentMode: Standard, serving.kserve.io/autoscalerClass: none}
    labels: {networking.kserve.io/visibility: cluster-local}
  spec:
    predictor:
      minReplicas: 1
      model: {runtime: vllm, modelFormat: {name: vLLM}, storageUri: hf://a/b}
add: []
`

// resourcesOf is the world with a patch. runtime: null leaves it out, add lists further objects, which come first.
func resourcesOf(t testing.TB, patch string) []manifest.Resource {
	t.Helper()
	base, err := yaml.YAMLToJSON([]byte(world))
	require.NoError(t, err)
	if patch != "" {
		change, patchErr := yaml.YAMLToJSONStrict([]byte(patch))
		require.NoError(t, patchErr)
		base, err = jsonpatch.MergePatch(base, change)
		require.NoError(t, err)
	}
	var objects struct {
		Runtime map[string]any   `json:"runtime"`
		Isvc    map[string]any   `json:"isvc"`
		Add     []map[string]any `json:"add"`
	}
	require.NoError(t, utiljson.Unmarshal(base, &objects))
	var resources []manifest.Resource
	for _, object := range append(objects.Add, objects.Runtime, objects.Isvc) {
		if object != nil {
			resources = append(resources, manifest.Resource{Data: object})
		}
	}
	return resources
}

// effect runs KServe over the world with a patch.
func effect(t *testing.T, patch string) *effective.Effect {
	t.Helper()
	return of(t, resourcesOf(t, patch))
}

func of(t *testing.T, resources []manifest.Resource) *effective.Effect {
	t.Helper()
	builder, err := effective.New(effective.Options{})
	require.NoError(t, err)
	found, err := builder.Of(t.Context(), resources)
	require.NoError(t, err)
	return found
}

// serve is effect for a service that must come through.
func serve(t *testing.T, patch string) effective.Result {
	t.Helper()
	found := effect(t, patch)
	require.Empty(t, found.Refused)
	require.Len(t, found.Services, 1)
	require.Empty(t, found.Services[0].Refused)
	return found.Services[0]
}

// refused is effect for a service that must not; it returns who said no and how.
func refused(t *testing.T, patch string) effective.Refusal {
	t.Helper()
	found := effect(t, patch)
	all := found.Refused
	for _, service := range found.Services {
		all = append(all, service.Refused...)
	}
	require.NotEmpty(t, all, "nothing was refused")
	return all[0]
}

// at follows names of fields and, for lists of named items, names of items.
func at(v any, path ...string) any {
	for _, name := range path {
		switch here := v.(type) {
		case map[string]any:
			v = here[name]
		case []any:
			v = item(here, name)
		default:
			return nil
		}
	}
	return v
}

func item(list []any, name string) any {
	for _, entry := range list {
		if fields, ok := entry.(map[string]any); ok && (fields["name"] == name || fields["mountPath"] == name) {
			return entry
		}
	}
	return nil
}

// server is the model server's container of the admitted pod.
func server(result effective.Result) any {
	return at(result.Pod(), "spec", "containers", "kserve-container")
}

func initializer(result effective.Result) any {
	return at(result.Pod(), "spec", "initContainers", "storage-initializer")
}

func kinds(result effective.Result) []string {
	var list []string
	for _, object := range result.Objects {
		list = append(list, object.Data["kind"].(string)+" "+at(object.Data, "metadata", "name").(string))
	}
	return list
}

// merge merges a patch into another.
func merge(t *testing.T, patch, more string) string {
	t.Helper()
	base, err := yaml.YAMLToJSON([]byte(patch))
	require.NoError(t, err)
	change, err := yaml.YAMLToJSON([]byte(more))
	require.NoError(t, err)
	both, err := jsonpatch.MergeMergePatches(base, change)
	require.NoError(t, err)
	return string(both)
}

// TestMain keeps klog from writing between the tests' lines.
func TestMain(m *testing.M) {
	effective.DiscardLogs()
	m.Run()
}
