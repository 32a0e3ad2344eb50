package sizing_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/sizing"
)

const tiny = `"num_hidden_layers": 4, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 100`

func parse(t *testing.T, text string) *sizing.Architecture {
	t.Helper()
	a, err := sizing.ParseConfig([]byte(text))
	require.NoError(t, err)
	return a
}

// TestBadConfig: what cannot be taken is told by its field.
func TestBadConfig(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:     "not a JSON object",
		`null`: "null",
		`[1]`:  "not a JSON object",
		`{}`:   "num_hidden_layers is missing",
		`{"num_hidden_layers": 4, "hidden_size": 64, "vocab_size": 9}`:                                                             "num_attention_heads is missing",
		`{"num_hidden_layers": "32", "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 9}`:                                `num_hidden_layers is the text "32"; want a number`,
		`{"num_hidden_layers": 1e300, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 9}`:                               "num_hidden_layers is 1e300; want 0 to 2000",
		`{"num_hidden_layers": 4, "hidden_size": -64, "num_attention_heads": 4, "vocab_size": 9}`:                                  "hidden_size is -64",
		`{"num_hidden_layers": 4.5, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 9}`:                                 "num_hidden_layers is 4.5; want a whole number",
		`{"num_hidden_layers": 4, "hidden_size": 2, "num_attention_heads": 4, "vocab_size": 9}`:                                    "head_dim is missing",
		`{` + tiny + `, "num_key_value_heads": 8}`:                                                                                 "num_key_value_heads is 8, more than the 4",
		`{"text_config": {"num_hidden_layers": true, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 9}}`:               "text_config.num_hidden_layers is true",
		`{` + tiny + `, "quantization_config": "awq"}`:                                                                             `quantization_config is the text "awq"; want an object`,
		`{` + tiny + `, "num_experts": "many"}`:                                                                                    "num_experts is the text",
		`{"num_hidden_layers": {"a": 1}, "hidden_size": [], "num_attention_heads": "` + strings.Repeat("x", 100) + `"}`:            "an object",
		`{"num_hidden_layers": 4, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 9, "num_key_value_heads": 123456789}`: "num_key_value_heads is 123456789; want 0 to 100000",
		strings.Repeat(" ", 10<<20+1): "10485761 bytes",
	} {
		_, err := sizing.ParseConfig([]byte(text))
		require.ErrorContains(t, err, want)
	}
}

// TestAllAtOnce: every problem is told, not the first.
func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	_, err := sizing.ParseConfig([]byte(`{"num_hidden_layers": "a", "hidden_size": "b", "vocab_size": "c"}`))
	for _, field := range []string{"num_hidden_layers", "hidden_size", "vocab_size"} {
		require.ErrorContains(t, err, field)
	}
}

// TestAssumed: what the engine fills in is filled in, and said.
func TestAssumed(t *testing.T) {
	t.Parallel()
	a := parse(t, `{`+tiny+`}`)
	assert.Equal(t, int64(16), a.HeadDim)
	assert.Equal(t, int64(4), a.KVHeads)
	assert.Equal(t, int64(256), a.Intermediate)
	assert.Equal(t, int64(2048), a.MaxPositions)
	said := strings.Join(a.Assumptions, "\n")
	for _, field := range []string{"head_dim", "num_key_value_heads", "intermediate_size", "max_position_embeddings", "dtype"} {
		assert.Contains(t, said, field)
	}
	assert.Equal(t, int64(16), parse(t, `{`+tiny+`, "head_dim": 0}`).HeadDim, "vLLM takes 0 as missing")
	assert.Equal(t, int64(16), parse(t, `{`+tiny+`, "head_dim": null}`).HeadDim)
	assert.Equal(t, int64(1), parse(t, `{`+tiny+`, "multi_query": true}`).KVHeads)
}

func TestNested(t *testing.T) {
	t.Parallel()
	a := parse(t, `{"model_type": "mistral3", "torch_dtype": "bfloat16", "spatial_merge_size": 2,
		"text_config": {"model_type": "mistral", `+tiny+`, "num_key_value_heads": 2},
		"vision_config": {"hidden_size": 32, "image_size": 56, "patch_size": 14}}`)
	assert.Equal(t, "mistral", a.ModelType)
	assert.Equal(t, int64(2), a.KVHeads)
	require.NotNil(t, a.Vision)
	assert.Equal(t, int64(16), a.Vision.Patches)
	assert.Equal(t, int64(2), a.Vision.Merge)
}

func TestPositions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		`"max_position_embeddings": 131072, "rope_scaling": {"rope_type": "llama3", "factor": 8}`:                                      131072,
		`"max_position_embeddings": 32768, "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}`: 131072,
		`"max_position_embeddings": 163840, "rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096}`:  163840,
		`"max_position_embeddings": 2048, "rope_scaling": {"type": "linear", "factor": 2.0}`:                                           4096,
		`"max_position_embeddings": 4096, "seq_length": 1024`:                                                                          1024,
		`"max_position_embeddings": 4096, "rope_scaling": "no object"`:                                                                 4096,
		`"model_type": "gemma3_text", "max_position_embeddings": 131072, "rope_scaling": {"rope_type": "linear", "factor": 8}`:         131072,
	} {
		assert.Equal(t, want, parse(t, `{`+tiny+`, `+text+`}`).MaxPositions, text)
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	const f, s, l, n = sizing.Full, sizing.Sliding, sizing.Linear, sizing.Stateless
	for text, want := range map[string][]sizing.LayerKind{
		`"sliding_window": 8`:                              {s, s, s, s},
		`"sliding_window": 8, "use_sliding_window": false`: {f, f, f, f},
		`"sliding_window": 0`:                              {f, f, f, f},
		`"sliding_window": 8, "model_type": "qwen2", "use_sliding_window": true, "max_window_layers": 3`:                     {f, f, f, s},
		`"sliding_window": 8, "sliding_window_pattern": 2`:                                                                   {s, f, s, f},
		`"sliding_window": 8, "model_type": "gemma2"`:                                                                        {s, f, s, f},
		`"model_type": "gpt_oss", "layer_types": ["full_attention", "full_attention", "full_attention", "full_attention"]`:   {s, f, s, f},
		`"sliding_window": 8, "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention"]`: {f, s, s, f},
		`"full_attention_interval": 4, "linear_num_value_heads": 2, "linear_value_head_dim": 4`:                              {l, l, l, f},
		`"hybrid_override_pattern": "M*-M", "mamba_num_heads": 2, "mamba_head_dim": 8`:                                       {l, f, n, l},
		`"attn_layer_period": 4, "attn_layer_offset": 1`:                                                                     {l, f, l, l},
		`"attn_type_list": [0, 0, 1, 0]`:                                                                                     {l, l, f, l},
		`"linear_attn_config": {"full_attn_layers": [4], "num_heads": 2, "head_dim": 4}`:                                     {l, l, l, f},
		`"num_kv_shared_layers": 2`: {f, f, sizing.Shared, sizing.Shared},
		`"model_type": "llama4_text", "attention_chunk_size": 8, "layer_types": ["chunked_attention", "full_attention"]`: {f, f, f, f},
	} {
		assert.Equal(t, want, parse(t, `{`+tiny+`, `+text+`}`).Kinds, text)
	}
}

func TestQuantisation(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]float64{
		`{"quant_method": "fp8"}`:                                {8, 0},
		`{"quant_method": "fbgemm_fp8"}`:                         {8, 0},
		`{"quant_method": "awq", "bits": 4, "group_size": 128}`:  {4, 20.0 / 128},
		`{"quant_method": "gptq", "bits": 8, "group_size": -1}`:  {8, 0},
		`{"quant_method": "mxfp4"}`:                              {4, 0.25},
		`{"quant_method": "bitsandbytes", "load_in_4bit": true}`: {4, 20.0 / 128},
		`{"quant_method": "bitsandbytes", "load_in_8bit": true}`: {8, 0},
		`{"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"num_bits": 4, "group_size": 32}}}}`:                                                   {4, 20.0 / 32},
		`{"quant_method": "compressed-tensors", "format": "mxfp4-pack-quantized", "config_groups": {"g": {"weights": {"num_bits": 4, "group_size": 32}}}}`:                 {4, 0.25},
		`{"quant_method": "compressed-tensors", "format": "float-quantized", "config_groups": {"g": {"input_activations": {"num_bits": 16}, "weights": {"num_bits": 8}}}}`: {8, 0},
		`{"quant_method": "compressed-tensors", "config_groups": {"a": {"weights": {"num_bits": 4, "group_size": 128}}, "b": {"weights": {"num_bits": 8}}}}`:               {8, 0},
		`{"quant_algo": "NVFP4"}`: {4, 0.5},
		`{"quant_method": "modelopt", "quant_algo": "NVFP4", "kv_cache_scheme": {"num_bits": 8}, "config_groups": {"g": {"input_activations": {"num_bits": 16}}}}`: {4, 0.5},
		`{"quant_method": "modelopt", "quant_algo": "FP8"}`:                                                                           {8, 0},
		`{"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 64}}}`:                            {4, 20.0 / 64},
		`{"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp8_e4m3"}, "input_tensors": {"dtype": "bfloat16"}}}`: {8, 0},
		`{"quant_method": "torchao", "quant_type": "int4_weight_only"}`:                                                               {4, 20.0 / 128},
		`{"quant_method": "new"}`: {8, 0},
		`{}`:                      {0, 0},
	} {
		for _, at := range []string{`{` + tiny + `, "quantization_config": ` + text + `}`, `{"text_config": {` + tiny + `, "quantization_config": ` + text + `}}`, `{` + tiny + `, "compression_config": ` + text + `}`} {
			q := parse(t, at).Quantisation
			assert.Equal(t, want, [2]float64{q.Bits, q.Scale}, at)
		}
	}
	kept := parse(t, `{`+tiny+`, "quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4", "exclude_modules": ["model.layers.0.self_attn*"]}}`)
	assert.True(t, kept.Quantisation.KeepsAttention)
	assert.False(t, kept.Quantisation.ExpertsOnly, "the rest of a dense model is quantised")
	assert.InDelta(t, 4.25, parse(t, `{`+tiny+`, "quantization_config": {"quant_method": "fp8", "expert_dtype": "fp4"}}`).Quantisation.ExpertBits, 0)
}

// TestKeptAttention: attention that is left in 16 bit leaves the rest of a dense model quantised.
func TestKeptAttention(t *testing.T) {
	t.Parallel()
	weights := func(quantisation string) float64 {
		a := parse(t, `{"num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 1000`+quantisation+`}`)
		r, err := sizing.Estimate(a, sizing.Weights{}, sizing.Settings{GPU: sizing.GPU{Name: "h100", MemoryGiB: 79.18}, Version: sizing.Version{Minor: 33}, MaxModelLen: 1024})
		require.NoError(t, err)
		return r.Weights.Value / (1 << 30)
	}
	plain, all := weights(""), weights(`, "quantization_config": {"quant_method": "fp8"}`)
	kept := weights(`, "quantization_config": {"quant_method": "fp8", "modules_to_not_convert": ["re:.*self_attn.*"]}`)
	assert.InDelta(t, 32*(2*4096*4096+2*4096*1024)/float64(1<<30), kept-all, 0.01, "one byte more for each element of attention")
	assert.InDelta(t, 32*3*4096*14336/float64(1<<30), plain-kept, 0.01, "and one for each of the rest")
}

// TestHybridWeights: projections of layers with a state are counted by their own sizes.
func TestHybridWeights(t *testing.T) {
	t.Parallel()
	mamba := parse(t, `{`+tiny+`, "hybrid_override_pattern": "M*-M", "mamba_num_heads": 2, "mamba_head_dim": 64, "ssm_state_size": 16, "n_groups": 1, "mlp_hidden_act": "relu2"}`)
	assert.True(t, mamba.OneMixer)
	assert.Equal(t, int64(2), mamba.Matrices)
	assert.Equal(t, int64(64*(3*128+2*16+2)), mamba.State.Weights)
	kda := parse(t, `{`+tiny+`, "linear_attn_config": {"full_attn_layers": [4], "num_heads": 2, "head_dim": 4, "use_full_rank_gate": true}}`)
	assert.Equal(t, int64(64*(5*8+2)+4*(64+8)), kda.State.Weights)
	assert.Equal(t, []sizing.LayerKind{sizing.Linear, sizing.Full, sizing.Linear, sizing.Full}, parse(t, `{`+tiny+`, "attn_layer_indices": [1, 3]}`).Kinds)
	parallel := parse(t, `{`+tiny+`, "model_type": "falcon_h1", "mamba_d_state": 256}`)
	assert.Contains(t, strings.Join(parallel.Assumptions, "\n"), "Mamba states")
}

// TestHosted: tables that stay in the host's memory are no part of a GPU's weights.
func TestHosted(t *testing.T) {
	t.Parallel()
	const tables = `, "engram_num_embeddings": [1000000, 1000000], "engram_head_dim": 32`
	plain, hosted := parse(t, `{`+tiny+`}`), parse(t, `{`+tiny+tables+`}`)
	assert.InDelta(t, 66e6, hosted.HostBytes, 0)
	s := sizing.Settings{Version: version(t, "0.33.0"), GPU: h100()}
	without, err := sizing.Estimate(plain, sizing.Weights{FileBytes: 1e6}, s)
	require.NoError(t, err)
	with, err := sizing.Estimate(hosted, sizing.Weights{FileBytes: 67e6}, s)
	require.NoError(t, err)
	assert.InEpsilon(t, without.Weights.Value, with.Weights.Value, 0.5)
	assert.Less(t, with.Weights.Value, 10e6)
}

// TestClassDefaults: Hugging Face leaves out of a file what transformers fills in (Gemma 3, LLaVA).
func TestClassDefaults(t *testing.T) {
	t.Parallel()
	gemma := parse(t, `{"model_type": "gemma3", "mm_tokens_per_image": 256, "text_config": {"model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34, "sliding_window": 1024},
		"vision_config": {"hidden_size": 1152, "image_size": 896, "patch_size": 14}}`)
	assert.Equal(t, [6]int64{8, 4, 256, 262208, 131072, 1024}, [6]int64{gemma.Heads, gemma.KVHeads, gemma.HeadDim, gemma.Vocab, gemma.MaxPositions, gemma.Window})
	assert.True(t, gemma.Tied)
	assert.Equal(t, [2]int64{4096, 256}, [2]int64{gemma.Vision.Patches, gemma.Vision.Tokens})
	assert.Contains(t, strings.Join(gemma.Assumptions, "\n"), "no num_attention_heads: 8, the default of gemma3_text")
	llava := parse(t, `{"model_type": "llava", "text_config": {"model_type": "llama", "max_position_embeddings": 4096, "vocab_size": 32064}}`)
	assert.Equal(t, [3]int64{4096, 32, 32}, [3]int64{llava.Hidden, llava.Layers, llava.KVHeads})
	_, err := sizing.ParseConfig([]byte(`{"model_type": "llama"}`))
	require.ErrorContains(t, err, "num_hidden_layers is missing", "the root of a file has its sizes")
	assert.Equal(t, int64(0), parse(t, `{`+tiny+`, "model_type": "gemma2", "sliding_window": null}`).Window, "null is said")
	assert.Zero(t, parse(t, `{`+tiny+`, "model_type": "qwen3", "sliding_window": 8}`).Window)
}
