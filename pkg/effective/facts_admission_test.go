package effective_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

const (
	serviceValidator = "inferenceservice.kserve-webhook-server.validator"
	runtimeValidator = "servingruntime.kserve-webhook-server.validator"
)

func TestKServeModes(t *testing.T) {
	t.Parallel()
	mode := func(annotation string) (string, any) {
		result := serve(t, `isvc: {metadata: {annotations: {serving.kserve.io/deploymentMode: `+annotation+`}}}`)
		return result.Mode, at(result.Admitted, "metadata", "annotations", "serving.kserve.io/deploymentMode")
	}
	for given, want := range map[string]string{"Standard": "Standard", "RawDeployment": "Standard", "Serverless": "Knative", "Knative": "Knative"} {
		became, stored := mode(given)
		assert.Equal(t, want, became, given)
		assert.Equal(t, want, stored, "the webhook rewrites the annotation: a lasting difference to what is in Git")
	}
	became, stored := mode("null")
	assert.Equal(t, "Knative", became, "the shipped ConfigMap says Serverless")
	assert.Nil(t, stored)
	became, _ = mode("raw")
	assert.Equal(t, "Knative", became, "an unknown mode is the default one")
}

// TestKServeRefusesNames: a model must have no container name (kserve#4472), though the CRD has the field.
func TestKServeRefusesNames(t *testing.T) {
	t.Parallel()
	refusal := refused(t, `isvc: {spec: {predictor: {model: {name: kserve-container}}}}`)
	assert.Equal(t, serviceValidator, refusal.By)
	assert.Contains(t, refusal.Message, "'name' field is not allowed")
	serve(t, `isvc: {spec: {predictor: {model: {name: ""}}}}`)
}

func TestKServeRefusesPythonPath(t *testing.T) {
	t.Parallel()
	assert.Equal(t, serviceValidator, refused(t, `isvc: {spec: {predictor: {model: {env: [{name: PYTHONPATH, value: /x}]}}}}`).By)
	assert.Equal(t, runtimeValidator, refused(t, `runtime: {spec: {containers: [{name: kserve-container, image: a:1, env: [{name: PYTHONPATH, value: /x}]}]}}`).By)
}

func TestKServeMatchesRuntimes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ patch, message string }{
		"case of the format":   {`isvc: {spec: {predictor: {model: {modelFormat: {name: vllm}}}}}`, "does not support specified framework/version"},
		"version":              {`isvc: {spec: {predictor: {model: {modelFormat: {name: vLLM, version: "2"}}}}}`, "does not support specified framework/version"},
		"protocol":             {`runtime: {spec: {protocolVersions: [v1]}}`, "does not support specified protocol version"},
		"runtime not there":    {`isvc: {spec: {predictor: {model: {runtime: gone}}}}`, "No ServingRuntimes or ClusterServingRuntimes"},
		"runtime disabled":     {`runtime: {spec: {disabled: true}}`, "is disabled"},
		"no kserve-container":  {`runtime: {spec: {containers: [{name: main, image: a:1}]}}`, "failed to find kserve-container"},
		"nothing chosen":       {`{runtime: null, isvc: {spec: {predictor: {model: {runtime: null, modelFormat: {name: vllm}}}}}}`, "no runtime found to support predictor"},
		"protocol v1 selected": {`{runtime: null, isvc: {spec: {predictor: {model: {runtime: kserve-vllmserver, protocolVersion: grpc-v2}}}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.message == "" {
				serve(t, test.patch)
				return
			}
			refusal := refused(t, test.patch)
			assert.Equal(t, "controller", refusal.By, "no webhook says it")
			assert.Contains(t, refusal.Message, test.message)
		})
	}
}

// TestKServeDefaultsProtocol: format vLLM gets protocol v2 before a runtime is looked for, which no runtime that
// lists others serves.
func TestKServeDefaultsProtocol(t *testing.T) {
	t.Parallel()
	result := serve(t, "")
	assert.Equal(t, "v2", at(result.Admitted, "spec", "predictor", "model", "protocolVersion"))
	assert.Equal(t, "vLLM", at(result.Admitted, "metadata", "annotations", "modelFormat"))
	other := serve(t, `{runtime: {spec: {supportedModelFormats: [{name: other}]}}, isvc: {spec: {predictor: {model: {modelFormat: {name: other}}}}}}`)
	assert.Nil(t, at(other.Admitted, "spec", "predictor", "model", "protocolVersion"))
}

func runtime(name, formats, more string) string {
	return `{apiVersion: serving.kserve.io/v1alpha1, kind: ServingRuntime, metadata: {name: ` + name + `, namespace: llm},
  spec: {supportedModelFormats: [` + formats + `], containers: [{name: kserve-container, image: a:1}]` + more + `}}`
}

// TestKServePriorities: the webhook compares runtimes of a namespace that list a protocol in common. Within one it
// looks only where another stands already.
func TestKServePriorities(t *testing.T) {
	t.Parallel()
	const (
		high = `{name: x, autoSelect: true, priority: 1}`
		low  = `{name: x, autoSelect: true, priority: 2}`
		v2   = `, protocolVersions: [v2]`
	)
	clash := refused(t, `add: [`+runtime("a", high, v2)+`, `+runtime("b", high, v2)+`]`)
	assert.Equal(t, runtimeValidator, clash.By)
	assert.Contains(t, clash.Message, "same priority assigned for the model format x")
	for name, pair := range map[string]string{
		"other priority":       runtime("a", high, v2) + `, ` + runtime("b", low, v2),
		"no protocol listed":   runtime("a", high, "") + `, ` + runtime("b", high, ""),
		"no automatic choice":  runtime("a", `{name: x, priority: 1}`, v2) + `, ` + runtime("b", `{name: x, priority: 1}`, v2),
		"none has a priority":  runtime("a", `{name: x, autoSelect: true}`, v2) + `, ` + runtime("b", `{name: x, autoSelect: true}`, v2),
		"both in one, first":   runtime("a", high+`, `+low, v2),
		"both in one, off too": runtime("a", high, v2) + `, ` + runtime("b", low+`, `+high, v2+`, disabled: true`),
	} {
		assert.Empty(t, effect(t, `add: [`+pair+`]`).Refused, name)
	}
	second := refused(t, `add: [`+runtime("a", `{name: other}`, v2)+`, `+runtime("b", high+`, `+low, v2)+`]`)
	assert.Contains(t, second.Message, "different priorities assigned")
}

// TestPanicsBecomeRefusals: reconcileWorker reads the runtime's workerSpec before it checks that there is one.
func TestPanicsBecomeRefusals(t *testing.T) {
	t.Parallel()
	refusal := refused(t, `isvc: {spec: {predictor: {workerSpec: {}, model: {storageUri: "pvc://a/b"}}}}`)
	assert.True(t, refusal.Panicked)
	assert.Equal(t, "controller", refusal.By)
	assert.Contains(t, refusal.Message, "nil pointer")
	assert.Equal(t, "InferenceService llm/m", refusal.Object.String())
}

// TestPanicsInWebhooks: a predictor that implements nothing; GetImplementation takes the first of none.
func TestPanicsInWebhooks(t *testing.T) {
	t.Parallel()
	refusal := refused(t, `isvc: {spec: {predictor: {model: null}}}`)
	assert.True(t, refusal.Panicked)
	assert.Equal(t, "inferenceservice.kserve-webhook-server.defaulter", refusal.By)
}

const workers = `{runtime: {spec: {workerSpec: {pipelineParallelSize: 2, tensorParallelSize: 4, containers: [{name: worker-container, image: a:1, resources: {limits: {nvidia.com/gpu: "4"}, requests: {nvidia.com/gpu: "4"}}}]},
    containers: [{name: kserve-container, image: a:1, resources: {limits: {nvidia.com/gpu: "4"}, requests: {nvidia.com/gpu: "4"}}}]}},
  isvc: {spec: {predictor: {workerSpec: {}, model: {storageUri: "pvc://a/b"}}}}}`

// TestKServeWorkers: v0.20.0 takes the workers for a canary that is gone and deletes them in the run that made
// them (kserve#6113; reconcileCanaryDeployments keeps only the stable name).
func TestKServeWorkers(t *testing.T) {
	t.Parallel()
	result := serve(t, workers)
	assert.Equal(t, []string{"Deployment m-predictor", "Service m-predictor"}, kinds(result))
	var deleted []string
	for _, object := range result.Deleted {
		deleted = append(deleted, object.String())
	}
	assert.Equal(t, []string{"Deployment llm/m-predictor-worker", "Service llm/m-head-1", "Service llm/m-workers-1"}, deleted)
	assert.Equal(t, "2", at(server(result), "env", "RAY_NODE_COUNT", "value"), "the head waits for them")
	var fleeting []string
	for _, object := range result.Fleeting {
		fleeting = append(fleeting, fmt.Sprint(object.Data["kind"]))
	}
	assert.Equal(t, []string{"Deployment", "Service", "Service", "Pod"}, fleeting, "what another release keeps can be looked at")
	worker := result.Fleeting[0].Data
	assert.Equal(t, "m-predictor-worker", worker["metadata"].(map[string]any)["name"])
	assert.EqualValues(t, 1, worker["spec"].(map[string]any)["replicas"])
	assert.Equal(t, "4", at(server(result), "resources", "limits", "nvidia.com/gpu"))
}

func TestKServeWorkerRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ change, message string }{
		"storage":    {`isvc: {spec: {predictor: {model: {storageUri: "hf://a/b"}}}}`, "only supports 'pvc' and 'oci'"},
		"class":      {`isvc: {metadata: {annotations: {serving.kserve.io/autoscalerClass: external}}}`, "only supports 'none' autoscaler"},
		"no class":   {`isvc: {metadata: {annotations: {serving.kserve.io/autoscalerClass: null}}}`, "only supports 'none' autoscaler"},
		"env":        {`isvc: {spec: {predictor: {model: {env: [{name: TENSOR_PARALLEL_SIZE, value: "2"}]}}}}`, "TENSOR_PARALLEL_SIZE"},
		"containers": {`isvc: {spec: {predictor: {workerSpec: {containers: [{name: worker-container}, {name: b}]}}}}`, "multiple containers"},
		"EFA":        {`isvc: {spec: {predictor: {model: {resources: {limits: {vpc.amazonaws.com/efa: "1"}}}}}}`, "Unknown GPU resource type"},
		"no tp":      {`isvc: {spec: {predictor: {workerSpec: {tensorParallelSize: 0}}}}`, "cannot be less than 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, refused(t, merge(t, workers, test.change)).Message, test.message)
		})
	}
	none := serve(t, merge(t, workers, `isvc: {spec: {predictor: {workerSpec: null}}}`))
	assert.Empty(t, none.Deleted, "without workerSpec on the InferenceService there is one node")
}
