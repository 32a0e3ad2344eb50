package sizing

import (
	"cmp"
	"fmt"
	"math"
)

// Peaks of the profiler: it runs the model once with as many tokens as a step may have, keeps the hidden states, and
// then samples for as many requests as a step may have (vllm/v1/worker/gpu_model_runner.py, profile_run). What
// PyTorch had allocated at most is set aside.

// sampler is how the engine samples while it profiles.
type sampler struct {
	// bytes that each logit takes at the peak.
	bytes float64
	why   string
	where string
	// low and high are the other ways it may sample, where the version does not tell.
	low, high float64
}

const (
	// Logits in the model's dtype (2), in float32 (4), their masked copy (4), probabilities (4); Triton's masking keeps
	// logits in place and draws exponential noise (4) instead.
	fusedBytes = 14
	// With 0.8 the filters and the draw are one kernel: logits (2), float32 (4), probabilities (4).
	earlyFusedBytes = 10
	// Logits (2), float32 (4), sorted (4), their indices in int64 (8), the indices before (8), and a copy of keys and
	// values that cub's segmented radix sort works in (12): aten/src/ATen/native/cuda/SortStable.cu.
	sortBytes = 38
	// Up to 127 rows are sorted as one: two arrays of segment and index (8 + 8) instead of the indices, and keys out (4).
	smallSortBytes = 50
)

// samplerOf says how that version samples in the profile run.
func (s Settings) samplerOf(a *Architecture) sampler {
	v := s.Version
	sorted := sampler{bytes: sortBytes, why: "sorting all logits", where: "v1/sample/ops/topk_topp_sampler.py"}
	if min(s.MaxSequences, s.MaxBatchedTokens) < 128 {
		sorted.bytes = smallSortBytes
	}
	fused := sampler{bytes: fusedBytes, why: "FlashInfer: masked logits and probabilities", where: sorted.where}
	second := s.secondRunner(a)
	switch {
	case s.Sampler == "flashinfer":
		return fused
	case s.firstEngine():
		return sorted
	case (s.Sampler == "native" || s.GPU.Vendor == "amd") && !v.atLeast(17, 0):
		// FlashInfer is for CUDA; what ROCm has instead must be switched on.
		return sorted
	case second && !v.atLeast(33, 0):
		return sampler{bytes: 2, high: fusedBytes, why: "the second model runner profiles without top-k and top-p", where: "v1/worker/gpu/model_runner.py"}
	case second:
		fused.why, fused.where = "float32 copy, masked logits, probabilities", "v1/worker/gpu/model_runner.py"
		return fused
	case v.atLeast(17, 0):
		fused.why = "top-k and top-p in place, probabilities and noise"
		return fused
	case v.atLeast(11, 0):
		// FlashInfer is opt-in from 0.11.1 on. With 0.11.0 it is used where it is installed: seven logs under that version
		// sorted and one did not, and promising less memory is the safer mistake.
		if !v.atLeast(11, 1) {
			sorted.low = fusedBytes
			sorted.why += "; less with FlashInfer, --sampler flashinfer"
		}
		return sorted
	}
	if !v.atLeast(9, 0) {
		fused.bytes, fused.why = earlyFusedBytes, "FlashInfer samples from probabilities"
	}
	fused.high = sorted.bytes
	fused.why += "; the official image has it, without it all logits are sorted"
	return fused
}

// secondRunner says whether the second model runner serves the model by default (config/vllm.py, use_v2_model_runner).
func (s Settings) secondRunner(a *Architecture) bool {
	v := s.Version
	switch {
	case v.atLeast(29, 0):
		return s.GPU.Vendor != "amd" || v.atLeast(33, 0)
	case a.count(Linear) > 0:
		return false
	case v.atLeast(25, 0):
		return !a.MoE() || a.isClass("DeepseekV2ForCausalLM", "GraniteMoeForCausalLM", "Qwen2MoeForCausalLM", "DeepseekV4ForCausalLM")
	case v.atLeast(24, 0):
		return a.isClass("Qwen3ForCausalLM", "DeepseekV2ForCausalLM", "Qwen2MoeForCausalLM", "GraniteMoeForCausalLM", "LlamaForCausalLM", "MistralForCausalLM")
	case v.atLeast(22, 0):
		return a.isClass("Qwen3ForCausalLM") && a.Quantisation.Method == ""
	}
	return false
}

// activation is the peak on a GPU of the last pipeline stage, which samples; the others only run the model.
func (s Settings) activation(a *Architecture, last bool) Amount {
	how := s.samplerOf(a)
	requests := s.profiled(a)
	logits := float64(requests * a.Vocab)
	hidden := float64(s.MaxBatchedTokens * a.Hidden * a.ElementBytes)
	kept := s.encoderKept(a)
	forward := s.forwardPeak(a)
	state := s.samplerState(a, last)
	peak := func(bytes float64) float64 {
		sampling := 0.0
		if last {
			// The hidden states of all tokens stay, and those of the requests twice; from 0.8 to 0.9.1 only these, and once.
			sampling = logits*bytes + hidden + 2*float64(requests*a.Hidden*a.ElementBytes)
			if !s.firstEngine() && !s.Version.atLeast(9, 2) {
				sampling = logits*bytes + float64(requests*a.Hidden*a.ElementBytes)
			}
			if s.DraftLayers > 0 {
				sampling += logits * 2
			}
		}
		return max(sampling, forward) + kept + state + s.matmulWorkspace()
	}
	encoder := s.encoderPeak(a)
	value := max(peak(how.bytes), encoder)
	low, high := max(peak(how.bytes)*0.97, encoder*0.5), max(peak(how.bytes)*1.05, value+(forward+kept)*0.35, encoder*1.6)
	if how.low > 0 {
		low = min(low, peak(how.low))
	}
	if how.high > 0 {
		high = max(high, peak(how.high))
	}
	formula := fmt.Sprintf("the larger of sampling (%d requests × %d logits × %g B (%s) + %.2f GiB hidden states) and one forward pass of %d tokens (%.2f GiB)",
		requests, a.Vocab, how.bytes, how.why, toGiB(hidden), s.MaxBatchedTokens, toGiB(forward))
	if kept > 0 {
		formula += fmt.Sprintf(" + %.2f GiB of encoded images", toGiB(kept))
	}
	if encoder >= value && encoder > 0 {
		formula = fmt.Sprintf("an allowance for the encoder, whose widest layer takes more than sampling: %d tokens of an image or a video", s.itemTokens(a))
	}
	if state > 0 {
		formula += fmt.Sprintf(" + %.2f GiB that the sampler keeps", toGiB(state))
	}
	return between(value, low, high, Code, how.where, "%s + %.0f MiB cuBLAS", formula, s.matmulWorkspace()/mib)
}

// profiled is the requests of the profile run. The first engine gives each an image, so only as many as have room in a
// step (worker/model_runner.py).
func (s Settings) profiled(a *Architecture) int64 {
	requests := min(s.MaxSequences, s.MaxBatchedTokens)
	if s.firstEngine() && a.Vision != nil {
		requests = min(requests, max(s.MaxBatchedTokens/s.itemTokens(a), 1))
	}
	return requests
}

// samplerState is what the sampler keeps for all requests: counts of the tokens that were sampled, in the second model
// runner (v1/worker/gpu/sample/penalties.py), counted from 0.27 on, when all that was taken counts; and the rows that
// Triton's top-k works in, one for each of some 128 multiprocessors (v1/sample/ops/topk_topp_triton.py).
func (s Settings) samplerState(a *Architecture, last bool) float64 {
	v, vocab := s.Version, float64(a.Vocab)
	requests := float64(min(s.MaxSequences, s.MaxBatchedTokens))
	switch {
	case !last:
		return 0
	case s.secondRunner(a) && v.atLeast(27, 0):
		return requests * vocab * (4 + 1.0/8)
	case v.atLeast(17, 0) && !v.atLeast(22, 0):
		return min(requests, 128) * vocab * 4
	}
	return 0
}

// matmulWorkspace is what cuBLAS gets through PyTorch: 32 MiB from Hopper on, else 4096 KiB × 2 + 16 KiB × 8
// (aten/src/ATen/cuda/CublasHandlePool.cpp).
func (s Settings) matmulWorkspace() float64 {
	if s.GPU.hopper() {
		return 32 * mib
	}
	return 8.125 * mib
}

// forwardPeak is the most that one layer holds at a time in the profile run, with all tokens of a step.
func (s Settings) forwardPeak(a *Architecture) float64 {
	if a.Latent == nil {
		return s.layerPeak(a, 0)
	}
	return s.layerPeak(a, s.latentWorkspace(a))
}

// layerPeak is that with so many bytes of workspace for attention.
func (s Settings) layerPeak(a *Architecture, workspace float64) float64 {
	tokens, h, tp := float64(s.MaxBatchedTokens), float64(a.Hidden), float64(s.TensorParallel)
	element := float64(a.ElementBytes)
	stream := 2 * tokens * h * element
	// Gate and up, and their product.
	mlp := 3 * tokens * float64(a.Intermediate) / tp * element
	attention := tokens * float64(2*a.Heads*a.HeadDim) / tp * element
	if a.Latent != nil {
		attention = tokens*float64(a.Heads*(a.Latent.Nope+a.Latent.Rope+a.Latent.Value))/tp*element + workspace
	}
	peak := max(mlp, attention)
	if a.MoE() {
		peak = max(attention, s.expertPeak(a))
		if a.DenseLayers > 0 {
			peak = max(peak, mlp)
		}
	}
	return stream + peak
}

// expertPeak is the buffers of fused experts: one row per token and expert, in chunks of 32,768 tokens
// (model_executor/layers/fused_moe/fused_moe.py). Data parallel ranks gather their tokens first.
func (s Settings) expertPeak(a *Architecture) float64 {
	tokens := math.Min(float64(s.MaxBatchedTokens*s.DataParallel), 32768)
	width := float64(a.ExpertIntermediate)
	if !s.ExpertParallel {
		width /= float64(s.TensorParallel * s.DataParallel)
	}
	rows := tokens * float64(a.ExpertsPerToken)
	// The first and the third buffer share memory in the second engine.
	shared := max(2*width, float64(a.ExpertHidden))
	if s.firstEngine() {
		shared = 2*width + float64(a.ExpertHidden)
	}
	buffers := rows * (shared + width) * float64(a.ElementBytes)
	return buffers + 2*tokens*float64(a.Hidden*a.ElementBytes)
}

// latentWorkspace is what the profiler allocates for keys and values of a chunk of context, expanded from latents
// (model_executor/layers/attention/mla_attention.py). Before 0.11 the profile run leaves it out
// (v1/attention/backends/mla/common.py).
func (s Settings) latentWorkspace(a *Architecture) float64 {
	if !s.Version.atLeast(11, 0) {
		return 0
	}
	tokens := max(min(max(8*s.profiledLength(a), 4*s.MaxSequences*s.BlockSize), 64*1024), s.MaxSequences*s.BlockSize)
	return float64(tokens) * float64(a.Heads/s.TensorParallel) * float64((a.Latent.Nope+a.Latent.Value)*a.ElementBytes)
}

// profiledLength is the context that memory is profiled with: one to be found is found after that (v1/core/kv_cache_utils.py,
// _auto_fit_max_model_len).
func (s Settings) profiledLength(a *Architecture) int64 {
	if s.MaxModelLen == AutoModelLen {
		return a.MaxPositions
	}
	return s.MaxModelLen
}

// encoderKept is the encoded images that stay while the language model is profiled: as many tokens as a step has.
// Version 0.11.0 pads each image to that many.
func (s Settings) encoderKept(a *Architecture) float64 {
	if a.Vision == nil {
		return 0
	}
	budget, perImage := s.MaxBatchedTokens, s.itemTokens(a)
	budget = max(budget, perImage)
	images := max(budget/perImage, 1)
	token := float64(a.Hidden * a.ElementBytes)
	kept := float64(images*perImage) * token
	if s.Version.atLeast(11, 0) && !s.Version.atLeast(11, 1) && perImage < budget {
		kept += float64(images) * float64(budget) * token
	}
	return kept
}

// itemTokens is the tokens of the largest image or video that is profiled. Two frames of a video take as much as an image
// (models/qwen2_vl.py); there are as many as the context has room for, at most 16 of them, 14 from 0.11 on.
func (s Settings) itemTokens(a *Architecture) int64 {
	v := a.Vision
	switch {
	case v.Tokens > 0:
		return v.Tokens
	case v.Most == 0:
		return s.MaxBatchedTokens
	case !v.Video:
		return v.Most
	}
	pairs := int64(8)
	if s.Version.atLeast(11, 0) {
		pairs = 7
	}
	return max(min(s.profiledLength(a)/v.Most, pairs), 1) * v.Most
}

// encoderPeak is an allowance: the widest layer of the encoder with the patches of as many images as a step takes.
func (s Settings) encoderPeak(a *Architecture) float64 {
	if a.Vision == nil {
		return 0
	}
	v := a.Vision
	perImage := s.itemTokens(a)
	patches := float64(max(s.MaxBatchedTokens/perImage, 1)) * float64(cmp.Or(v.Patches, perImage*v.Merge*v.Merge))
	width := v.Intermediate
	if width == 0 {
		width = 4 * v.Hidden
	}
	return patches * float64(4*v.Hidden+2*width) * float64(a.ElementBytes)
}
