package rule

import (
	"slices"
	"strings"
)

// Container is a container as it runs: for a predictor, that of the runtime and what the InferenceService says
// over it.
type Container struct {
	Name string
	// parts from the weakest on. KServe merges them strategically, except for args, which it concatenates
	// (MergeRuntimeContainers, pkg/controller/v1beta1/inferenceservice/utils/utils.go).
	parts []Value
	args  []Value
	flags []Flag
	// vllm says whether it runs vLLM's server.
	vllm bool
}

// NewContainer is a container that is written in one place.
func NewContainer(name string, data Value) Container { return newContainer(name, data) }

func newContainer(name string, parts ...Value) Container { return containerWith(name, parts, parts) }

// containerWith is a container that has its args of some of its parts alone.
func containerWith(name string, parts, speaking []Value) Container {
	c := Container{Name: name, parts: parts}
	for _, part := range speaking {
		c.args = append(c.args, slices.Collect(part.Field("args").Items())...)
	}
	c.flags = flags(c)
	c.vllm = runsVLLM(c)
	return c
}

// Field returns the value that wins: of lists and objects the strongest part's, which is what merging gives
// for all that rules ask it for.
func (c Container) Field(keys ...string) Value {
	for _, part := range slices.Backward(c.parts) {
		if value := part.Field(keys...); value.Found() {
			return value
		}
	}
	return Value{}
}

// Strongest is the part that a person would change: the InferenceService's own.
func (c Container) Strongest() Value {
	if len(c.parts) == 0 {
		return Value{}
	}
	return c.parts[len(c.parts)-1]
}

// Parts are the pieces that make up the container, the weakest first.
func (c Container) Parts() []Value { return c.parts }

// Args are all arguments, the runtime's first.
func (c Container) Args() []Value { return c.args }

// Env returns an environment variable, not found where it isn't set.
func (c Container) Env(name string) Value {
	for _, part := range slices.Backward(c.parts) {
		for variable := range part.Field("env").Items() {
			if variable.Field("name").Text() == name {
				return variable
			}
		}
	}
	return Value{}
}

// Ports of the container. A strategic merge puts those of the InferenceService first, and one with the same
// containerPort takes the place of the runtime's.
func (c Container) Ports() []Value {
	var ports []Value
	seen := map[string]bool{}
	for _, part := range slices.Backward(c.parts) {
		for port := range part.Field("ports").Items() {
			if number := port.Field("containerPort").Scalar(); !seen[number] {
				seen[number] = true
				ports = append(ports, port)
			}
		}
	}
	return ports
}

// Mounts are the volume mounts of all parts.
func (c Container) Mounts() []Value {
	var mounts []Value
	for _, part := range c.parts {
		mounts = append(mounts, slices.Collect(part.Field("volumeMounts").Items())...)
	}
	return mounts
}

// Devices are the accelerators in limits, by resource name in order.
func (c Container) Devices() []Value {
	var devices []Value
	seen := map[string]bool{}
	for _, part := range slices.Backward(c.parts) {
		for name, amount := range part.Field("resources", "limits").Entries() {
			if IsDevice(name) && !seen[name] {
				seen[name] = true
				devices = append(devices, amount)
			}
		}
	}
	return devices
}

// DeviceCount sums the accelerators in limits.
func (c Container) DeviceCount() int64 {
	var sum int64
	for _, device := range c.Devices() {
		if n, ok := ParseQuantity(device.Scalar()); ok {
			sum += int64(n)
		}
	}
	return sum
}

// IsDevice says whether an extended resource is an accelerator that a model runs on.
func IsDevice(resource string) bool { return Vendor(resource) != "" }

// Vendor returns who makes the accelerator that a resource counts, empty for what is none.
func Vendor(resource string) string {
	switch {
	case resource == "nvidia.com/gpu", strings.HasPrefix(resource, "nvidia.com/mig-"), resource == "nvidia.com/gpu.shared":
		return "nvidia"
	case resource == "amd.com/gpu":
		return "amd"
	case strings.HasPrefix(resource, "gpu.intel.com/"), resource == "intel.com/gpu":
		return "intel"
	case resource == "habana.ai/gaudi":
		return "habana"
	case strings.HasPrefix(resource, "aws.amazon.com/neuron"):
		return "aws"
	case resource == "google.com/tpu":
		return "google"
	}
	return ""
}
