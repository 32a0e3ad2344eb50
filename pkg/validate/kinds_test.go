package validate_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/finding"
)

// TestKServesWebhooksForOtherKinds run: these objects are right by their schemas.
func TestKServesWebhooksForOtherKinds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, says, path string }{
		"LLMInferenceService v1alpha2": {`apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: qwen, namespace: llm}
spec:
  model: {uri: "hf://Qwen/Qwen2.5-7B-Instruct"}
  router: {gateway: {}, route: {http: {refs: [{name: mine}]}}}
`, "custom HTTP routes", "/spec/router/route/http/refs"},
		"LLMInferenceService v1alpha1": {`apiVersion: serving.kserve.io/v1alpha1
kind: LLMInferenceService
metadata: {name: qwen, namespace: llm}
spec:
  model: {uri: "hf://Qwen/Qwen2.5-7B-Instruct"}
  router: {gateway: {}, route: {http: {refs: [{name: mine}]}}}
`, "custom HTTP routes", "/spec/router/route/http/refs"},
		"LLMInferenceServiceConfig": {`apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceServiceConfig
metadata: {name: base, namespace: llm}
spec: {baseRefs: [{name: other}]}
`, "baseRefs is not a permitted field", "/spec/baseRefs"},
		"TrainedModel": {`apiVersion: serving.kserve.io/v1alpha1
kind: TrainedModel
metadata: {name: model, namespace: llm}
spec:
  inferenceService: server
  model: {framework: sklearn, memory: 1Gi, storageUri: "floppy://a/model"}
`, "storageUri", "/metadata/name"},
		"LocalModelCache": {`apiVersion: serving.kserve.io/v1alpha1
kind: LocalModelCache
metadata: {name: one}
spec: {modelSize: 1Gi, nodeGroups: [a], sourceModelUri: "hf://a/b"}
---
apiVersion: serving.kserve.io/v1alpha1
kind: LocalModelCache
metadata: {name: two}
spec: {modelSize: 1Gi, nodeGroups: [a], sourceModelUri: "hf://a/b"}
`, "LocalModelCache one has the same StorageURI", "/metadata/name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := judge(t, write(t, "object.yaml", c.text))
			require.Len(t, r.Findings, 1)
			assert.Equal(t, "KG0030", r.Findings[0].Code)
			assert.Contains(t, r.Findings[0].Message, c.says)
			assert.Equal(t, c.path, r.Findings[0].Path)
		})
	}
}

// TestSchemaOnly: what is judged by less says so, once an object.
func TestSchemaOnly(t *testing.T) {
	t.Parallel()
	r := judge(t, write(t, "cache.yaml", `apiVersion: serving.kserve.io/v1alpha1
kind: LocalModelNamespaceCache
metadata: {name: one, namespace: llm}
spec: {modelSize: 1Gi, nodeGroups: [a], sourceModelUri: "hf://a/b"}
`))
	require.Len(t, r.Findings, 1)
	assert.Equal(t, "KG0026", r.Findings[0].Code)
	assert.Equal(t, finding.Info, r.Findings[0].Level)
	assert.Contains(t, r.Findings[0].Message, "by its schema only")
}

// TestFixesNameWhatThereIs: a mount of no volume is not mended by another apiVersion.
func TestFixesNameWhatThereIs(t *testing.T) {
	t.Parallel()
	pod := `apiVersion: v1
kind: Pod
metadata: {name: web, namespace: llm}
spec:
  containers:
  - {name: web, image: "example.com/web:1.0", volumeMounts: [{name: cahce, mountPath: /cache}]}
`
	for volumes, fix := range map[string]string{
		"  volumes: [{name: cache, emptyDir: {}}, {name: tmp, emptyDir: {}}]\n": "Write the name of a volume (cache, tmp), or add one of this name to volumes.",
		"": "Add a volume of this name to volumes; the pod has none.",
	} {
		fixes := map[string]string{}
		for _, f := range judge(t, write(t, "pod.yaml", pod+volumes)).Findings {
			fixes[f.Path] = f.Fix
		}
		assert.Equal(t, fix, fixes["/spec/containers/0/volumeMounts/0/name"])
	}
}

// TestOneMistakeIsToldOnce by one code: of autoscalers of a plain Deployment, and of one that stands twice.
func TestOneMistakeIsToldOnce(t *testing.T) {
	t.Parallel()
	deployment := strings.Split(selectsNothing, "---\n")[0]
	autoscaler := `---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: NAME, namespace: apps}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: MIN
  maxReplicas: 2
  metrics: [{type: Pods, pods: {metric: {name: requests}, target: {type: AverageValue, averageValue: "1"}}}]
`
	hpa := func(name, least string) string {
		return strings.NewReplacer("NAME", name, "MIN", least).Replace(autoscaler)
	}
	for want, text := range map[string]string{
		"KG0023": hpa("web", "3"),
		"KG1006": hpa("web", "1") + hpa("web", "1"),
		"KG0512": hpa("web", "1") + hpa("other", "1"),
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			var codes []string
			for _, f := range judge(t, write(t, "web.yaml", deployment+text)).Findings {
				if f.Level == finding.Error {
					codes = append(codes, f.Code)
					assert.NotContains(t, f.Fix, "serving.kserve.io", "it is no predictor's")
				}
			}
			assert.Equal(t, []string{want}, codes)
		})
	}
}
