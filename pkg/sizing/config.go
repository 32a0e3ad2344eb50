package sizing

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Limits of what is taken for a model: an order of magnitude above the largest that exist.
const (
	maxLayers    = 2_000
	maxWidth     = 4_000_000
	maxHeads     = 100_000
	maxHeadDim   = 65_536
	maxVocab     = 100_000_000
	maxPositions = 1_000_000_000
	maxExperts   = 100_000
)

// ParseConfig reads a config.json as Hugging Face has it. What the file leaves open is assumed and said in
// Assumptions, as far as the engine does so too; what cannot be assumed is an error, all of them at once.
func ParseConfig(data []byte) (*Architecture, error) {
	root, err := parseFields(data)
	if err != nil {
		return nil, err
	}
	a := &Architecture{ModelType: root.text("model_type"), Classes: root.texts("architectures")}
	text := textConfig(root, a)
	fillDefaults(text, a)
	readShape(text, a)
	if len(*root.problems) == 0 {
		checkShape(text, a)
	}
	if len(*root.problems) == 0 {
		readPositions(text, a)
		readElements(root, text, a)
		readQuantisation(root, text, a)
		readExperts(text, a)
		readLatent(text, a)
		readKinds(text, a)
		readState(text, a)
		readVision(root, a)
		readHosted(text, a)
	}
	if len(*root.problems) > 0 {
		return nil, errors.Join(*root.problems...)
	}
	return a, nil
}

// textConfig is the part about the language model (vLLM: get_text_config).
func textConfig(root fields, a *Architecture) fields {
	for _, name := range []string{"text_config", "llm_config", "language_config", "thinker_config"} {
		nested, ok := root.object(name)
		if !ok {
			continue
		}
		a.Multimodal = true
		if inner, ok := nested.object("text_config"); ok {
			nested = inner
		}
		if t := nested.text("model_type"); t != "" {
			a.ModelType = t
		}
		// Older files keep some values at the root only.
		for key, value := range root.values {
			if nested.values[key] == nil && !strings.HasSuffix(key, "_config") && key != "architectures" {
				nested.values[key] = value
			}
		}
		return nested
	}
	return root
}

// readShape takes the names that vLLM takes, in its order (config/model.py, transformers_utils/model_arch_config_convertor.py),
// and those of Mistral's params.json.
func readShape(text fields, a *Architecture) {
	a.Layers = text.integer(maxLayers, "num_hidden_layers", "n_layer", "n_layers", "num_layers")
	a.Hidden = text.integer(maxWidth, "hidden_size", "n_embd", "d_model", "dim")
	a.Intermediate = text.integer(maxWidth, "intermediate_size", "ffn_hidden_size", "n_inner", "ffn_dim", "hidden_dim")
	a.Heads = text.integer(maxHeads, "num_attention_heads", "n_head", "n_heads")
	a.KVHeads = text.integer(maxHeads, "n_head_kv", "num_kv_heads", "num_key_value_heads", "multi_query_group_num", "num_attention_groups", "n_kv_heads")
	a.HeadDim = text.integer(maxHeadDim, "head_dim", "hidden_size_per_head", "kv_channels")
	a.ValueDim = text.integer(maxHeadDim, "v_head_dim")
	if a.GlobalHeadDim = text.integer(maxHeadDim, "global_head_dim"); a.GlobalHeadDim > 0 {
		a.GlobalKVHeads = max(text.integer(maxHeads, "num_global_key_value_heads"), 1)
	}
	a.Vocab = text.integer(maxVocab, "vocab_size", "padded_vocab_size")
	a.Tied = text.truth("tie_word_embeddings", tiedByDefault(a.ModelType))
	a.DraftLayers = text.integer(maxLayers, "num_nextn_predict_layers", "mtp_num_hidden_layers")
	a.IndexerDim = text.integer(maxHeadDim, "index_head_dim")
	a.CompressRatios = text.integers("compress_ratios", maxPositions)
	a.KVSources, a.IndexSources = text.integers("kv_source_layer_ids", maxLayers), text.integers("index_source_layer_ids", maxLayers)
}

// checkShape says what is missing, and fills in what the engine fills in.
func checkShape(text fields, a *Architecture) {
	for _, field := range []struct {
		name  string
		value int64
	}{{"num_hidden_layers", a.Layers}, {"hidden_size", a.Hidden}, {"vocab_size", a.Vocab}} {
		if field.value == 0 {
			text.fail(field.name, "is missing or 0; without it nothing can be computed (is this the config.json of a language model?)")
		}
	}
	if a.Heads == 0 && attentionFree(a) {
		a.Heads, a.KVHeads, a.HeadDim = 1, 1, 1
	}
	if a.Heads == 0 {
		text.fail("num_attention_heads", "is missing or 0; without it nothing can be computed")
		return
	}
	if a.KVHeads == 0 {
		a.KVHeads = a.Heads
		if text.truth("multi_query", false) {
			a.KVHeads = 1
		}
		a.assume(fmt.Sprintf("no num_key_value_heads: %d KV heads", a.KVHeads))
	}
	if a.KVHeads > a.Heads {
		text.fail("num_key_value_heads", "is %d, more than the %d attention heads", a.KVHeads, a.Heads)
	}
	if a.HeadDim == 0 {
		a.HeadDim = a.Hidden / a.Heads
		if !text.has("kv_lora_rank") {
			a.assume(fmt.Sprintf("no head_dim: hidden_size / num_attention_heads = %d", a.HeadDim))
		}
		if a.HeadDim == 0 {
			text.fail("head_dim", "is missing, and hidden_size / num_attention_heads is 0")
		}
	}
	if a.ValueDim == 0 || !text.has("v_head_dim") {
		a.ValueDim = a.HeadDim
	}
	if a.Intermediate == 0 {
		a.Intermediate = min(4*a.Hidden, maxWidth)
		a.assume("no intermediate_size: 4 × hidden_size")
	}
	a.Matrices = 3
	if ungated(text, a) {
		a.Matrices = 2
	}
}

// ungated says whether the feed-forward part has no gate (vLLM: models/gpt_neox.py, nemotron.py and so on).
func ungated(text fields, a *Architecture) bool {
	for _, name := range []string{"hidden_act", "mlp_hidden_act", "activation"} {
		if text.text(name) == "relu2" {
			return true
		}
	}
	return slices.Contains([]string{
		"bloom", "falcon", "gpt2", "gpt_bigcode", "gpt_neox", "gptj", "mpt", "nemotron", "opt", "phi", "starcoder2",
	}, a.ModelType)
}

func attentionFree(a *Architecture) bool {
	return slices.Contains([]string{"mamba", "mamba2", "falcon_mamba"}, a.ModelType)
}

// readPositions derives the longest context as vLLM does (_get_and_verify_max_len).
func readPositions(text fields, a *Architecture) {
	for _, name := range []string{"max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "model_max_length", "max_sequence_length", "max_seq_length", "seq_len"} {
		if n := text.integer(maxPositions, name); n > 0 && (a.MaxPositions == 0 || n < a.MaxPositions) {
			a.MaxPositions = n
		}
	}
	if a.MaxPositions == 0 {
		a.MaxPositions = 2048
		a.assume("no max_position_embeddings: 2,048 tokens, as vLLM takes it")
	}
	scaling, ok := text.object("rope_scaling")
	if !ok {
		scaling, ok = text.object("rope_parameters")
	}
	if !ok || strings.HasPrefix(a.ModelType, "gemma3") {
		return
	}
	kind := scaling.text("rope_type")
	if kind == "" {
		kind = scaling.text("type")
	}
	factor := scaling.number("factor")
	switch kind {
	case "", "default", "su", "longrope", "llama3", "mrope", "deepseek_yarn":
		return
	case "yarn":
		if original := scaling.integer(maxPositions, "original_max_position_embeddings"); original > 0 && factor >= 1 {
			a.MaxPositions = int64(min(float64(original)*factor, maxPositions))
		}
		return
	}
	if factor >= 1 {
		a.MaxPositions = int64(min(float64(a.MaxPositions)*factor, maxPositions))
	}
}

func readElements(root, text fields, a *Architecture) {
	dtype := ""
	for _, f := range []fields{root, text} {
		for _, name := range []string{"dtype", "torch_dtype"} {
			if dtype == "" {
				dtype = f.text(name)
			}
		}
	}
	a.ElementBytes, a.StoredBytes = 2, 2
	switch strings.TrimPrefix(dtype, "torch.") {
	case "float16", "bfloat16", "half":
	case "float32":
		// The engine serves such checkpoints in 16 bit (--dtype auto).
		a.StoredBytes = 4
	case "":
		a.assume("no dtype: 16 bit")
	default:
		a.assume(fmt.Sprintf("dtype %q: 16 bit for what is not quantised", dtype))
	}
}

func readExperts(text fields, a *Architecture) {
	a.Experts = text.integer(maxExperts, "num_experts", "moe_num_experts", "n_routed_experts", "num_local_experts", "num_moe_experts")
	if a.Experts <= 1 {
		a.Experts = 0
		return
	}
	a.ExpertsPerToken = text.integer(maxExperts, "num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k", "top_k_experts")
	if a.ExpertsPerToken == 0 {
		a.ExpertsPerToken = 2
		a.assume("no num_experts_per_tok: 2")
	}
	a.ExpertHidden = cmp.Or(text.integer(maxWidth, "routed_expert_hidden_size", "moe_latent_size"), a.Hidden)
	a.ExpertIntermediate = text.integer(maxWidth, "moe_intermediate_size", "expert_ffn_hidden_size", "moe_ffn_hidden_size")
	if a.ExpertIntermediate == 0 {
		a.ExpertIntermediate = a.Intermediate
	}
	a.SharedIntermediate = text.integer(maxWidth, "shared_expert_intermediate_size")
	if shared := text.integer(maxExperts, "n_shared_experts", "num_shared_experts", "moe_num_shared_experts"); shared > 0 && a.SharedIntermediate == 0 {
		a.SharedIntermediate = min(shared*a.ExpertIntermediate, maxWidth)
	}
	if strings.HasPrefix(a.ModelType, "llama4") {
		a.SharedIntermediate = a.ExpertIntermediate
	}
	a.DenseLayers = denseLayers(text, a)
}

// denseLayers counts the layers of a mixture that have no experts.
func denseLayers(text fields, a *Architecture) int64 {
	dense := text.integer(maxLayers, "first_k_dense_replace")
	if list := text.integers("mlp_only_layers", maxLayers); len(list) > 0 {
		dense = int64(len(list))
	}
	step := max(text.integer(maxLayers, "decoder_sparse_step"), text.integer(maxLayers, "interleave_moe_layer_step"))
	if step > 1 {
		dense = a.Layers - a.Layers/step
	}
	return min(dense, a.Layers)
}

// readHosted counts the tables that the engine keeps in the host's memory by default (vLLM: config/engram.py): a byte an
// element, and one for 32 of them.
func readHosted(text fields, a *Architecture) {
	var rows int64
	for _, n := range text.integers("engram_num_embeddings", 1<<40) {
		rows += n
	}
	elements := float64(rows) * float64(text.integer(maxHeadDim, "engram_head_dim"))
	if elements == 0 {
		return
	}
	a.HostBytes = elements * 33 / 32
	a.assume(fmt.Sprintf("%.0f GiB of Engram tables stay in the host's memory, as vLLM keeps them unless cpu_offload is off", toGiB(a.HostBytes)))
}

// latentTypes are the model types that vLLM serves with latent attention.
func latentTypes() []string {
	return []string{
		"axk1", "deepseek_v2", "deepseek_v3", "deepseek_v32", "deepseek_v4", "deepseek_v41", "deepseek_mtp", "dots3_note", "k3_dspark",
		"glm5_next", "glm5_next_text", "glm_moe_dsa", "glm4_moe_lite", "glm4_moe_lite_mtp", "kimi_k2", "kimi_k25", "kimi_linear", "longcat_flash",
		"pangu_ultra_moe", "bailing_hybrid", "hy_v4",
	}
}

func readLatent(text fields, a *Architecture) {
	rank := text.integer(maxWidth, "kv_lora_rank")
	if rank == 0 || len(a.CompressRatios) > 0 {
		return
	}
	if !slices.Contains(latentTypes(), a.ModelType) {
		a.assume(fmt.Sprintf("kv_lora_rank with model_type %q, which vLLM 0.33 does not list: taken for latent attention all the same", a.ModelType))
	}
	a.Latent = &Latent{
		QueryRank: text.integer(maxWidth, "q_lora_rank"),
		KVRank:    rank,
		Rope:      text.integer(maxHeadDim, "qk_rope_head_dim"),
		Nope:      text.integer(maxHeadDim, "qk_nope_head_dim"),
		Value:     text.integer(maxHeadDim, "v_head_dim"),
	}
	if a.Latent.Rope == 0 && !strings.HasPrefix(a.ModelType, "kimi_linear") {
		a.Latent.Rope = 64
		a.assume("no qk_rope_head_dim: 64")
	}
}
