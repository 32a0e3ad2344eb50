package sizing

import (
	"fmt"
	"slices"
	"strings"
)

// readKinds says what each layer keeps. Later sources win: an explicit list over a pattern over the model type.
func readKinds(text fields, a *Architecture) {
	a.Window = text.integer(maxPositions, "sliding_window")
	// Qwen's own is off unless it is switched on.
	if !text.truth("use_sliding_window", a.ModelType != "qwen2" && a.ModelType != "qwen3") {
		a.Window = 0
	}
	a.Kinds = make([]LayerKind, a.Layers)
	switch {
	case attentionFree(a):
		a.each(func(int64) LayerKind { return Linear })
	case kindsOfList(text, a), kindsOfPattern(text, a), kindsOfLinear(text, a):
	case a.Window > 0:
		kindsOfWindow(text, a)
	}
	if a.Window == 0 {
		a.each(func(i int64) LayerKind {
			if a.Kinds[i] == Sliding {
				return Full
			}
			return a.Kinds[i]
		})
	}
	if shared := text.integer(maxLayers, "num_kv_shared_layers"); shared > 0 && shared < a.Layers {
		for i := a.Layers - shared; i < a.Layers; i++ {
			a.Kinds[i] = Shared
		}
	}
}

func (a *Architecture) each(kind func(i int64) LayerKind) {
	for i := range a.Kinds {
		a.Kinds[i] = kind(int64(i))
	}
}

// kindsOfList reads layer_types and its relatives. gpt-oss is by parity whatever the list says (vLLM: models/gpt_oss.py).
func kindsOfList(text fields, a *Architecture) bool {
	if a.ModelType == "gpt_oss" {
		if a.Window == 0 {
			a.Window = 128
			a.assume("no sliding_window for gpt_oss: 128")
		}
		a.each(func(i int64) LayerKind {
			if i%2 == 0 {
				return Sliding
			}
			return Full
		})
		return true
	}
	for _, name := range []string{"layer_types", "layers_block_type", "block_types"} {
		list := text.texts(name)
		if len(list) == 0 {
			continue
		}
		if int64(len(list)) != a.Layers {
			a.assume(fmt.Sprintf("%s has %d entries for %d layers: repeated or cut", name, len(list), a.Layers))
		}
		a.each(func(i int64) LayerKind { return kindOfName(list[i%int64(len(list))]) })
		return true
	}
	if list := text.integers("attn_type_list", 1); len(list) > 0 {
		a.each(func(i int64) LayerKind {
			if list[i%int64(len(list))] == 1 {
				return Full
			}
			return Linear
		})
		return true
	}
	return false
}

func kindOfName(name string) LayerKind {
	switch {
	case strings.Contains(name, "sliding"):
		return Sliding
	case strings.Contains(name, "linear"), strings.Contains(name, "mamba"), strings.Contains(name, "conv"), strings.Contains(name, "recurrent"), strings.Contains(name, "kda"):
		return Linear
	case name == "mlp", name == "moe", name == "ffn":
		return Stateless
	}
	// Chunked attention (Llama 4) too: the engine's hybrid cache manager is off for it.
	return Full
}

// kindsOfPattern reads patterns: letters (Nemotron-H) or periods.
func kindsOfPattern(text fields, a *Architecture) bool {
	if pattern := text.text("hybrid_override_pattern"); pattern != "" {
		a.OneMixer = true
		a.each(func(i int64) LayerKind {
			switch pattern[i%int64(len(pattern))] {
			case 'M':
				return Linear
			case '*':
				return Full
			}
			return Stateless
		})
		return true
	}
	if a.Window == 0 {
		return false
	}
	period := max(text.integer(maxLayers, "sliding_window_pattern"), text.integer(maxLayers, "_sliding_window_pattern"))
	if period == 0 && strings.HasPrefix(a.ModelType, "gemma2") {
		period = 2
	}
	if period == 0 && strings.HasPrefix(a.ModelType, "gemma3") {
		period = 6
	}
	if period <= 1 {
		return false
	}
	a.each(func(i int64) LayerKind {
		if (i+1)%period == 0 {
			return Full
		}
		return Sliding
	})
	return true
}

// kindsOfLinear reads where models put attention among linear layers.
func kindsOfLinear(text fields, a *Architecture) bool {
	if period := text.integer(maxLayers, "full_attention_interval"); period > 1 {
		a.each(func(i int64) LayerKind {
			if (i+1)%period == 0 {
				return Full
			}
			return Linear
		})
		return true
	}
	if period := text.integer(maxLayers, "attn_layer_period"); period > 1 {
		offset := text.integer(maxLayers, "attn_layer_offset")
		a.each(func(i int64) LayerKind {
			if i%period == offset%period {
				return Full
			}
			return Linear
		})
		return true
	}
	for _, name := range []string{"attn_layer_indices", "full_attn_idxs"} {
		if list := text.integers(name, maxLayers); len(list) > 0 {
			a.each(func(i int64) LayerKind {
				if slices.Contains(list, i) {
					return Full
				}
				return Linear
			})
			return true
		}
	}
	kda, ok := text.object("linear_attn_config")
	if !ok {
		return false
	}
	full := map[int64]bool{}
	for _, layer := range kda.integers("full_attn_layers", maxLayers) {
		full[layer] = true
	}
	// Kimi Linear counts its layers from 1.
	a.each(func(i int64) LayerKind {
		if full[i+1] {
			return Full
		}
		return Linear
	})
	return len(full) > 0
}

// kindsOfWindow is for models with a window and no list: all layers, or those from max_window_layers on (Qwen2).
func kindsOfWindow(text fields, a *Architecture) {
	first := int64(0)
	if strings.HasPrefix(a.ModelType, "qwen") {
		first = text.integer(maxLayers, "max_window_layers")
	}
	a.each(func(i int64) LayerKind {
		if i >= first {
			return Sliding
		}
		return Full
	})
}

// readState computes what a Linear layer keeps of one sequence (vLLM: model_executor/layers/mamba/mamba_utils.py).
func readState(text fields, a *Architecture) {
	if a.count(Linear) == 0 {
		for _, name := range []string{"mamba_d_state", "ssm_state_size", "mamba_d_ssm"} {
			if text.has(name) {
				a.assume("config.json has Mamba states and does not say in which layers: they are left out")
				break
			}
		}
		return
	}
	a.State = &State{RecurrentBytes: 2}
	if t := text.text("mamba_ssm_dtype"); t == "float32" {
		a.State.RecurrentBytes = 4
	}
	kernel := text.integer(maxHeads, "linear_conv_kernel_dim", "mamba_d_conv", "conv_kernel", "d_conv", "conv_L_cache")
	switch {
	case text.has("linear_num_value_heads"):
		keys, values := text.integer(maxHeads, "linear_num_key_heads"), text.integer(maxHeads, "linear_num_value_heads")
		keyDim, valueDim := text.integer(maxHeadDim, "linear_key_head_dim"), text.integer(maxHeadDim, "linear_value_head_dim")
		a.State.Convolution = (2*keys*keyDim + values*valueDim) * max(kernel-1, 0)
		a.State.Recurrent = values * valueDim * keyDim
		// Queries, keys, values and a gate, two numbers a head, and the way out.
		a.State.Weights = a.Hidden * (2*keys*keyDim + 3*values*valueDim + 2*values)
	case kimiState(text, a):
	case text.has("attn_type_list"):
		// One matrix a head (MiniMax Text 01); queries, keys, values, gate and the way out.
		a.State.Recurrent = a.Heads * a.HeadDim * a.HeadDim
		a.State.Weights = 5 * a.Hidden * a.Heads * a.HeadDim
	default:
		mambaState(text, a, kernel)
	}
}

func kimiState(text fields, a *Architecture) bool {
	kda, ok := text.object("linear_attn_config")
	if !ok {
		return false
	}
	heads, dim := kda.integer(maxHeads, "num_heads"), kda.integer(maxHeadDim, "head_dim")
	width := min(heads*dim, maxWidth)
	a.State.Convolution = 3 * width * max(kda.integer(maxHeads, "short_conv_kernel_size")-1, 0)
	a.State.Recurrent, a.State.RecurrentBytes = width*dim, 4
	// Queries, keys, values and the way out; decay through dim elements; the gate likewise, or whole.
	a.State.Weights = a.Hidden*(4*width+heads) + dim*(a.Hidden+width)
	if kda.truth("use_full_rank_gate", false) {
		a.State.Weights += a.Hidden * width
	} else {
		a.State.Weights += dim * (a.Hidden + width)
	}
	return true
}

func mambaState(text fields, a *Architecture, kernel int64) {
	inner := text.integer(maxWidth, "mamba_d_inner", "mamba_intermediate_size", "d_inner")
	heads, dim := text.integer(maxHeads, "mamba_num_heads", "mamba_n_heads"), text.integer(maxHeadDim, "mamba_head_dim", "mamba_d_head")
	if inner == 0 {
		inner = min(heads*dim, maxWidth)
	}
	if inner == 0 {
		inner = min(a.Hidden*max(text.integer(maxHeads, "mamba_expand", "expand"), 2), maxWidth)
		a.assume(fmt.Sprintf("no width of the Mamba layers: %d", inner))
	}
	size := text.integer(maxHeadDim, "ssm_state_size", "mamba_d_state", "state_size", "mamba_state_dim")
	if size == 0 {
		size = 128
		a.assume("no state size of the Mamba layers: 128")
	}
	groups := text.integer(maxHeads, "n_groups", "mamba_n_groups", "mamba_num_groups")
	a.State.Convolution = (inner + 2*groups*size) * max(kernel-1, 3)
	a.State.Recurrent = inner * size
	a.State.Weights = a.Hidden * (3*inner + 2*groups*size + heads)
}

func readVision(root fields, a *Architecture) {
	vision, ok := root.object("vision_config")
	if !ok {
		vision, ok = root.object("vision_encoder")
	}
	if !ok {
		for _, name := range []string{"audio_config", "encoder_config"} {
			if _, found := root.object(name); found {
				a.Multimodal = true
			}
		}
		return
	}
	a.Multimodal = true
	v := &Vision{
		Hidden:       vision.integer(maxWidth, "hidden_size", "embed_dim", "width"),
		Intermediate: vision.integer(maxWidth, "intermediate_size"),
		Layers:       vision.integer(maxLayers, "num_hidden_layers", "depth", "layers"),
		Merge:        max(vision.integer(maxHeads, "spatial_merge_size"), root.integer(maxHeads, "spatial_merge_size"), 1),
	}
	side, patch := vision.integer(maxWidth, "image_size"), vision.integer(maxWidth, "patch_size")
	if side > 0 && patch > 0 {
		v.Patches = min((side/patch)*(side/patch), maxPositions)
	}
	v.Tokens = root.integer(maxPositions, "mm_tokens_per_image", "image_seq_length")
	if v.Tokens == 0 {
		v.Tokens = v.Patches / (v.Merge * v.Merge)
	}
	kind := root.text("model_type")
	if strings.HasPrefix(kind, "qwen2_vl") || strings.HasPrefix(kind, "qwen2_5_vl") || strings.HasPrefix(kind, "qwen3_vl") || strings.HasPrefix(kind, "qwen3_5") {
		// max_pixels of preprocessor_config.json, over the pixels of a token: 12,845,056 / 28², 16,777,216 / 32².
		v.Most, v.Video = 16384, strings.HasPrefix(kind, "qwen2")
		a.assume("images of up to 16,384 tokens, as the processor of this family allows: --limit-mm-per-prompt and max_pixels are not looked at")
	}
	a.Vision = v
}
