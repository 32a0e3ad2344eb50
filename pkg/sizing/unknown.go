package sizing

import (
	"slices"
	"strings"
)

// unknownFlag is flags of the engine whose bearing on memory is not computed.
type unknownFlag struct {
	names []string
	why   string
	// when says for which values, nil for all.
	when func(value string) bool
}

func isOn(value string) bool  { return value != "false" }
func isOff(value string) bool { return value == "false" }

func oneOf(values ...string) func(string) bool {
	return func(value string) bool { return slices.Contains(values, value) }
}

func has(part string) func(string) bool {
	return func(value string) bool { return strings.Contains(value, part) }
}

// unknownFlags leave out what only moves a figure within its range, and what takes memory of the host.
func unknownFlags() []unknownFlag {
	return []unknownFlag{
		{[]string{"cpu-offload-gb", "cpu-offload-params", "offload-backend", "offload-group-size", "offload-num-in-group", "offload-prefetch-step", "offload-params"}, "weights that stay in the host's memory", nil},
		{[]string{"quantization", "quantization-config"}, "weights that are in 16 bit until they are quantised", nil},
		{[]string{"load-format"}, "weights in another form than safetensors", oneOf("bitsandbytes", "gguf", "sharded_state", "tensorizer")},
		{[]string{"hf-overrides", "hf-config-path", "config-format", "rope-scaling", "rope-theta"}, "another config.json than the model's", nil},
		{[]string{"model-impl", "model-class-overrides", "worker-cls", "additional-config"}, "another implementation than the engine's own", nil},
		{[]string{"task", "runner", "convert"}, "what the engine does besides generating", nil},
		{[]string{"num-gpu-blocks-override"}, "a number of blocks instead of what is free", nil},
		{[]string{"kv-cache-dtype-skip-layers", "kv-sharing-fast-prefill", "disable-sliding-window", "swa-bounded-replay"}, "layers that differ in their cache", nil},
		{[]string{"disable-hybrid-kv-cache-manager"}, "windows that keep everything", isOn},
		{[]string{"kv-transfer-config", "kv-offloading-size", "kv-offloading-backend"}, "what a connector makes of the layout of the cache", nil},
		{[]string{"mamba-block-size", "mamba-cache-dtype", "mamba-cache-mode", "mamba-ssm-cache-dtype"}, "the size of a state", nil},
		{[]string{"prefill-context-parallel-size"}, "prefill context parallelism", nil},
		{[]string{"performance-mode"}, "defaults that a mode changes", nil},
		{[]string{"enable-chunked-prefill"}, "whole prompts in one step", isOff},
		{[]string{"scheduler-cls", "num-scheduler-steps"}, "another scheduler", nil},
		{[]string{"speculative-config"}, "the weights of a draft model", has(`"model"`)},
		{[]string{"spec-method", "spec-model", "spec-tokens"}, "a draft model", nil},
		{[]string{"enable-eplb", "enable-elastic-ep"}, "experts that are there more than once", isOn},
		{[]string{"num-redundant-experts"}, "experts that are there more than once", nil},
		{[]string{"enable-dbo"}, "two batches at a time", isOn},
		{[]string{"ubatch-size"}, "two batches at a time", nil},
		{[]string{"compilation-config", "cudagraph-capture-sizes", "max-cudagraph-capture-size", "cuda-graph-sizes", "optimization-level"}, "which CUDA graphs are captured", nil},
		{[]string{"limit-mm-per-prompt", "language-model-only", "mm-encoder-only", "skip-mm-profiling", "mm-processor-kwargs", "mm-encoder-tp-mode", "enable-multimodal-encoder-data-parallel"}, "an encoder that is left out, or used otherwise", nil},
	}
}

// UnknownFlag says why the estimate does not hold for a server with a flag, empty where it does. Name is that of vLLM
// without dashes, a member of a JSON value behind a dot; the value is as on the command line.
func UnknownFlag(name, value string) string {
	name, member, nested := strings.Cut(strings.ReplaceAll(strings.TrimLeft(name, "-"), "_", "-"), ".")
	if positive, no := strings.CutPrefix(name, "no-"); no && isOn(value) {
		name, value = positive, "false"
	}
	if nested {
		value = `"` + member + `"`
	}
	for _, flag := range unknownFlags() {
		if slices.Contains(flag.names, name) && (flag.when == nil || flag.when(value)) {
			return flag.why
		}
	}
	return ""
}

// UnknownVariable says the same of a variable of the engine's environment (vllm/envs.py).
func UnknownVariable(name string) string {
	switch name {
	case "VLLM_USE_V1", "VLLM_USE_V2_MODEL_RUNNER":
		return "which engine runs"
	case "VLLM_ALLOW_LONG_MAX_MODEL_LEN":
		return "more positions than config.json has"
	case "VLLM_MLA_DISABLE":
		return "latent attention that is switched off"
	case "VLLM_USE_FLASHINFER_SAMPLER":
		return "how the profile run samples"
	case "VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS":
		return "whether graphs count"
	case "VLLM_PP_LAYER_PARTITION":
		return "how layers are shared by the stages"
	}
	return ""
}
