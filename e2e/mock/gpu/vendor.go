package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// vendor is what the device plugin of a vendor gives to a container and to its node. The sources are the
// plugins themselves: NVIDIA/k8s-device-plugin with its GPU feature discovery, ROCm/k8s-device-plugin with its
// node labeller, and the device plugin of aws-neuron.
type vendor struct {
	// resource is the extended resource.
	resource string
	// program is the vendor's tool that a person calls in the container.
	program string
	// visible is the variable that lists the container's devices, empty where the vendor has none.
	visible string
	// shared are device files that every container gets; each is the pattern of a device's own file.
	shared []string
	each   string
	// first is the number of the first device's file.
	first int
	// labels are those of a node, given the number of devices, the product's name and its memory in MiB.
	labels func(count int, product string, memory int) map[string]string
}

func vendors() []vendor {
	return []vendor{
		{
			resource: "nvidia.com/gpu", program: "nvidia-smi", visible: "NVIDIA_VISIBLE_DEVICES",
			shared: []string{"/dev/nvidiactl", "/dev/nvidia-uvm"}, each: "/dev/nvidia%d",
			labels: func(count int, product string, memory int) map[string]string {
				return map[string]string{
					"nvidia.com/gpu.present": "true", "nvidia.com/gpu.product": product,
					"nvidia.com/gpu.count": strconv.Itoa(count), "nvidia.com/gpu.replicas": "1",
					"nvidia.com/gpu.memory": strconv.Itoa(memory), "nvidia.com/mig.capable": "false",
				}
			},
		},
		{
			resource: "amd.com/gpu", program: "rocm-smi",
			shared: []string{"/dev/kfd"}, each: "/dev/dri/renderD%d", first: 128,
			labels: func(_ int, product string, memory int) map[string]string {
				return map[string]string{
					"amd.com/gpu.product-name": product, "amd.com/gpu.vram": fmt.Sprintf("%dG", memory/1024),
				}
			},
		},
		{
			resource: "aws.amazon.com/neuron", program: "neuron-ls", visible: "AWS_NEURON_VISIBLE_DEVICES", each: "/dev/neuron%d",
			labels: func(int, string, int) map[string]string { return nil },
		},
	}
}

// findVendor returns the vendor of an extended resource.
func findVendor(resource string) (vendor, error) {
	var names []string
	for _, v := range vendors() {
		if v.resource == resource {
			return v, nil
		}
		names = append(names, v.resource)
	}
	return vendor{}, fmt.Errorf("no device plugin to mock offers %q: there are %s", resource, strings.Join(names, ", "))
}

// isProgram says whether the name is that of a vendor's tool.
func isProgram(name string) bool {
	return slices.ContainsFunc(vendors(), func(v vendor) bool { return v.program == name })
}
