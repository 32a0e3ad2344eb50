package accelerator

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func requestsDiffer() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0701", Name: "device-not-limited", Level: finding.Error,
			Summary: "Devices stand in limits, and in requests with the same number or not at all.",
			Why: "Extended resources can't be overcommitted. The InferenceService is accepted, and the API server refuses the Deployment that KServe makes of it; " +
				"for a device in requests alone, KServe also sees no GPU.",
			How:   "Write the number in limits, and the same one in requests.",
			Refs:  []string{"kubernetes: docs/concepts/configuration/manage-resources-containers#extended-resources"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			for _, w := range c.Servers() {
				main := w.Main()
				for _, part := range main.Parts() {
					for name, request := range part.Field("resources", "requests").Entries() {
						limit := main.Field("resources", "limits", name)
						if rule.IsDevice(name) && limit.Scalar() != request.Scalar() {
							c.Report(request, "%s is %s in requests and %s in limits", name, request.Scalar(), orNone(limit.Scalar()))
						}
					}
				}
			}
		},
	}
}

func orNone(text string) string {
	if text == "" {
		return "missing"
	}
	return text
}

func twoVendors() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0704", Name: "devices-of-two-makers", Level: finding.Error,
			Summary: "A container asks for devices of one maker.",
			Why: "KServe merges the runtime's limits with the InferenceService's by name: nvidia.com/gpu in one and amd.com/gpu in the other give a container with both, " +
				"which no node can run.",
			How:   "Remove one of the two, or set the runtime's to \"0\".",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/utils/utils.go (MergeRuntimeContainers)"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			for _, w := range c.Servers() {
				first := ""
				for _, device := range w.Main().Devices() {
					vendor := rule.Vendor(device.Key())
					if device.Scalar() == "0" {
						continue
					}
					if first != "" && vendor != first {
						c.Report(device, "the container asks for devices of %s as well", first)
					}
					first = vendor
				}
			}
		},
	}
}

func unknownResource() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0707", Name: "resource-unknown-to-kserve", Level: finding.Error, Refused: true,
			Summary: "Over several nodes KServe knows every extended resource.",
			Why: "With a workerSpec the webhook takes every resource but CPU, memory and storage for a GPU, and refuses those that it doesn't know: " +
				"EFA, RDMA and huge pages among them.",
			How:   `List all of them in the annotation serving.kserve.io/gpu-resource-types: '["nvidia.com/gpu", "vpc.amazonaws.com/efa"]'.`,
			Refs:  []string{"kserve: pkg/utils/utils.go (HasUnknownGpuResourceType)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				worker := p.Spec.Field("workerSpec")
				if !worker.Found() {
					continue
				}
				known := knownTypes(p.Annotation("serving.kserve.io/gpu-resource-types").Text())
				checkResources(c, p.Model, known)
				for container := range worker.Field("containers").Items() {
					checkResources(c, container, known)
				}
			}
		},
	}
}

func knownTypes(annotation string) []string {
	known := []string{"cpu", "memory", "storage", "ephemeral-storage", "nvidia.com/gpu", "amd.com/gpu", "intel.com/gpu", "habana.ai/gaudi"}
	var more []string
	// What isn't JSON is refused by the webhook; here it adds nothing.
	_ = json.Unmarshal([]byte(annotation), &more)
	return append(known, more...)
}

func checkResources(c *rule.Context, container rule.Value, known []string) {
	for _, list := range []string{"limits", "requests"} {
		for name, amount := range container.Field("resources", list).Entries() {
			if !slices.Contains(known, name) {
				c.Report(amount, "the webhook takes %s for a GPU that it doesn't know", name)
			}
		}
	}
}

func wrongImage() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0708", Name: "image-for-other-device", Level: finding.Error,
			Summary: "The image is built for the device that the pod asks for.",
			Why: "vLLM's images are built for one kind of device each: vllm-openai for CUDA, -rocm for AMD, -cpu for none, Neuron's for AWS. " +
				"On another one the server stops because it can't find a platform, or runs on the CPU.",
			How:   "Use the image for the device, or ask for the image's device.",
			Refs:  []string{"vllm: docs/deployment/docker"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			for _, w := range c.Servers() {
				image := w.Main().Field("image")
				name, _ := rule.SplitImage(image.Text())
				want := builtFor(path.Base(name))
				if want == "" {
					continue
				}
				for _, device := range w.Main().Devices() {
					if vendor := rule.Vendor(device.Key()); vendor != want && device.Scalar() != "0" {
						c.Report(device, "image %s is built for %s", name, want)
						break
					}
				}
			}
		},
	}
}

func builtFor(image string) string {
	switch {
	case image == "vllm-openai":
		return "nvidia"
	case image == "vllm-openai-rocm" || strings.HasPrefix(image, "vllm-rocm"):
		return "amd"
	case image == "vllm-openai-cpu":
		return "no device"
	case strings.Contains(image, "vllm-neuronx"):
		return "aws"
	}
	return ""
}
