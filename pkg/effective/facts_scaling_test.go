package effective_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// class returns a patch with another autoscaler class and fields of the predictor.
func class(name, predictor string) string {
	return `isvc: {metadata: {annotations: {serving.kserve.io/autoscalerClass: ` + name + `}}, spec: {predictor: {` + predictor + `}}}`
}

func TestKServeReplicas(t *testing.T) {
	t.Parallel()
	assert.EqualValues(t, 3, at(serve(t, class("none", "minReplicas: 3")).Find("Deployment"), "spec", "replicas"))
	for _, name := range []string{"external", "hpa", "null"} {
		assert.Nil(t, at(serve(t, class(name, "minReplicas: 3")).Find("Deployment"), "spec", "replicas"), "%s: left to the API server, which says 1 (kserve#3768)", name)
	}
	assert.Nil(t, serve(t, class("none", "")).Find("HorizontalPodAutoscaler"))
	assert.Nil(t, serve(t, class("external", "maxReplicas: 5")).Find("HorizontalPodAutoscaler"))
	assert.Nil(t, at(serve(t, class("none", "minReplicas: null")).Find("Deployment"), "spec", "replicas"))
	assert.EqualValues(t, 0, at(serve(t, class("none", "minReplicas: 0")).Find("Deployment"), "spec", "replicas"))
}

func TestKServeHPA(t *testing.T) {
	t.Parallel()
	hpa := func(predictor string) map[string]any {
		found := serve(t, class("null", predictor)).Find("HorizontalPodAutoscaler")
		require.NotNil(t, found)
		return found["spec"].(map[string]any)
	}
	standard := hpa("minReplicas: 2, maxReplicas: 4")
	metric := standard["metrics"].([]any)[0]
	assert.Equal(t, "cpu", at(metric, "resource", "name"), "on a server whose work is on a GPU")
	assert.EqualValues(t, 80, at(metric, "resource", "target", "averageUtilization"))
	assert.EqualValues(t, 1, hpa("minReplicas: 0, maxReplicas: 4")["minReplicas"], "zero becomes one (kserve#3514)")
	assert.EqualValues(t, 3, hpa("minReplicas: 3, maxReplicas: null")["maxReplicas"])
	behaved := hpa(`minReplicas: 1, maxReplicas: 4, autoScaling: {behavior: {scaleDown: {stabilizationWindowSeconds: 600}},
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]}`)
	assert.Empty(t, behaved["behavior"], "behavior is dropped")
	assert.EqualValues(t, 50, at(behaved["metrics"].([]any)[0], "resource", "target", "averageUtilization"))
	for name, predictor := range map[string]string{
		"memory without a target": `scaleMetric: memory`,
		"requests per second":     `scaleMetric: rps, scaleTarget: 5`,
		"an external metric":      `autoScaling: {metrics: [{type: External, external: {metric: {backend: prometheus, query: q}, target: {type: Value, value: "1"}}}]}`,
	} {
		assert.Nil(t, hpa(`minReplicas: 1, maxReplicas: 4, ` + predictor)["metrics"], "%s: no metric at all, which the API server fills with CPU 80 %%", name)
	}
}

// TestKServeScalingRefusals: the webhook checks metrics only where the annotation autoscalerClass says hpa or keda.
// Without it the class is hpa all the same, and nothing is checked.
func TestKServeScalingRefusals(t *testing.T) {
	t.Parallel()
	const external = `autoScaling: {metrics: [{type: External, external: {metric: {backend: prometheus, serverAddress: "http://p", query: q}, target: {type: Value, value: "1"}}}]}`
	for name, test := range map[string]struct{ patch, message string }{
		"rps, hpa":              {class("hpa", "scaleMetric: rps"), "[rps] is not a supported metric"},
		"rps, no class":         {class("null", "scaleMetric: rps"), ""},
		"memory over 100":       {class("hpa", "scaleMetric: memory, scaleTarget: 200"), "[1-100]"},
		"external, hpa":         {class("hpa", external), "invalid HPA metric source type"},
		"external, no class":    {class("null", external), ""},
		"external, none":        {class("none", external), ""},
		"external, external":    {class("external", external), ""},
		"scaleMetric, keda":     {class("keda", "scaleMetric: cpu, maxReplicas: 2"), "ScaleMetric is not supported for KEDA"},
		"unknown class":         {class("mine", ""), "not a supported autoscaler"},
		"memory over 100, none": {class("none", "scaleMetric: memory, scaleTarget: 200"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.message == "" {
				serve(t, test.patch)
				return
			}
			refusal := refused(t, test.patch)
			assert.Equal(t, "inferenceservice.kserve-webhook-server.validator", refusal.By)
			assert.Contains(t, refusal.Message, test.message)
		})
	}
}

func TestKServeKEDA(t *testing.T) {
	t.Parallel()
	scaled := serve(t, class("keda", `minReplicas: 0, maxReplicas: 4, autoScaling: {behavior: {scaleDown: {stabilizationWindowSeconds: 600, policies: [{type: Pods, value: 1, periodSeconds: 60}]}},
  metrics: [{type: External, external: {metric: {backend: prometheus, serverAddress: "http://p", query: q}, target: {type: Value, value: "1"}}}]}`))
	object := scaled.Find("ScaledObject")
	require.NotNil(t, object)
	assert.EqualValues(t, 0, at(object, "spec", "minReplicaCount"), "zero is passed on")
	down := at(object, "spec", "advanced", "horizontalPodAutoscalerConfig", "behavior", "scaleDown")
	assert.EqualValues(t, 600, at(down, "stabilizationWindowSeconds"))
	assert.Nil(t, at(down, "policies"), "policies are dropped")
	assert.Nil(t, scaled.Find("HorizontalPodAutoscaler"))
}

// TestKServeCanaryTrafficPercent: Standard mode does not look at it (kserve#5335).
func TestKServeCanaryTrafficPercent(t *testing.T) {
	t.Parallel()
	with, without := serve(t, `isvc: {spec: {predictor: {canaryTrafficPercent: 10}}}`), serve(t, "")
	assert.Empty(t, with.Warnings)
	assert.Equal(t, without.Objects, with.Objects)
	assert.Equal(t, without.Pods, with.Pods)
}

func canary(class, minReplicas, list string) string {
	return `isvc: {metadata: {annotations: {serving.kserve.io/autoscalerClass: ` + class + `}},
  spec: {predictor: {minReplicas: ` + minReplicas + `}, canary: ` + list + `}}`
}

// TestKServeCanary: v0.20 makes a second Deployment and Service, takes its replicas from the stable one, and sends
// no traffic there.
func TestKServeCanary(t *testing.T) {
	t.Parallel()
	const one = `[{trafficPercent: 30, predictor: {name: next, model: {runtime: vllm, modelFormat: {name: vLLM}, storageUri: "hf://c/d"}}}]`
	result := serve(t, canary("none", "4", one))
	assert.Equal(t, []string{"Deployment m-next-predictor", "Deployment m-predictor", "Service m-next-predictor", "Service m-predictor"}, kinds(result))
	assert.EqualValues(t, 2, at(result.Objects[0].Data, "spec", "replicas"), "30 % of 4, rounded up")
	assert.EqualValues(t, 2, at(result.Objects[1].Data, "spec", "replicas"), "the stable one loses as many")
	require.Len(t, result.Pods, 2)
	assert.Equal(t, []any{"hf://c/d", "/mnt/models"}, at(result.Pods[0].Data, "spec", "initContainers", "storage-initializer", "args"))

	shrunk := serve(t, canary("none", "1", one))
	assert.EqualValues(t, 1, at(shrunk.Objects[1].Data, "spec", "replicas"), "never below one")
	zero := serve(t, canary("none", "4", `[{trafficPercent: 0, predictor: {name: next, model: {runtime: vllm, modelFormat: {name: vLLM}}}}]`))
	assert.EqualValues(t, 0, at(zero.Objects[0].Data, "spec", "replicas"), "0 % is no replica to test with")
	keda := serve(t, canary("keda", "2", one))
	for _, object := range keda.Objects {
		if object.Data["kind"] == "ScaledObject" {
			assert.Nil(t, at(object.Data, "spec", "triggers"), "the CRD requires triggers")
		}
	}
	hpa := serve(t, canary("null", "2", one))
	assert.Contains(t, kinds(hpa), "HorizontalPodAutoscaler m-next-predictor", "scaled on CPU from the percentage up")
	lost := serve(t, `isvc: {spec: {predictor: {minReplicas: 2, deploymentStrategy: {type: Recreate}}, canary: `+one+`}}`)
	assert.Equal(t, "RollingUpdate", at(lost.Objects[0].Data, "spec", "strategy", "type"), "the strategy is not taken over")
	assert.Equal(t, "Recreate", at(lost.Objects[1].Data, "spec", "strategy", "type"))
}

func TestKServeCanaryRefusals(t *testing.T) {
	t.Parallel()
	const model = `model: {runtime: vllm, modelFormat: {name: vLLM}}`
	for list, message := range map[string]string{
		`[{trafficPercent: 60, predictor: {name: a, ` + model + `}}, {trafficPercent: 60, predictor: {name: b, ` + model + `}}]`: "must be <= 100",
		`[{trafficPercent: 10, predictor: {name: a, ` + model + `}}, {trafficPercent: 10, predictor: {name: a, ` + model + `}}]`: "is duplicated",
		`[{trafficPercent: 10, predictor: {` + model + `}}]`:                                                                     "name is required",
		`[{trafficPercent: 10, predictor: {name: a, maxReplicas: 2, ` + model + `}}]`:                                            "must not set maxReplicas",
		`[{trafficPercent: 10, predictor: {name: a, minReplicas: 5, ` + model + `}}]`:                                            "must not exceed",
	} {
		assert.Contains(t, refused(t, canary("none", "2", list)).Message, message)
	}
	mode := refused(t, `isvc: {metadata: {annotations: {serving.kserve.io/deploymentMode: Knative, serving.kserve.io/autoscalerClass: null}}, spec: {canary: [{trafficPercent: 10, predictor: {name: a, `+model+`}}]}}`)
	assert.Contains(t, mode.Message, "only supported in Standard")
	serve(t, `isvc: {metadata: {annotations: {serving.kserve.io/deploymentMode: RawDeployment}}, spec: {canary: [{trafficPercent: 10, predictor: {name: a, `+model+`}}]}}`)
}
