package sizing

// LayerKind is what a layer keeps of the tokens it has seen.
type LayerKind int

const (
	// Full keeps every token.
	Full LayerKind = iota
	// Sliding keeps a window of tokens.
	Sliding
	// Linear keeps a state of constant size: Mamba, gated delta net, convolutions.
	Linear
	// Shared reads the cache of an earlier layer.
	Shared
	// Stateless keeps nothing at all.
	Stateless
)

// Architecture is what config.json says of a model, in the terms of that file. Zero is unknown or absent.
type Architecture struct {
	ModelType string
	// Classes are the architectures of config.json, by which the engine finds its implementation.
	Classes []string

	Layers, Hidden, Intermediate int64
	Heads, KVHeads               int64
	// HeadDim is the size of a key, ValueDim that of a value.
	HeadDim, ValueDim int64
	// GlobalKVHeads and their size are those of Full layers where Sliding ones have others (Gemma 4), else 0.
	GlobalKVHeads, GlobalHeadDim int64
	Vocab                        int64
	// MaxPositions is the longest context in tokens, rope scaling applied as the engine does.
	MaxPositions int64
	// Tied embeddings serve as the output layer too.
	Tied bool
	// ElementBytes is the size of what is not quantised.
	ElementBytes int64
	// StoredBytes is the size of an element in the files, where they are not quantised.
	StoredBytes  int64
	Quantisation Quantisation

	Experts, ExpertsPerToken, ExpertIntermediate int64
	// ExpertHidden is what routed experts read and write; Hidden unless the tokens are projected down for them.
	ExpertHidden int64
	// SharedIntermediate is the width of all shared experts of a layer together.
	SharedIntermediate int64
	// DenseLayers have no experts, MoELayers do.
	DenseLayers int64

	Latent *Latent
	// IndexerDim is the size of the keys of sparse attention's indexer (DeepSeek V3.2), 0 without.
	IndexerDim int64
	// CompressRatios says how many tokens share a compressed state, for each layer (DeepSeek V4).
	CompressRatios []int64
	// KVSources and IndexSources are the layers that keep states and indexer's keys for those after them (DeepSeek V4.1).
	KVSources, IndexSources []int64
	// Kinds has an entry per layer.
	Kinds []LayerKind
	// OneMixer has either attention, a state or a feed-forward part in each layer (Nemotron-H).
	OneMixer bool
	// Matrices of a feed-forward part: gate, up and down, or two without a gate.
	Matrices int64
	// Window is the tokens that Sliding layers keep.
	Window int64
	// State is the state of Linear layers.
	State *State
	// DraftLayers are multi-token prediction layers of the checkpoint, loaded for speculative decoding only.
	DraftLayers int64
	// HostBytes of the files stay in the memory of the host (Engram tables of DeepSeek V4.1).
	HostBytes float64
	// Vision is the image encoder, nil without; Multimodal says that there is an encoder at all.
	Vision     *Vision
	Multimodal bool

	// Assumptions are what config.json left open and how it was taken.
	Assumptions []string
}

// Quantisation says how the weights of linear layers are stored.
type Quantisation struct {
	// Method is quant_method: fp8, awq, gptq, mxfp4, compressed-tensors…, empty for none.
	Method string
	// Bits per weight, and those of its share of scales and zero points.
	Bits, Scale float64
	// Group is the inputs of a linear layer that share a scale, Block the side of the square that does; 0 for neither.
	Group, Block int64
	// Cache is the dtype that the checkpoint has scales of the KV cache for, empty for none.
	Cache string
	// ExpertsOnly leaves all but experts in 16 bit.
	ExpertsOnly bool
	// KeepsAttention leaves attention in 16 bit; of a model with experts the layers without, too.
	KeepsAttention bool
	// ExpertBits are those of experts where they differ (DeepSeek V4), scales included; 0 for Bits.
	ExpertBits float64
}

// Latent is multi-head latent attention: one compressed vector per token instead of keys and values.
type Latent struct{ QueryRank, KVRank, Rope, Nope, Value int64 }

// State is what a Linear layer keeps of a sequence, in elements over all heads.
type State struct {
	Convolution, Recurrent int64
	// RecurrentBytes is the size of an element of the recurrent state.
	RecurrentBytes int64
	// Weights counts the elements of a layer's projections.
	Weights int64
}

// Vision is an image encoder.
type Vision struct {
	Hidden, Intermediate, Layers int64
	// Patches is the most patches of one image, 0 where the size is dynamic; Merge² of them are one token, or Tokens all
	// of an image.
	Patches, Merge, Tokens int64
	// Most is the tokens of the largest image where the size is dynamic, 0 for unknown; Video says that videos are profiled
	// too, of as many frames as the context has room for.
	Most  int64
	Video bool
}

// MoE says whether some layers have experts.
func (a *Architecture) MoE() bool { return a.Experts > 1 }

// count is the number of layers of a kind.
func (a *Architecture) count(kind LayerKind) int64 {
	var n int64
	for _, k := range a.Kinds {
		if k == kind {
			n++
		}
	}
	return n
}

func (a *Architecture) assume(text string) { a.Assumptions = append(a.Assumptions, text) }

// isClass says whether the engine serves the model with one of the classes.
func (a *Architecture) isClass(names ...string) bool {
	for _, class := range a.Classes {
		for _, name := range names {
			if class == name {
				return true
			}
		}
	}
	return false
}
