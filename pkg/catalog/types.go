package catalog

// Model is a model with what vLLM needs to know of it. The numbers are named as in config.json.
type Model struct {
	// Name is the key in the catalogue: lower case, a DNS subdomain (deepseek-v3.2).
	Name string `json:"name"`
	// ID is the repository on Hugging Face.
	ID string `json:"id"`
	// Revision is a commit of that repository.
	Revision string `json:"revision,omitempty"`
	// Parameters is their number for people, for example 8.03B.
	Parameters string `json:"parameters,omitempty"`
	// WeightsBytes is what the safetensors files to load hold together.
	WeightsBytes int64 `json:"weightsBytes,omitempty"`
	// DType is how most of the weights are stored: bf16, fp8, mxfp4, fp4.
	DType string `json:"dtype,omitempty"`

	AttentionHeads int `json:"attentionHeads,omitempty"`
	// KVHeads counts the heads that the KV cache keeps; with latent attention vLLM keeps one latent instead.
	KVHeads    int `json:"kvHeads,omitempty"`
	Layers     int `json:"layers,omitempty"`
	HiddenSize int `json:"hiddenSize,omitempty"`
	// MaxPositions is the longest context in tokens.
	MaxPositions int `json:"maxPositions,omitempty"`
	VocabSize    int `json:"vocabSize,omitempty"`
	// MoE is set for a mixture of experts. VLLM refuses expert parallelism for any other model.
	MoE bool `json:"moe,omitempty"`

	// Gated models need an accepted licence, and so a token of Hugging Face.
	Gated   bool   `json:"gated,omitempty"`
	License string `json:"license,omitempty"`
	// Vocabulary is the variable that names a local copy of what the server otherwise fetches at its start from
	// elsewhere than Hugging Face; empty where it fetches nothing.
	Vocabulary string `json:"vocabulary,omitempty"`
	// MinVLLM is a release of vLLM, with its v, that has the architecture and knows Args: read, not run.
	MinVLLM string `json:"minVLLM,omitempty"`
	// Args are flags of vLLM that the model needs or its card recommends, without dashes; "true" is a bare flag.
	Args map[string]string `json:"args,omitempty"`
	// Layouts are known ways to serve one replica, the usual one first.
	Layouts []Layout `json:"layouts,omitempty"`
	Sources []string `json:"sources"`
}

// Layout states how many devices one replica takes, and for which context length.
type Layout struct {
	// Accelerator is the name of an Accelerator.
	Accelerator string `json:"accelerator"`
	// GPUs is the number of devices per replica; 0 where the accelerator has no devices.
	GPUs int `json:"gpus"`
	// Nodes that share them evenly, 0 for one.
	Nodes int `json:"nodes,omitempty"`
	// DataParallel is how many engines share the devices, each with attention weights and a KV cache of its own
	// (--data-parallel-size); 0 for one. Tensor parallelism takes the rest of the devices.
	DataParallel int `json:"dataParallel,omitempty"`
	// ExpertParallel keeps each expert whole on one rank of all the engines (--enable-expert-parallel), where it would be
	// cut over all of them otherwise.
	ExpertParallel bool `json:"expertParallel,omitempty"`
	// MaxModelLen is the context length in tokens.
	MaxModelLen int `json:"maxModelLen"`
	// Args are flags of vLLM that this layout needs, over those of the model.
	Args map[string]string `json:"args,omitempty"`
	// Source is the arithmetic or the document that the layout comes from.
	Source string `json:"source"`
}

// Accelerator is a device, how Kubernetes counts it and how to find nodes that have it.
type Accelerator struct {
	Name string `json:"name"`
	// Product is the maker's name for it.
	Product string `json:"product"`
	// Vendor is nvidia, amd, aws or none.
	Vendor string `json:"vendor"`
	// Resource is the extended resource that its device plugin counts, empty for none.
	Resource string `json:"resource,omitempty"`
	// MemoryGiB is the memory of one device as the runtime sees it; as sold where a comment in the data says so.
	MemoryGiB float64 `json:"memoryGiB,omitempty"`
	// Nodes are alternatives: a node that fits any of them has the device.
	Nodes []NodeTerm `json:"nodes,omitempty"`
	// TaintKey is the taint that keeps other pods off such nodes.
	TaintKey string `json:"taintKey,omitempty"`
	// PerNode is the most devices of one usual node.
	PerNode int `json:"perNode,omitempty"`
	// RanksPerDevice is the size of the tensor parallel group that one device holds: 4 where vLLM counts a
	// device's cores (Neuron), 1 for GPUs, 0 without devices.
	RanksPerDevice int `json:"ranksPerDevice,omitempty"`
	// Speed is what the vendor says that the device can do.
	Speed Speed `json:"speed,omitzero"`
	// HostCPU is the whole CPUs that each device may take of the smallest usual node, system pods aside.
	HostCPU int `json:"hostCPU,omitempty"`
	// HostMemoryGiB is the host memory that each device may take, likewise.
	HostMemoryGiB int `json:"hostMemoryGiB,omitempty"`
	// EngineStartSeconds is what the server takes to start besides reading weights, where that is more than vLLM's own
	// default.
	EngineStartSeconds int `json:"engineStartSeconds,omitempty"`
	// Instances are the EC2 types that have the device.
	Instances []string `json:"instances,omitempty"`
	// Runtime is the runtime that serves on it unless another is named; empty where none of the catalogue does.
	Runtime string   `json:"runtime,omitempty"`
	Sources []string `json:"sources"`
}

// Speed is what one device can do at most; 0 where it cannot, or no source was found.
type Speed struct {
	// MemoryGBps is the bandwidth of its memory in 10⁹ bytes a second.
	MemoryGBps float64 `json:"memoryGBps,omitempty"`
	// BF16TFLOPS and FP8TFLOPS are matrix operations in 10¹² a second, without sparsity.
	BF16TFLOPS float64 `json:"bf16TFLOPS,omitempty"`
	FP8TFLOPS  float64 `json:"fp8TFLOPS,omitempty"`
	// Source is where the figures were read.
	Source string `json:"source,omitempty"`
}

// NodeTerm is labels that a node must have together.
type NodeTerm []NodeLabel

// NodeLabel wants one of the values under the key.
type NodeLabel struct {
	Key    string   `json:"key"`
	Values []string `json:"values"`
}
