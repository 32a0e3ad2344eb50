package importer

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheFormatTellsWhatServes, whatever the runtime's image is called.
func TestTheFormatTellsWhatServes(t *testing.T) {
	t.Parallel()
	const runtime = "apiVersion: serving.kserve.io/v1alpha1\nkind: ClusterServingRuntime\nmetadata: {name: llm}\n" +
		"spec: {supportedModelFormats: [{name: %s, autoSelect: true}], containers: [{name: kserve-container, image: registry.example.com/llm:1}]}"
	const service = "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: chat, namespace: llm}\nspec: {predictor: {model: {modelFormat: {name: %s}}}}"
	for format, serves := range map[string]bool{"vLLM": true, "vllm": true, "huggingface": false, "sklearn": false} {
		s := newScene("", objects(t, fmt.Sprintf(runtime, format), fmt.Sprintf(service, format)))
		assert.Equal(t, serves, len(s.workloads) == 1, format)
	}
}

// TestRuntimesAreChosenAsKServeDoes: one of the namespace before those of the cluster, then the highest priority, then the
// first name; only those that may be chosen.
func TestRuntimesAreChosenAsKServeDoes(t *testing.T) {
	t.Parallel()
	runtime := func(kind, name, format, spec string) string {
		return fmt.Sprintf("apiVersion: serving.kserve.io/v1alpha1\nkind: %s\nmetadata: {name: %s, namespace: llm}\nspec: {supportedModelFormats: [%s], %s"+
			"containers: [{name: kserve-container, image: vllm/vllm-openai:v0.20.0}]}", kind, name, format, spec)
	}
	const service = "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: chat, namespace: llm}\nspec: {predictor: {model: {modelFormat: {name: vLLM%s}}}}"
	const auto, cluster = "{name: vLLM, version: '1', autoSelect: true}", "ClusterServingRuntime"
	for name, c := range map[string]struct {
		format, want string
		runtimes     []string
	}{
		"the only one":            {"", "a", []string{runtime(cluster, "a", auto, "")}},
		"the first name":          {"", "a", []string{runtime(cluster, "b", auto, ""), runtime(cluster, "a", auto, "")}},
		"the priority":            {"", "b", []string{runtime(cluster, "a", "{name: vLLM, autoSelect: true, priority: 1}", ""), runtime(cluster, "b", "{name: vLLM, autoSelect: true, priority: 2}", "")}},
		"of the namespace":        {"", "b", []string{runtime(cluster, "a", "{name: vLLM, autoSelect: true, priority: 9}", ""), runtime("ServingRuntime", "b", auto, "")}},
		"not of itself":           {"", "", []string{runtime(cluster, "a", "{name: vLLM}", "")}},
		"another format":          {"", "", []string{runtime(cluster, "a", "{name: sklearn, autoSelect: true}", "")}},
		"the version":             {", version: '1'", "a", []string{runtime(cluster, "a", auto, "")}},
		"another version":         {", version: '2'", "", []string{runtime(cluster, "a", auto, "")}},
		"disabled":                {"", "", []string{runtime(cluster, "a", auto, "disabled: true, ")}},
		"of several models":       {"", "", []string{runtime(cluster, "a", auto, "multiModel: true, ")}},
		"of several nodes":        {"", "", []string{runtime(cluster, "a", auto, "workerSpec: {}, ")}},
		"another one's namespace": {"", "", []string{"apiVersion: serving.kserve.io/v1alpha1\nkind: ServingRuntime\nmetadata: {name: a, namespace: other}\nspec: {supportedModelFormats: [" + auto + "]}"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene("", objects(t, append(c.runtimes, fmt.Sprintf(service, c.format))...))
			require.Len(t, s.workloads, 1)
			w := s.workloads[0]
			if c.want == "" {
				assert.Nil(t, w.runtime)
				return
			}
			require.NotNil(t, w.runtime)
			assert.Equal(t, c.want, w.runtime.Name())
			assert.True(t, w.chosen())
		})
	}
}
