package catalog

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
)

// The counter below gives the bytes of a checkpoint's tensors from its config.json. It proves the numbers of both: an
// error in one of them moves the count away from bytes that are known from elsewhere.

// config is a config.json.
type config map[string]any

func configOf(t *testing.T, a Architecture) config {
	t.Helper()
	data, err := a.Config()
	require.NoError(t, err)
	var c config
	require.NoError(t, json.Unmarshal(data, &c))
	return c
}

// n is a number, 0 where the file has none.
func (c config) n(key string) int {
	n, _ := c[key].(float64)
	return int(n)
}

// first is the first of some numbers that the file has.
func (c config) first(names ...string) int {
	for _, name := range names {
		if n := c.n(name); n > 0 {
			return n
		}
	}
	return 0
}

func (c config) is(key string) bool {
	b, _ := c[key].(bool)
	return b
}

func (c config) sub(key string) config {
	nested, _ := c[key].(map[string]any)
	return nested
}

func (c config) list(key string) []any {
	list, _ := c[key].([]any)
	return list
}

func (c config) kind() string {
	s, _ := c["model_type"].(string)
	return s
}

// text is the language part, with what the outer file says of the whole.
func text(c config) config {
	out := maps.Clone(c)
	maps.Copy(out, c.sub("text_config"))
	return out
}

// count adds up tensors.
type count struct {
	bytes int
	// elements leaves scales out.
	elements int
	// block is the side of the square that shares one float32 scale, 0 for linear layers of 16 bit.
	block int
}

// linear adds the matrix of a linear layer, n times.
func (k *count) linear(n, rows, columns int) {
	if k.block == 0 {
		k.half(n * rows * columns)
		return
	}
	k.elements += n * rows * columns
	blocks := func(size int) int { return (size + k.block - 1) / k.block }
	k.bytes += n * (rows*columns + 4*blocks(rows)*blocks(columns))
}

func (k *count) half(n int) {
	k.bytes += 2 * n
	k.elements += n
}

func (k *count) single(n int) {
	k.bytes += 4 * n
	k.elements += n
}

func counting(c config) *count {
	k := &count{}
	if size := c.sub("quantization_config").list("weight_block_size"); len(size) > 0 {
		side, _ := size[0].(float64)
		k.block = int(side)
	}
	return k
}

// embeddings adds the embedding, the last norm and, unless it is tied, the head.
func (k *count) embeddings(c config) {
	tables := 2
	if c.is("tie_word_embeddings") {
		tables = 1
	}
	k.half(tables*c.n("vocab_size")*c.n("hidden_size") + c.n("hidden_size"))
}

// biased kinds of models add a bias to queries, keys and values.
func biased(c config) bool {
	return c.kind() == "qwen2" || c.kind() == "qwen2_5_vl" || c.is("attention_bias")
}

// normed kinds of models norm each head of queries and keys.
func normed(c config) bool {
	switch c.kind() {
	case "qwen3", "qwen3_moe", "qwen3_next", "qwen3_vl_text", "qwen3_vl_moe_text", "qwen3_5_text", "qwen3_5_moe_text", "gemma3_text":
		return true
	}
	return c.kind() == "glm4_moe" && c.is("use_qk_norm")
}

// attention adds one layer of attention with keys and values per head.
func (k *count) attention(c config) {
	hidden, heads, kv := c.n("hidden_size"), c.n("num_attention_heads"), c.n("num_key_value_heads")
	size := c.n("head_dim")
	if size == 0 {
		size = hidden / heads
	}
	queries := heads * size
	if c.is("attn_output_gate") || c.kind() == "qwen3_next" {
		queries *= 2
	}
	k.linear(1, queries, hidden)
	k.linear(2, kv*size, hidden)
	k.linear(1, hidden, heads*size)
	if biased(c) {
		k.half((heads + 2*kv) * size)
	}
	if normed(c) {
		k.half(2 * size)
	}
	if c.kind() == "minimax_m2" {
		k.half((heads + kv) * size)
	}
}

// gated adds n feed-forward networks with gate, up and down.
func (k *count) gated(n, hidden, inner int) {
	k.linear(2*n, inner, hidden)
	k.linear(n, hidden, inner)
}

func dense(c config) *count {
	k := counting(c)
	c = text(c)
	norms := 2
	if c.kind() == "gemma2" || c.kind() == "gemma3_text" {
		norms = 4
	}
	k.embeddings(c)
	for range c.n("num_hidden_layers") {
		k.attention(c)
		k.gated(1, c.n("hidden_size"), c.n("intermediate_size"))
		k.half(norms * c.n("hidden_size"))
	}
	return k
}

// experts adds the feed-forward part of one layer with routed and shared experts and their router.
func (k *count) experts(c config) {
	hidden := c.n("hidden_size")
	routed := c.first("num_experts", "num_local_experts", "n_routed_experts")
	inner := c.first("moe_intermediate_size", "intermediate_size")
	k.gated(routed, hidden, inner)
	if shared := c.n("n_shared_experts"); shared > 0 {
		k.gated(1, hidden, shared*inner)
	}
	if inner := c.n("shared_expert_intermediate_size"); inner > 0 {
		k.gated(1, hidden, inner)
		k.half(hidden)
	}
	switch c.kind() {
	case "minimax_m2":
		k.single(routed*hidden + routed)
	case "glm4_moe", "deepseek_v3", "deepseek_v32", "kimi_k2", "glm_moe_dsa":
		k.half(routed * hidden)
		k.single(routed)
	default:
		k.half(routed * hidden)
	}
}

// feedForward adds layer i, whose first ones may be dense.
func (k *count) feedForward(c config, i int) {
	if i < c.n("first_k_dense_replace") {
		k.gated(1, c.n("hidden_size"), c.n("intermediate_size"))
		return
	}
	k.experts(c)
}

// predictor adds what a multi-token prediction layer has besides a layer, with or without copies of the embedding and the head.
func (k *count) predictor(c config, copies int) {
	hidden := c.n("hidden_size")
	k.half(2*hidden*hidden + 3*hidden + copies*c.n("vocab_size")*hidden)
}

func moe(c config) *count {
	k := counting(c)
	c = text(c)
	k.embeddings(c)
	layers, drafts := c.n("num_hidden_layers"), c.n("num_nextn_predict_layers")
	for i := range layers + drafts {
		k.attention(c)
		k.feedForward(c, i)
		k.half(2 * c.n("hidden_size"))
	}
	for range drafts {
		k.predictor(c, 2)
	}
	return k
}

// latent adds one layer of latent attention.
func (k *count) latent(c config) {
	hidden, heads, rank := c.n("hidden_size"), c.n("num_attention_heads"), c.n("kv_lora_rank")
	rope, plain, value := c.n("qk_rope_head_dim"), c.n("qk_nope_head_dim"), c.n("v_head_dim")
	if queries := c.n("q_lora_rank"); queries > 0 {
		k.linear(1, queries, hidden)
		k.linear(1, heads*(plain+rope), queries)
		k.half(queries)
	} else {
		k.linear(1, heads*(plain+rope), hidden)
	}
	k.linear(1, rank+rope, hidden)
	k.linear(1, heads*(plain+value), rank)
	k.linear(1, hidden, heads*value)
	k.half(rank)
}

// indexer adds what sparse attention picks tokens by, unless layer i uses that of another.
func (k *count) indexer(c config, i int) {
	size, heads := c.n("index_head_dim"), c.n("index_n_heads")
	kinds := c.list("indexer_types")
	if size == 0 || i < len(kinds) && kinds[i] != "full" {
		return
	}
	k.linear(1, heads*size, c.n("q_lora_rank"))
	k.linear(1, size, c.n("hidden_size"))
	k.half(heads * c.n("hidden_size"))
	k.single(2 * size)
}

func latentMoE(c config) *count {
	k := counting(c)
	k.embeddings(c)
	copies := 2
	if c.kind() == "glm_moe_dsa" {
		copies = 0
	}
	layers, drafts := c.n("num_hidden_layers"), c.n("num_nextn_predict_layers")
	for i := range layers + drafts {
		k.latent(c)
		k.indexer(c, i)
		k.feedForward(c, i)
		k.half(2 * c.n("hidden_size"))
	}
	for range drafts {
		k.predictor(c, copies)
	}
	return k
}

// delta adds one layer of linear attention (gated delta net).
func (k *count) delta(c config) {
	hidden, values := c.n("hidden_size"), c.n("linear_num_value_heads")
	keys := c.n("linear_num_key_heads") * c.n("linear_key_head_dim")
	value := values * c.n("linear_value_head_dim")
	k.linear(1, 2*keys+2*value, hidden)
	k.linear(1, 2*values, hidden)
	k.half((2*keys + value) * c.n("linear_conv_kernel_dim"))
	decays, norm := values, c.n("linear_value_head_dim")
	k.half(values)
	if c.kind() == "qwen3_next" {
		k.half(decays + norm)
	} else {
		k.single(decays + norm)
	}
	k.linear(1, hidden, value)
}

// hybrid counts full attention in every so many layers, linear attention in the others, and one draft layer.
func hybrid(c config) *count {
	k := counting(c)
	c = text(c)
	feedForward := func() {
		k.half(2 * c.n("hidden_size"))
		if c.n("num_experts") > 0 {
			k.experts(c)
			return
		}
		k.gated(1, c.n("hidden_size"), c.n("intermediate_size"))
	}
	k.embeddings(c)
	for i := range c.n("num_hidden_layers") {
		if (i+1)%c.n("full_attention_interval") == 0 {
			k.attention(c)
		} else {
			k.delta(c)
		}
		feedForward()
	}
	k.attention(c)
	feedForward()
	k.predictor(c, 0)
	return k
}

// transformer adds n layers of an encoder with biases and two norms of two vectors each.
func (k *count) transformer(n, hidden, inner int) {
	k.half(n * (4*(hidden*hidden+hidden) + 2*hidden*inner + inner + hidden + 4*hidden))
}

// qwenEncoder is that of Qwen3-VL and Qwen3.5.
func qwenEncoder(c config) *count {
	v, k := c.sub("vision_config"), &count{}
	hidden, out := v.n("hidden_size"), v.n("out_hidden_size")
	merged := hidden * v.n("spatial_merge_size") * v.n("spatial_merge_size")
	patch := 3 * v.n("temporal_patch_size") * v.n("patch_size") * v.n("patch_size")
	k.half(patch*hidden + hidden + v.n("num_position_embeddings")*hidden)
	k.transformer(v.n("depth"), hidden, v.n("intermediate_size"))
	merger := merged*merged + merged + merged*out + out
	k.half(merger + 2*hidden)
	k.half(len(v.list("deepstack_visual_indexes")) * (merger + 2*merged))
	return k
}

func qwen25Encoder(c config) *count {
	v, k := c.sub("vision_config"), &count{}
	hidden, inner, out := v.n("hidden_size"), v.n("intermediate_size"), v.n("out_hidden_size")
	merged := hidden * v.n("spatial_merge_size") * v.n("spatial_merge_size")
	k.half(3 * v.n("temporal_patch_size") * v.n("patch_size") * v.n("patch_size") * hidden)
	k.half(v.n("depth") * (4*(hidden*hidden+hidden) + 3*hidden*inner + 2*inner + hidden + 2*hidden))
	k.half(hidden + merged*merged + merged + merged*out + out)
	return k
}

// siglip is the encoder of Gemma 3.
func siglip(c config) *count {
	v, k := c.sub("vision_config"), &count{}
	hidden, side := v.n("hidden_size"), v.n("image_size")/v.n("patch_size")
	k.half(3*v.n("patch_size")*v.n("patch_size")*hidden + hidden + side*side*hidden)
	k.transformer(v.n("num_hidden_layers"), hidden, v.n("intermediate_size"))
	k.half(2*hidden + hidden*text(c).n("hidden_size") + hidden)
	return k
}

func llama4(c config) *count {
	k, v := &count{}, c.sub("vision_config")
	c = text(c)
	hidden := c.n("hidden_size")
	k.embeddings(c)
	for i := range c.n("num_hidden_layers") {
		k.attention(c)
		k.half(2 * hidden)
		if (i+1)%c.n("interleave_moe_layer_step") == 0 {
			k.experts(c)
			k.gated(1, hidden, c.n("intermediate_size"))
		} else {
			k.gated(1, hidden, c.n("intermediate_size_mlp"))
		}
	}
	inner, side := v.n("hidden_size"), v.n("image_size")/v.n("patch_size")
	k.half(3*v.n("patch_size")*v.n("patch_size")*inner + inner + (side*side+1)*inner + 4*inner)
	k.transformer(v.n("num_hidden_layers"), inner, v.n("intermediate_size"))
	shuffled := 4 * inner // pixel_shuffle_ratio 0.5 makes four pixels one
	k.half(shuffled*v.n("projector_input_dim") + v.n("projector_input_dim")*v.n("projector_output_dim") + v.n("vision_output_dim")*hidden)
	return k
}

// gptOSS has experts of 4 bit with a scale for 32 elements, and biases and sinks of 16 bit.
func gptOSS(c config) *count {
	k := &count{}
	hidden, inner, heads, experts := c.n("hidden_size"), c.n("intermediate_size"), c.n("num_attention_heads"), c.n("num_local_experts")
	k.embeddings(c)
	for range c.n("num_hidden_layers") {
		k.attention(c)
		k.half(hidden + heads + 2*hidden) // the output's bias, the sinks, the norms
		k.half(experts*hidden + experts + experts*(2*inner+hidden))
		elements := experts * 3 * hidden * inner
		k.elements += elements
		k.bytes += elements/2 + elements/32
	}
	return k
}

func plus(parts ...func(config) *count) func(config) *count {
	return func(c config) *count {
		total := &count{}
		for _, part := range parts {
			k := part(c)
			total.bytes += k.bytes
			total.elements += k.elements
		}
		return total
	}
}

// counters are the families whose tensors are known. DeepSeek V4, Kimi K2.5 and K3, MiniMax M3 and Gemma 4 have none.
func counters() map[string]func(config) *count {
	return map[string]func(config) *count{
		"LlamaForCausalLM": dense, "MistralForCausalLM": dense, "Phi3ForCausalLM": dense, "Gemma2ForCausalLM": dense,
		"Qwen2ForCausalLM": dense, "Qwen3ForCausalLM": dense,
		"MixtralForCausalLM": moe, "Qwen3MoeForCausalLM": moe, "Glm4MoeForCausalLM": moe, "MiniMaxM2ForCausalLM": moe,
		"DeepseekV2ForCausalLM": latentMoE, "DeepseekV3ForCausalLM": latentMoE, "DeepseekV32ForCausalLM": latentMoE, "GlmMoeDsaForCausalLM": latentMoE,
		"Qwen3NextForCausalLM":            hybrid,
		"Qwen3_5ForConditionalGeneration": plus(hybrid, qwenEncoder), "Qwen3_5MoeForConditionalGeneration": plus(hybrid, qwenEncoder),
		"Qwen3VLForConditionalGeneration": plus(dense, qwenEncoder), "Qwen3VLMoeForConditionalGeneration": plus(moe, qwenEncoder),
		"Qwen2_5_VLForConditionalGeneration": plus(dense, qwen25Encoder), "Gemma3ForConditionalGeneration": plus(dense, siglip),
		"Llama4ForConditionalGeneration": llama4, "GptOssForCausalLM": gptOSS,
	}
}
