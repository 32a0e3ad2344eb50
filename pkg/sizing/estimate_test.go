package sizing_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/sizing"
)

const (
	deepseek = `"architectures": ["DeepseekV3ForCausalLM"], "num_hidden_layers": 61, "hidden_size": 7168, "intermediate_size": 18432, "num_attention_heads": 128, "num_key_value_heads": 128, "vocab_size": 129280,
		"max_position_embeddings": 163840, "kv_lora_rank": 512, "q_lora_rank": 1536, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128,
		"n_routed_experts": 256, "num_experts_per_tok": 8, "moe_intermediate_size": 2048, "n_shared_experts": 1, "first_k_dense_replace": 3, "num_nextn_predict_layers": 1, "quantization_config": {"quant_method": "fp8"}`
	llama  = `"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 131072`
	v2lite = `"model_type": "deepseek_v2", "num_hidden_layers": 27, "hidden_size": 2048, "intermediate_size": 10944, "num_attention_heads": 16, "num_key_value_heads": 16, "vocab_size": 102400,
		"max_position_embeddings": 163840, "kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128, "n_routed_experts": 64, "num_experts_per_tok": 6, "moe_intermediate_size": 1408`
	shared   = `"model_type": "deepseek_v4", "num_hidden_layers": 3, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 9, "max_position_embeddings": 4096, "compress_ratios": [0, 4, 128]`
	qwenNext = `"model_type": "qwen3_next", "num_hidden_layers": 48, "hidden_size": 2048, "intermediate_size": 5120, "num_attention_heads": 16, "num_key_value_heads": 2, "head_dim": 256, "vocab_size": 151936, "max_position_embeddings": 262144,
		"full_attention_interval": 4, "linear_num_key_heads": 16, "linear_num_value_heads": 32, "linear_key_head_dim": 128, "linear_value_head_dim": 128, "linear_conv_kernel_dim": 4, "num_experts": 512, "num_experts_per_tok": 10, "moe_intermediate_size": 512`
)

func version(t *testing.T, text string) sizing.Version {
	t.Helper()
	v, err := sizing.ParseVersion(text)
	require.NoError(t, err)
	return v
}

func h100() sizing.GPU { return sizing.GPU{Name: "h100", MemoryGiB: 79.18, Vendor: "nvidia"} }

func h200() sizing.GPU { return sizing.GPU{Name: "h200", MemoryGiB: 139.8, Vendor: "nvidia"} }

func estimate(t *testing.T, config string, weightsGiB float64, s sizing.Settings) *sizing.Result {
	t.Helper()
	r, err := sizing.Estimate(parse(t, `{`+config+`}`), sizing.Weights{LoadedBytes: weightsGiB * gib}, s)
	require.NoError(t, err)
	return r
}

// TestBytesPerToken holds the figures that logs and the engine's code give.
func TestBytesPerToken(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, config string
		settings     sizing.Settings
		want         float64
	}{
		{"grouped heads", llama, sizing.Settings{}, 131072},
		{"split over ranks", llama, sizing.Settings{TensorParallel: 4}, 32768},
		{"one head on each of eight", llama, sizing.Settings{TensorParallel: 8}, 16384},
		{"more ranks than heads: copied", llama, sizing.Settings{TensorParallel: 16}, 16384},
		{"fp8", llama, sizing.Settings{KVCacheDType: "fp8"}, 65536},
		{"nvfp4", llama, sizing.Settings{KVCacheDType: "nvfp4"}, 131072 / 2 * 0.5625},
		{"draft layer", llama, sizing.Settings{DraftLayers: 1}, 131072 * 33 / 32},
		{"latent", `"model_type": "deepseek_v3", ` + deepseek, sizing.Settings{}, 70272},
		{"latent on every rank", `"model_type": "deepseek_v3", ` + deepseek, sizing.Settings{TensorParallel: 8}, 70272},
		{"context parallel", `"model_type": "deepseek_v3", ` + deepseek, sizing.Settings{TensorParallel: 8, ContextParallel: 8}, 70272 / 8},
		{"indexer", `"model_type": "deepseek_v32", "index_head_dim": 128, ` + deepseek, sizing.Settings{}, 78324},
		{"packed latent", `"model_type": "deepseek_v32", "index_head_dim": 128, ` + deepseek, sizing.Settings{KVCacheDType: "fp8"}, 61 * (656 + 132)},
		{"before latent attention", v2lite, sizing.Settings{Version: sizing.Version{Minor: 6, Patch: 6}}, 442368},
		{"compressed", shared, sizing.Settings{}, 584.0/4 + 132.0/4 + 584.0/128},
		{"compressed, kept by few layers", shared + `, "kv_source_layer_ids": [1], "index_source_layer_ids": [1, 2]`, sizing.Settings{}, 584.0/4 + 132.0/4 + 132.0/128},
		{"stages", llama, sizing.Settings{PipelineParallel: 2}, 65536},
		{"uneven stages", `"num_hidden_layers": 61, "hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 9`, sizing.Settings{PipelineParallel: 2}, 31 * 4096},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.settings.GPU = h200()
			if test.settings.Version == (sizing.Version{}) {
				test.settings.Version = version(t, "0.19.1")
			}
			r := estimate(t, test.config, 16, test.settings)
			assert.InDelta(t, test.want, r.KVBytesPerToken.Value, 1e-6, r.KVBytesPerToken.Formula)
		})
	}
}

// TestWindows: layers with a window keep it and what is in flight, from the release on that has blocks for them.
func TestWindows(t *testing.T) {
	t.Parallel()
	a := architecture(t, "gpt-oss-20b")
	tokens := func(release string) int64 {
		r, err := sizing.Estimate(a, sizing.Weights{LoadedBytes: 13.47 * gib}, sizing.Settings{Version: version(t, release), GPU: h100(), Utilization: 0.9, MaxModelLen: 131072})
		require.NoError(t, err)
		return r.KVTokens
	}
	old, grouped, later := tokens("0.8.5"), tokens("0.19.1"), tokens("0.20.2")
	assert.InEpsilon(t, float64(old), float64(grouped), 0.3, "two groups of half the layers, evenly shared")
	plain, err := sizing.Estimate(a, sizing.Weights{LoadedBytes: 13.47 * gib}, sizing.Settings{Version: version(t, "0.20.2"), GPU: h100(), Utilization: 0.9, MaxModelLen: 131072, PlainCache: true})
	require.NoError(t, err)
	assert.Less(t, plain.KVTokens, later*2/3, "--disable-hybrid-kv-cache-manager")
	assert.Greater(t, later, grouped*3/2, "the log counts what a long sequence really takes")
}

// TestState: blocks of attention are as large as a state, which does not grow with the sequence.
func TestState(t *testing.T) {
	t.Parallel()
	s := sizing.Settings{Version: version(t, "0.33.0"), GPU: h200(), TensorParallel: 4, MaxModelLen: 262144}
	hybrid := estimate(t, qwenNext, 160, s)
	require.True(t, hybrid.Fits, hybrid.Reasons)
	perToken := 12 * 2 * 256 * 2.0 // twelve layers of attention, one KV head a rank
	assert.InEpsilon(t, perToken, hybrid.KVBytesPerToken.Value, 0.05)
	assert.Equal(t, int64(262144), hybrid.MaxModelLen)
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	a100 := sizing.GPU{Name: "A100-SXM4-80GB", MemoryGiB: 79.25}
	b200 := sizing.GPU{Name: "b200", MemoryGiB: 178.35}
	l4 := sizing.GPU{Name: "l4", MemoryGiB: 22.03}
	for _, test := range []struct {
		release     string
		gpu         sizing.GPU
		tokens      int64
		sequences   int64
		utilization float64
	}{
		{"0.11.0", h100(), 8192, 1024, 0.9},
		{"0.11.0", a100, 2048, 256, 0.9},
		{"0.8.5", a100, 8192, 1024, 0.9},
		{"0.20.2", l4, 2048, 256, 0.92},
		{"0.27.1", b200, 8192, 1024, 0.92},
		{"0.28.0", b200, 16384, 1024, 0.92},
		{"0.7.3", l4, 2048, 256, 0.9},
	} {
		s := estimate(t, llama, 15, sizing.Settings{Version: version(t, test.release), GPU: test.gpu}).Settings
		assert.Equal(t, [2]int64{test.tokens, test.sequences}, [2]int64{s.MaxBatchedTokens, s.MaxSequences}, "%s %s", test.release, test.gpu.Name)
		assert.InDelta(t, test.utilization, s.Utilization, 0)
	}
	for config, tokens := range map[string]int64{
		llama:                              2048,
		llama + `, "sliding_window": 4096`: 131072,
		v2lite:                             2048,
		llama + `, "vision_config": {}`:    131072,
	} {
		s := estimate(t, config, 15, sizing.Settings{Version: version(t, "0.7.3"), GPU: l4}).Settings
		assert.Equal(t, tokens, s.MaxBatchedTokens, "%s: the first engine cuts long prompts where it can", config)
	}
	few := estimate(t, llama, 15, sizing.Settings{Version: version(t, "0.33.0"), GPU: h100(), MaxBatchedTokens: 128}).Settings
	assert.Equal(t, int64(128), few.MaxSequences, "no more sequences than tokens")
}

// TestRefused: what the engine refuses is an error that says what would do.
func TestRefused(t *testing.T) {
	t.Parallel()
	a := parse(t, `{`+llama+`}`)
	for want, s := range map[string]sizing.Settings{
		"The nearest that do are 2 and 4":     {TensorParallel: 3},
		"pipeline parallel size 33":           {PipelineParallel: 33},
		"gpu-memory-utilization is 1.5":       {Utilization: 1.5},
		`kv-cache-dtype "fp7"`:                {KVCacheDType: "fp7"},
		"decode context parallel size 3 must": {TensorParallel: 4, ContextParallel: 3},
		"tensor parallel size is 100000":      {TensorParallel: 100000},
	} {
		s.GPU, s.Version = h100(), version(t, "0.33.0")
		_, err := sizing.Estimate(a, sizing.Weights{}, s)
		require.ErrorContains(t, err, want)
	}
	_, err := sizing.Estimate(a, sizing.Weights{}, sizing.Settings{})
	require.ErrorContains(t, err, "memory of the GPU")
	_, err = sizing.Estimate(a, sizing.Weights{FileBytes: -1}, sizing.Settings{GPU: h100()})
	require.ErrorContains(t, err, "make no sense")
}

// TestBlocks: scales that several weights share are not cut.
func TestBlocks(t *testing.T) {
	t.Parallel()
	const (
		awq     = `"model_type": "qwen2", "num_hidden_layers": 80, "hidden_size": 8192, "intermediate_size": 29568, "num_attention_heads": 64, "num_key_value_heads": 8, "vocab_size": 152064, "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}`
		fp8     = `"model_type": "qwen3_moe", "num_hidden_layers": 94, "hidden_size": 4096, "intermediate_size": 12288, "num_attention_heads": 64, "num_key_value_heads": 4, "head_dim": 128, "vocab_size": 151936, "num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 1536, "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}`
		refused = "that share a scale"
	)
	refuse := func(config, release string, tp int64, expertParallel bool) error {
		_, err := sizing.Estimate(parse(t, `{`+config+`}`), sizing.Weights{}, sizing.Settings{Version: version(t, release), GPU: h200(), TensorParallel: tp, ExpertParallel: expertParallel})
		return err
	}
	require.NoError(t, refuse(awq, "0.11.0", 1, false))
	require.ErrorContains(t, refuse(awq, "0.11.0", 8, false), "leaves 3696 of the 29568 elements between gate and down on a rank, which is no multiple of the 128 "+refused)
	require.NoError(t, refuse(fp8, "0.11.0", 4, false))
	require.ErrorContains(t, refuse(fp8, "0.11.0", 8, false), "leaves 192 of the 1536 elements of an expert")
	require.NoError(t, refuse(fp8, "0.11.0", 8, true), "experts stay whole")
	require.NoError(t, refuse(fp8, "0.33.0", 8, false))
	require.NoError(t, refuse(`"model_type": "deepseek_v3", "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}, `+strings.Replace(deepseek, `"quantization_config"`, `"x"`, 1), "0.11.0", 8, false))
}

// TestNearest: a context that is too long is refused with the longest that fits, and that one fits.
func TestNearest(t *testing.T) {
	t.Parallel()
	s := sizing.Settings{Version: version(t, "0.33.0"), GPU: sizing.GPU{Name: "l4", MemoryGiB: 22.03}}
	r := estimate(t, llama, 14.99, s)
	require.False(t, r.Fits)
	assert.Contains(t, r.Reasons[0], "one sequence of 131072 tokens takes 16.00 GiB")
	assert.Contains(t, r.Nearest, "--max-model-len")
	s.MaxModelLen = r.MaxModelLen
	assert.True(t, estimate(t, llama, 14.99, s).Fits)
	s.MaxModelLen += s.BlockSize + 16
	assert.False(t, estimate(t, llama, 14.99, s).Fits)

	s.MaxModelLen, s.Utilization = 1024, 1
	full := estimate(t, llama, 14.99, s)
	require.False(t, full.Fits)
	assert.Contains(t, full.Nearest, "--gpu-memory-utilization 0.9")
	old := s
	old.Version = version(t, "0.8.5")
	assert.True(t, estimate(t, llama, 14.99, old).Fits, "0.8 asks for what is not free")

	s.Utilization, s.MaxModelLen = 0.5, sizing.AutoModelLen
	none := estimate(t, llama, 14.99, s)
	require.False(t, none.Fits)
	assert.Contains(t, none.Reasons[0], "no memory is left")
	assert.Zero(t, none.MaxModelLen)

	s.Utilization, s.MaxModelLen = 0.92, 200_000
	assert.Contains(t, estimate(t, llama, 14.99, s).Reasons[0], "more than the 131072 positions")
}

// TestKnown: what was measured goes before what is computed, and --kv-cache-memory-bytes before both.
func TestKnown(t *testing.T) {
	t.Parallel()
	s := sizing.Settings{Version: version(t, "0.33.0"), GPU: h100(), OtherBytes: 3 * gib}
	r, err := sizing.Estimate(parse(t, `{`+llama+`}`), sizing.Weights{FileBytes: 1, MeasuredBytes: 15 * gib}, s)
	require.NoError(t, err)
	assert.InDelta(t, 79.18*0.92-15-3, r.KVCache.Value/gib, 0.001)
	assert.Equal(t, sizing.Measured, r.Weights.Source)
	s.KVCacheBytes = 5 * gib
	assert.InDelta(t, 5*gib, estimate(t, llama, 15, s).KVCache.Value, 0)
}

// TestOverheads: what versions and generations count, one by one.
func TestOverheads(t *testing.T) {
	t.Parallel()
	nonTorch := func(release string, gpu sizing.GPU, parallel int64) float64 {
		return estimate(t, llama, 15, sizing.Settings{Version: version(t, release), GPU: gpu, TensorParallel: parallel}).NonTorch.Value / gib
	}
	l4 := sizing.GPU{Name: "l4", MemoryGiB: 22.03}
	assert.InDelta(t, 0.13, nonTorch("0.11.0", h100(), 1), 0.001)
	assert.InDelta(t, 0.55, nonTorch("0.11.0", h100(), 2), 0.001)
	assert.InDelta(t, 0.55+0.93, nonTorch("0.10.2", h100(), 2), 0.001, "NCCL starts after the snapshot")
	for _, release := range []string{"0.8.5", "0.9.0"} {
		assert.InDelta(t, 0.13+0.61, nonTorch(release, h100(), 1), 0.001, "all that is in use")
	}
	assert.InDelta(t, 0.13, nonTorch("0.9.1", h100(), 1), 0.001)
	assert.Less(t, nonTorch("0.11.0", l4, 1), 0.1)
	eager := estimate(t, llama, 15, sizing.Settings{Version: version(t, "0.33.0"), GPU: h100(), EnforceEager: true})
	assert.Zero(t, eager.Graphs.Value)
	old := estimate(t, llama, 15, sizing.Settings{Version: version(t, "0.19.1"), GPU: h100(), Utilization: 0.99, MaxModelLen: 1000})
	assert.False(t, old.GraphsInBudget)
	for release, in := range map[string]bool{"0.20.2": true, "0.24.0": false, "0.28.0": false, "0.29.0": true} {
		r := estimate(t, llama, 15, sizing.Settings{Version: version(t, release), GPU: h100()})
		assert.Equal(t, in, r.GraphsInBudget, "%s: the second model runner estimates no graphs before 0.29", release)
	}
	assert.NotEmpty(t, old.Warnings, "graphs on top of nearly everything")
}

// TestEncoder: the profile run of a model with dynamic images takes the largest, and videos by the length of the context.
func TestEncoder(t *testing.T) {
	t.Parallel()
	activation := func(config string, length int64) sizing.Amount {
		s := sizing.Settings{Version: version(t, "0.10.2"), GPU: sizing.GPU{Name: "l4", MemoryGiB: 22.03}, MaxModelLen: length}
		return estimate(t, llama+`, "vision_config": {"hidden_size": 1280, "intermediate_size": 3420, "spatial_merge_size": 2`+config, 15, s).Activation
	}
	plain := activation(`}`, 8192)
	dynamic := activation(`}, "model_type": "qwen2_5_vl"`, 8192)
	assert.InDelta(t, 16384*4*(4*1280+2*3420)*2, dynamic.Value, 1)
	assert.Less(t, plain.Value, dynamic.Value)
	assert.Less(t, dynamic.Low, 0.6*dynamic.Value)
	assert.InDelta(t, 4*dynamic.Value, activation(`}, "model_type": "qwen2_5_vl"`, 4*16384).Value, 1)
	assert.InDelta(t, dynamic.Value, activation(`}, "model_type": "qwen3_vl"`, 4*16384).Value, 1)
}

// TestCacheScheme: a checkpoint with scales for its cache has one of fp8, from the release on that reads them.
func TestCacheScheme(t *testing.T) {
	t.Parallel()
	const (
		modelopt   = `, "quantization_config": {"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_scheme": {"num_bits": 8, "type": "float", "dynamic": false}}`
		compressed = `, "quantization_config": {"quant_method": "compressed-tensors", "format": "float-quantized", "kv_cache_scheme": {"num_bits": 8, "type": "float"}}`
		named      = `, "quantization_config": {"quant_method": "modelopt", "quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8"}}`
	)
	perToken := func(config, release, dtype string) float64 {
		return estimate(t, llama+config, 8, sizing.Settings{Version: version(t, release), GPU: h100(), KVCacheDType: dtype}).KVBytesPerToken.Value
	}
	assert.InDelta(t, 131072, perToken(modelopt, "0.13.0", ""), 0)
	assert.InDelta(t, 65536, perToken(modelopt, "0.14.0", ""), 0)
	assert.InDelta(t, 65536, perToken(named, "0.14.0", "auto"), 0)
	assert.InDelta(t, 131072, perToken(compressed, "0.14.0", ""), 0)
	assert.InDelta(t, 65536, perToken(compressed, "0.16.0", ""), 0)
	assert.InDelta(t, 131072, perToken(modelopt, "0.33.0", "bfloat16"), 0)
}

// TestDraft: EAGLE brings a layer and a projection of its own, MTP is in the checkpoint.
func TestDraft(t *testing.T) {
	t.Parallel()
	weights := func(draft int64) float64 {
		r, err := sizing.Estimate(parse(t, `{`+llama+`}`), sizing.Weights{FileBytes: 16060522496}, sizing.Settings{Version: version(t, "0.11.0"), GPU: h100(), DraftLayers: draft})
		require.NoError(t, err)
		return r.Weights.Value
	}
	assert.InDelta(t, 2*(218.1e6+3*4096*4096), weights(1)-weights(0), 5e6)
}

// TestSampler: the peak of the profile run by version, in bytes per logit.
func TestSampler(t *testing.T) {
	t.Parallel()
	for release, want := range map[string]float64{
		"0.8.5": 10, "0.10.2": 14, "0.11.0": 38, "0.16.0": 38, "0.17.1": 14, "0.33.0": 14 + 4.125,
	} {
		s := sizing.Settings{Version: version(t, release), GPU: h100(), MaxSequences: 1024}
		r := estimate(t, llama, 15, s)
		logits := 1024.0 * 128256
		assert.InDelta(t, want, r.Activation.Value/logits, 1.5, release)
	}
	s := sizing.Settings{Version: version(t, "0.27.1"), GPU: h100()}
	r := estimate(t, llama, 15, s)
	assert.Less(t, r.Activation.Value/gib, 1.6, "the second runner profiles without filters")
	s.Version, s.Sampler = version(t, "0.11.0"), "flashinfer"
	assert.Less(t, estimate(t, llama, 15, s).Activation.Value/gib, 2.0)
	amd := sizing.Settings{Version: version(t, "0.10.2"), GPU: sizing.GPU{Name: "mi300x", MemoryGiB: 191.69, Vendor: "amd"}}
	assert.Greater(t, estimate(t, llama, 15, amd).Activation.Value/gib, 4.5, "FlashInfer is for CUDA")
}

// TestFirstEngine: what the second engine could not do yet went to the first, which sorts all logits and takes whole prompts.
func TestFirstEngine(t *testing.T) {
	t.Parallel()
	l4, t4 := sizing.GPU{Name: "l4", MemoryGiB: 22.03, Vendor: "nvidia"}, sizing.GPU{Name: "Tesla T4", MemoryGiB: 14.56, Vendor: "nvidia"}
	mi300x := sizing.GPU{Name: "mi300x", MemoryGiB: 191.69, Vendor: "amd"}
	for _, test := range []struct {
		release string
		s       sizing.Settings
		first   bool
	}{
		{"0.7.3", sizing.Settings{GPU: h100()}, true},
		{"0.8.5", sizing.Settings{GPU: h100()}, false},
		{"0.8.5", sizing.Settings{GPU: l4, KVCacheDType: "fp8"}, true},
		{"0.8.5", sizing.Settings{GPU: h100(), KVCacheDType: "fp8"}, false},
		{"0.8.5", sizing.Settings{GPU: mi300x}, true},
		{"0.9.0", sizing.Settings{GPU: mi300x}, false},
		{"0.8.5", sizing.Settings{GPU: h100(), PipelineParallel: 2}, true},
		{"0.9.0", sizing.Settings{GPU: h100(), PipelineParallel: 2}, false},
		{"0.10.1", sizing.Settings{GPU: t4}, true},
		{"0.10.2", sizing.Settings{GPU: t4}, false},
	} {
		test.s.Version, test.s.MaxModelLen = version(t, test.release), 16384
		r := estimate(t, llama, 10, test.s)
		assert.Equal(t, test.first, r.Settings.MaxBatchedTokens == 16384, "%s %+v", test.release, test.s)
		if release := test.s.Version; release != version(t, "0.7.3") {
			assert.Equal(t, test.first, strings.Contains(strings.Join(r.Warnings, " "), "first engine"))
		}
	}
}

// TestLatentWorkspace: the profile run allocates it from 0.11 on.
func TestLatentWorkspace(t *testing.T) {
	t.Parallel()
	forward := func(release string) float64 {
		s := sizing.Settings{Version: version(t, release), GPU: h200(), MaxSequences: 16}
		return estimate(t, `"model_type": "deepseek_v3", `+deepseek, 30, s).Activation.Value
	}
	const workspace = 65536 * 128 * 256 * 2
	assert.Greater(t, forward("0.11.0"), workspace*1.0)
	assert.Less(t, forward("0.10.2"), workspace*0.6)
}

// TestMore: more memory, more GPUs or fewer sequences never leave less, whatever the model.
func TestMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		config := rapid.SampledFrom([]string{llama, `"model_type": "deepseek_v3", ` + deepseek, qwenNext, v2lite}).Draw(r, "model")
		a, err := sizing.ParseConfig([]byte(`{` + config + `}`))
		require.NoError(r, err)
		s := sizing.Settings{
			Version: sizing.Version{Minor: rapid.IntRange(8, 33).Draw(r, "minor")}, MaxModelLen: sizing.AutoModelLen,
			GPU:            sizing.GPU{Name: "h100", MemoryGiB: rapid.Float64Range(70, 200).Draw(r, "memory")},
			TensorParallel: rapid.SampledFrom([]int64{1, 2, 4, 8}).Draw(r, "tp"),
			MaxSequences:   rapid.Int64Range(128, 2048).Draw(r, "sequences"), MaxBatchedTokens: 4096,
		}
		w := sizing.Weights{FileBytes: rapid.Float64Range(1, 700).Draw(r, "weights") * gib}
		base, err := sizing.Estimate(a, w, s)
		require.NoError(r, err)
		bigger := s
		bigger.GPU.MemoryGiB += 5
		fewer := s
		fewer.MaxSequences = s.MaxSequences/2 + 64
		for _, other := range []sizing.Settings{bigger, fewer} {
			better, err := sizing.Estimate(a, w, other)
			require.NoError(r, err)
			require.GreaterOrEqual(r, better.MaxModelLen, base.MaxModelLen)
			require.True(r, better.Fits || !base.Fits)
		}
		sum := base.Weights.Value + base.Activation.Value + base.NonTorch.Value + base.KVCache.Value
		if base.GraphsInBudget {
			sum += base.Graphs.Value
		}
		require.InEpsilon(r, base.Requested.Value, sum, 1e-9)
	})
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"v0.33.0": "0.33.0", "0.10.1.1": "0.10.1", "0.11": "0.11.0", "0.8.5.post1": "0.8.5", "0.12.0rc1": "0.12.0", "v0.24.0.1.1.0-neuronx": "0.24.0"} {
		assert.Equal(t, want, version(t, text).String())
	}
	for _, bad := range []string{"", "latest", "v1", "0.x", "0..1"} {
		_, err := sizing.ParseVersion(bad)
		require.ErrorContains(t, err, "want a release")
	}
}

// TestServed: weights are as large as they are served, not as they are stored.
func TestServed(t *testing.T) {
	t.Parallel()
	const files = 16060522496
	weights := func(config string, bytes float64, s sizing.Settings) float64 {
		s.Version, s.GPU = version(t, "0.33.0"), h100()
		r, err := sizing.Estimate(parse(t, `{`+config+`}`), sizing.Weights{FileBytes: bytes}, s)
		require.NoError(t, err)
		return r.Weights.Value / gib
	}
	assert.InDelta(t, 14.99, weights(llama, files, sizing.Settings{}), 0.01)
	// Half of all but embedding and head: 8.03 less 1.05 billion elements.
	assert.InDelta(t, 14.99-6.5, weights(llama, files, sizing.Settings{Quantization: "fp8"}), 0.05)
	assert.InDelta(t, 2.1e9/gib+6.98e9*4.5/8/gib, weights(llama, files, sizing.Settings{Quantization: "bitsandbytes"}), 0.15)
	assert.InDelta(t, 14.99, weights(llama+`, "torch_dtype": "float32"`, 2*files, sizing.Settings{}), 0.05)
	assert.InDelta(t, 14.99, weights(llama+`, "torch_dtype": "float32"`, files, sizing.Settings{}), 0.05, "a config.json that says float32 wrongly")
	assert.InDelta(t, 2*14.96, weights(llama, files, sizing.Settings{DType: "float32"}), 0.1)
	awq := llama + `, "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}`
	assert.InDelta(t, weights(awq, 0, sizing.Settings{}), weights(awq, 0, sizing.Settings{Quantization: "awq_marlin"}), 0, "a kernel for what is quantised")
	for _, bad := range []sizing.Settings{{Quantization: "awq"}, {DType: "int3"}} {
		bad.Version, bad.GPU = version(t, "0.33.0"), h100()
		_, err := sizing.Estimate(parse(t, `{`+llama+`}`), sizing.Weights{FileBytes: files}, bad)
		require.ErrorContains(t, err, "known")
	}
}
