package effective_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestKServeRewritesImages pins when UpdateImageTag of pkg/controller/v1beta1/inferenceservice/utils/utils.go
// changes an image: by the annotation serving.kserve.io/server-type in the runtime's own metadata, or else by the
// name of the runtime.
func TestKServeRewritesImages(t *testing.T) {
	t.Parallel()
	const (
		vllm  = `metadata: {annotations: {serving.kserve.io/server-type: vllmserver}}`
		amd   = `resources: {limits: {amd.com/gpu: "1"}, requests: {amd.com/gpu: "1"}}`
		image = "vllm/vllm-openai:v0.33.0"
		cpu   = "vllm/vllm-openai-cpu:v0.33.0"
	)
	for name, test := range map[string]struct{ patch, want string }{
		"no server type":                 {`isvc: {spec: {predictor: {model: {` + amd + `}}}}`, image},
		"server type, AMD":               {`{runtime: {` + vllm + `}, isvc: {spec: {predictor: {model: {` + amd + `}}}}}`, cpu},
		"server type, no accelerator":    {`runtime: {` + vllm + `}`, cpu},
		"server type, Gaudi":             {`{runtime: {` + vllm + `}, isvc: {spec: {predictor: {model: {resources: {limits: {habana.ai/gaudi: "1"}}}}}}}`, cpu},
		"server type, DRA claim":         {`{runtime: {` + vllm + `}, isvc: {spec: {predictor: {model: {resources: {claims: [{name: gpu}]}}}}}}`, cpu},
		"server type, NVIDIA":            {`{runtime: {` + vllm + `}, isvc: {spec: {predictor: {model: {resources: {limits: {nvidia.com/gpu: "1"}}}}}}}`, image},
		"server type, MIG":               {`{runtime: {` + vllm + `}, isvc: {spec: {predictor: {model: {resources: {limits: {nvidia.com/mig-1g.5gb: "1"}}}}}}}`, image},
		"server type, NVIDIA zero":       {`{runtime: {` + vllm + `}, isvc: {spec: {predictor: {model: {resources: {limits: {nvidia.com/gpu: "0"}}}}}}}`, image},
		"server type, only requests":     {`{runtime: {` + vllm + `}, isvc: {spec: {predictor: {model: {resources: {requests: {nvidia.com/gpu: "1"}}}}}}}`, cpu},
		"server type in the pod's":       {`runtime: {spec: {annotations: {serving.kserve.io/server-type: vllmserver}}}`, image},
		"server type on the service":     {`isvc: {metadata: {annotations: {serving.kserve.io/server-type: vllmserver}}}`, image},
		"runtime of the known name":      {`{runtime: {metadata: {name: kserve-vllmserver}}, isvc: {spec: {predictor: {model: {runtime: kserve-vllmserver}}}}}`, cpu},
		"known name, other type":         {`{runtime: {metadata: {name: kserve-vllmserver, annotations: {serving.kserve.io/server-type: mine}}}, isvc: {spec: {predictor: {model: {runtime: kserve-vllmserver}}}}}`, image},
		"ROCm image":                     {`{runtime: {` + vllm + `, spec: {containers: [{name: kserve-container, image: "vllm/vllm-openai-rocm:v0.33.0"}]}}, isvc: {spec: {predictor: {model: {` + amd + `}}}}}`, "vllm/vllm-openai-rocm-cpu:v0.33.0"},
		"image with a registry's port":   {`runtime: {` + vllm + `, spec: {containers: [{name: kserve-container, image: "registry.local:5000/vllm"}]}}`, "registry.local:5000/vllm"},
		"already the CPU image":          {`runtime: {` + vllm + `, spec: {containers: [{name: kserve-container, image: "x/y-cpu:1"}]}}`, "x/y-cpu:1"},
		"digest":                         {`runtime: {` + vllm + `, spec: {containers: [{name: kserve-container, image: "vllm/vllm-openai@sha256:aa"}]}}`, "vllm/vllm-openai@sha256:aa"},
		"tag and digest":                 {`runtime: {` + vllm + `, spec: {containers: [{name: kserve-container, image: "vllm/vllm-openai:v1@sha256:aa"}]}}`, "vllm/vllm-openai:v1@sha256:aa"},
		"runtimeVersion wins":            {`{runtime: {` + vllm + `}, isvc: {spec: {predictor: {model: {runtimeVersion: v0.34.0}}}}}`, "vllm/vllm-openai:v0.34.0"},
		"runtimeVersion, no server type": {`isvc: {spec: {predictor: {model: {runtimeVersion: v0.34.0}}}}`, "vllm/vllm-openai:v0.34.0"},
		"the service's own image":        {`{runtime: {` + vllm + `}, isvc: {spec: {predictor: {model: {image: "mine:1"}}}}}`, "mine-cpu:1"},
		"Hugging Face on NVIDIA":         {`{runtime: {metadata: {annotations: {serving.kserve.io/server-type: huggingfaceserver}}}, isvc: {spec: {predictor: {model: {image: "mine:1", resources: {limits: {nvidia.com/gpu: "1"}}}}}}}`, "mine:1-gpu"},
		"Hugging Face on AMD":            {`{runtime: {metadata: {annotations: {serving.kserve.io/server-type: huggingfaceserver}}}, isvc: {spec: {predictor: {model: {image: "mine:1", ` + amd + `}}}}}`, "mine:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, at(server(serve(t, test.patch)), "image"))
		})
	}
}

// TestKServeShippedRuntimeOnAMD is the trap of kserve#3963: no runtime of one's own, an AMD GPU, and the CPU image.
func TestKServeShippedRuntimeOnAMD(t *testing.T) {
	t.Parallel()
	result := serve(t, `
runtime: null
isvc: {spec: {predictor: {model: {runtime: null, resources: {limits: {amd.com/gpu: "1"}}}}}}`)
	assert.Equal(t, "ClusterServingRuntime", result.Runtime.Kind)
	assert.Equal(t, "kserve-vllmserver", result.Runtime.Name)
	assert.Equal(t, "vllm/vllm-openai-cpu:v0.20.0", at(server(result), "image"))
}
