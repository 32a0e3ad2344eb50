package accelerator

import (
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func misspeltDevice() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0710", Name: "device-misspelt", Level: finding.Warning,
			Summary: "An accelerator's resource is spelt as its device plugin spells it.",
			Why: "Any name with a domain is a valid resource. A device plugin advertises its own, in lower case, so no node has this one: the pod stays Pending with Insufficient, " +
				"and an autoscaler of nodes finds none to start.",
			How: "Correct the name; where the device plugin is configured to rename its resource so, suppress this with that reason.",
			Refs: []string{
				"NVIDIA/k8s-device-plugin: README (resource names, timeSlicing)", "ROCm/k8s-device-plugin: README",
				"kubernetes: docs/concepts/configuration/manage-resources-containers#extended-resources",
			},
			Kinds: rule.WorkloadKinds(),
		},
		Check: func(c *rule.Context) {
			for _, workload := range c.Workloads() {
				for _, container := range workload.Containers {
					for _, part := range container.Parts() {
						checkSpelling(c, part.Field("resources", "limits"))
						checkSpelling(c, part.Field("resources", "requests"))
					}
				}
			}
		},
	}
}

func checkSpelling(c *rule.Context, list rule.Value) {
	for name, amount := range list.Entries() {
		for _, device := range devices() {
			if !rule.IsDevice(name) && (rule.OneEdit(name, device) || strings.EqualFold(name, device)) {
				c.Report(amount, "%s is one letter away from %s", name, device)
				break
			}
		}
	}
}

// devices are what device plugins of accelerators advertise.
func devices() []string {
	return []string{
		"nvidia.com/gpu", "nvidia.com/gpu.shared", "amd.com/gpu", "gpu.intel.com/i915", "gpu.intel.com/xe", "habana.ai/gaudi",
		"aws.amazon.com/neuron", "aws.amazon.com/neuroncore", "aws.amazon.com/neurondevice", "google.com/tpu",
	}
}
