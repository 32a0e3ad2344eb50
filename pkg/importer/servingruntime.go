package importer

import (
	"cmp"
	"path"
	"slices"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// runtimeOf is the runtime of an InferenceService's model: the one that it names, else the one that KServe would choose
// among those of the input; nil where there is none.
func runtimeOf(r *manifest.Resource, model map[string]any, resources []manifest.Resource) *manifest.Resource {
	name := text(model["runtime"])
	for _, kind := range []string{"ServingRuntime", "ClusterServingRuntime"} {
		var found []*manifest.Resource
		for i := range resources {
			one := &resources[i]
			reaches := one.Namespace() == r.Namespace() || kind == "ClusterServingRuntime"
			if one.Kind() == kind && reaches && (one.Name() == name || name == "" && choosable(one, model)) {
				found = append(found, one)
			}
		}
		if len(found) > 0 {
			return slices.MinFunc(found, func(a, b *manifest.Resource) int {
				return cmp.Or(cmp.Compare(priority(b, model), priority(a, model)), cmp.Compare(a.Name(), b.Name()))
			})
		}
	}
	return nil
}

// choosable says whether KServe may choose a runtime for a model that names none (kserve:
// pkg/apis/serving/v1beta1/predictor_model.go, GetSupportingRuntimes).
func choosable(runtime *manifest.Resource, model map[string]any) bool {
	format := formatOf(runtime, model)
	disabled, several, workers := dig(runtime.Data, "spec", "disabled"), dig(runtime.Data, "spec", "multiModel"), dig(runtime.Data, "spec", "workerSpec")
	return format != nil && format["autoSelect"] == true && disabled != true && several != true && workers == nil
}

// formatOf is the format of a runtime that is a model's, nil where it has none.
func formatOf(runtime *manifest.Resource, model map[string]any) map[string]any {
	version := dig(model, "modelFormat", "version")
	for _, format := range items(dig(runtime.Data, "spec", "supportedModelFormats")) {
		if name := text(dig(format, "name")); name != "" && name == text(dig(model, "modelFormat", "name")) && (version == nil || version == dig(format, "version")) {
			return fields(format)
		}
	}
	return nil
}

// priority of a runtime among those of a format; one that says none comes last.
func priority(runtime *manifest.Resource, model map[string]any) int {
	return number(formatOf(runtime, model)["priority"], 0)
}

// chosen says whether KServe, and not the InferenceService, names the runtime.
func (w *workload) chosen() bool {
	return w.runtime != nil && text(w.container.get("runtime")) == ""
}

// huggingFaceServer is KServe's own server, which runs vLLM or Transformers behind arguments of its own.
const huggingFaceServer = "huggingfaceserver"

// isHuggingFaceServer says whether the workload runs it: by its image, else by the format that it is the usual server of.
func (w *workload) isHuggingFaceServer() bool {
	if w.line.server != "" {
		return false
	}
	if image := text(w.container.get("image")); image != "" {
		name, _ := splitImage(image)
		return path.Base(name) == huggingFaceServer
	}
	return text(w.container.get("modelFormat", "name")) == "huggingface" || w.predictor["huggingface"] != nil
}

// takeSynonyms calls the arguments of KServe's Hugging Face server that vLLM has by another name as vLLM does (kserve:
// python/huggingfaceserver/huggingfaceserver/__main__.py).
func (c *commandLine) takeSynonyms() {
	for i, f := range c.flags {
		if name := map[string]string{"model-revision": "revision", "max-length": "max-model-len"}[f.name]; name != "" {
			c.flags[i].name = name
		}
	}
}

// ofServer says whether a flag is an argument of KServe's Hugging Face server that vLLM does not have (kserve: __main__.py
// as above, and python/kserve/kserve/model_server.py). What else it is given it hands to vLLM.
func (w *workload) ofServer(name string) bool {
	return w.isHuggingFaceServer() && slices.Contains([]string{
		"backend", "task", "model-dir", "tensor-input-names", "disable-lower-case", "disable-special-tokens",
		"return-token-type-ids", "return-offsets-mapping", "return-probabilities", "return-raw-logits",
		"http-port", "grpc-port", "enable-grpc", "grpc-max-send-message-length", "grpc-max-receive-message-length",
		"workers", "max-threads", "max-asyncio-workers", "event-loop", "timeout-keep-alive", "enable-docs-url",
		"enable-latency-logging", "configure-logging", "log-config-file", "access-log-format", "protocol",
		"predictor-host", "predictor-protocol", "predictor-use-ssl", "predictor-request-timeout-seconds",
		"predictor-request-retries", "enable-predictor-health-check",
	}, name)
}

// serverAddress is that of what only KServe's Hugging Face server has.
const serverAddress = "container/server"
