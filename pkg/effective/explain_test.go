package effective_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// TestOrigins changes one thing a case and asks where a value comes from.
func TestOrigins(t *testing.T) {
	t.Parallel()
	const (
		container = "/spec/containers/0"
		webhook   = "webhook"
	)
	for name, test := range map[string]struct{ patch, kind, pointer, want string }{
		"runtime's image":         {"", "Pod", container + "/image", "servingruntime"},
		"rewritten image":         {`runtime: {metadata: {annotations: {serving.kserve.io/server-type: vllmserver}}}`, "Pod", container + "/image", "kserve default (controller)"},
		"versioned image":         {`isvc: {spec: {predictor: {model: {runtimeVersion: v2}}}}`, "Pod", container + "/image", "kserve default (controller)"},
		"own image":               {`isvc: {spec: {predictor: {model: {image: "b:1"}}}}`, "Pod", container + "/image", "inferenceservice"},
		"same image on both":      {`isvc: {spec: {predictor: {model: {image: "vllm/vllm-openai:v0.33.0"}}}}`, "Pod", container + "/image", "inferenceservice"},
		"runtime's arg":           {"", "Pod", container + "/args/1", "servingruntime"},
		"own arg":                 {`isvc: {spec: {predictor: {model: {args: [--x]}}}}`, "Pod", container + "/args/2", "inferenceservice"},
		"own arg, repeated":       {`isvc: {spec: {predictor: {model: {args: [--port=8080]}}}}`, "Pod", container + "/args/2", "inferenceservice"},
		"placeholder":             {`runtime: {spec: {containers: [{name: kserve-container, image: a:1, args: ["--n={{.Name}}"]}]}}`, "Pod", container + "/args/0", "servingruntime"},
		"container's name":        {"", "Pod", container + "/name", "servingruntime"},
		"filled-in probe":         {"", "Pod", container + "/readinessProbe/tcpSocket/port", "kserve default (controller)"},
		"added env":               {"", "Pod", container + "/env/0/value", "kserve default (controller)"},
		"own pod field":           {`isvc: {spec: {predictor: {serviceAccountName: a}}}`, "Pod", "/spec/serviceAccountName", "inferenceservice"},
		"runtime's volume":        {`runtime: {spec: {volumes: [{name: a, emptyDir: {medium: Memory}}]}}`, "Pod", "/spec/volumes/0/emptyDir/medium", "servingruntime"},
		"injected mount":          {"", "Pod", container + "/volumeMounts/0/name", webhook},
		"initializer's limit":     {"", "Pod", "/spec/initContainers/0/resources/limits/memory", "clusterstoragecontainer"},
		"initializer's args":      {"", "Pod", "/spec/initContainers/0/args/0", webhook},
		"configured requests":     {`{runtime: null, isvc: {spec: {predictor: {model: null, containers: [{name: kserve-container, image: a:1}]}}}}`, "Pod", container + "/resources/limits/memory", "configmap (defaulting webhook)"},
		"agent's image":           {`isvc: {spec: {predictor: {model: {storageUri: null}}}}`, "Pod", "/spec/containers/1/image", "configmap (webhook)"},
		"agent's port":            {`isvc: {spec: {predictor: {model: {storageUri: null}}}}`, "Pod", "/spec/containers/1/ports/0/containerPort", webhook},
		"overwritten annotation":  {`isvc: {spec: {predictor: {annotations: {serving.kserve.io/enable-prometheus-scraping: "true", prometheus.io/port: "8080"}}}}`, "Pod", "/metadata/annotations/prometheus.io~1port", webhook},
		"replicas":                {"", "Deployment", "/spec/replicas", "inferenceservice"},
		"filled-in strategy":      {"", "Deployment", "/spec/strategy/rollingUpdate/maxSurge", "kserve default (controller)"},
		"own strategy":            {`isvc: {spec: {predictor: {deploymentStrategy: {type: Recreate}}}}`, "Deployment", "/spec/strategy/type", "inferenceservice"},
		"template's image":        {"", "Deployment", "/spec/template" + container + "/image", "servingruntime"},
		"target port":             {"", "Service", "/spec/ports/0/targetPort", "servingruntime"},
		"port 80":                 {"", "Service", "/spec/ports/0/port", "kserve default (controller)"},
		"HPA's own minimum":       {class("hpa", "minReplicas: 2, maxReplicas: 4"), "HorizontalPodAutoscaler", "/spec/minReplicas", "inferenceservice"},
		"HPA's floor":             {class("hpa", "minReplicas: 0, maxReplicas: 4"), "HorizontalPodAutoscaler", "/spec/minReplicas", "kserve default (controller)"},
		"HPA's CPU target":        {class("hpa", "minReplicas: 2"), "HorizontalPodAutoscaler", "/spec/metrics/0/resource/target/averageUtilization", "kserve default (controller)"},
		"HPA's own target":        {class("hpa", "scaleTarget: 60"), "HorizontalPodAutoscaler", "/spec/metrics/0/resource/target/averageUtilization", "inferenceservice"},
		"Ingress' host":           {`isvc: {metadata: {labels: {networking.kserve.io/visibility: null}}}`, "Ingress", "/spec/rules/0/host", "configmap (controller)"},
		"label of the runtime":    {`runtime: {spec: {labels: {a: b}}}`, "Pod", "/metadata/labels/a", "servingruntime"},
		"label of the service":    {`isvc: {metadata: {labels: {a: b}}}`, "Service", "/metadata/labels/a", "inferenceservice"},
		"KEDA's window":           {class("keda", kedaMetric), "ScaledObject", "/spec/triggers/0/metadata/query", "inferenceservice"},
		"KEDA's configured delay": {class("keda", kedaMetric), "ScaledObject", "/spec/advanced/horizontalPodAutoscalerConfig/behavior/scaleDown/stabilizationWindowSeconds", "configmap (controller)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := explained(t, resourcesOf(t, test.patch))
			origins := originsOf(t, result, test.kind)
			origin, ok := origins[test.pointer]
			require.Truef(t, ok, "no %s in %v", test.pointer, slices.Sorted(maps.Keys(origins)))
			assert.Equal(t, test.want, origin.String())
		})
	}
}

const kedaMetric = `minReplicas: 1, maxReplicas: 4, autoScaling: {metrics: [{type: External, external: {metric: {backend: prometheus, serverAddress: "http://p", query: q}, target: {type: Value, value: "1"}}}]}`

func originsOf(t *testing.T, result effective.Result, kind string) map[string]effective.Origin {
	t.Helper()
	for _, object := range slices.Concat(result.Objects, result.Pods) {
		if object.Data["kind"] == kind {
			return object.Origins
		}
	}
	require.Failf(t, "not made", "no %s in %v", kind, kinds(result))
	return nil
}

// TestOriginsOfTheStablePredictor: what a canary's values come from is not said rather than guessed.
func TestOriginsOfTheStablePredictor(t *testing.T) {
	t.Parallel()
	result := explained(t, resourcesOf(t, canary("none", "4", `[{trafficPercent: 30, predictor: {name: next, model: {runtime: vllm, modelFormat: {name: vLLM}, storageUri: "hf://c/d"}}}]`)))
	for _, object := range slices.Concat(result.Objects, result.Pods) {
		name, _ := at(object.Data, "metadata", "name").(string)
		generated, _ := at(object.Data, "metadata", "generateName").(string)
		assert.Equal(t, strings.Contains(name+generated, "next"), object.Origins == nil, name+generated)
		_, err := manifest.MarshalCommented(object.Data, object.Comments())
		require.NoError(t, err)
	}
}

// TestOriginsLeaveTheResultAlone: the second run that finds the ConfigMap's share must not show.
func TestOriginsLeaveTheResultAlone(t *testing.T) {
	t.Parallel()
	resources := resourcesOf(t, "")
	plain, with := of(t, resources).Services[0], explained(t, resources)
	require.Len(t, with.Objects, len(plain.Objects))
	for i := range plain.Objects {
		assert.Equal(t, plain.Objects[i].Data, with.Objects[i].Data)
		assert.Nil(t, plain.Objects[i].Origins)
	}
	assert.Equal(t, plain.Pod(), with.Pod())
}

// TestEveryValueHasAnOrigin, and every comment a place.
func TestEveryValueHasAnOrigin(t *testing.T) {
	t.Parallel()
	result := explained(t, resourcesOf(t, `isvc: {spec: {predictor: {model: {storageUri: null}, annotations: {long: "`+strings.Repeat("x ", 80)+`", lines: "a\nb"}}}}`))
	for _, object := range slices.Concat(result.Objects, result.Pods) {
		require.NotEmpty(t, object.Origins)
		text, err := manifest.MarshalCommented(object.Data, object.Comments())
		require.NoError(t, err)
		plain, err := manifest.Marshal(object.Data)
		require.NoError(t, err)
		assert.Equal(t, string(plain), withoutComments(string(text)), "comments change nothing")
	}
}

func withoutComments(text string) string {
	var kept []string
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "# ") {
			continue
		}
		line, _, _ = strings.Cut(line, " # ")
		kept = append(kept, line)
	}
	return strings.Join(kept, "\n")
}
