package sizing

import (
	"errors"
	"fmt"
)

// Settings are the flags of the engine that bear on memory; zero values are the engine's defaults.
type Settings struct {
	Version Version
	GPU     GPU

	TensorParallel, PipelineParallel, DataParallel, ContextParallel int64
	ExpertParallel                                                  bool

	Utilization float64
	// KVCacheBytes is --kv-cache-memory-bytes, which sets utilization aside.
	KVCacheBytes int64
	// MaxModelLen is in tokens; 0 for the model's own, AutoModelLen for what fits.
	MaxModelLen      int64
	MaxSequences     int64
	MaxBatchedTokens int64
	BlockSize        int64
	KVCacheDType     string
	// DType and Quantization are what weights are served in, where the checkpoint does not say it.
	DType, Quantization string
	// PlainCache gives layers with a window as many blocks as the others (--disable-hybrid-kv-cache-manager).
	PlainCache   bool
	EnforceEager bool
	// DraftLayers is the layers that a speculative draft adds to the cache (EAGLE 1, MTP 1 per module).
	DraftLayers int64
	// LoRA adapters held at once, and their rank.
	LoRAs, LoRARank int64
	// Sampler is how the profiler samples where the version does not tell: native, flashinfer, or empty.
	Sampler string
	// OtherBytes is what one GPU held beside weights and cache, as a log says; 0 to estimate it.
	OtherBytes int64
}

// AutoModelLen asks for the longest context that fits (--max-model-len auto).
const AutoModelLen = -1

// defaults fills in what the engine fills in (vllm/engine/arg_utils.py, config/cache.py).
func (s Settings) defaults(a *Architecture) Settings {
	for _, n := range []*int64{&s.TensorParallel, &s.PipelineParallel, &s.DataParallel, &s.ContextParallel} {
		*n = max(*n, 1)
	}
	if s.Utilization == 0 {
		s.Utilization = 0.9
		if s.Version.atLeast(20, 2) {
			s.Utilization = 0.92
		}
	}
	if s.BlockSize == 0 {
		s.BlockSize = 16
	}
	if s.MaxModelLen == 0 {
		s.MaxModelLen = a.MaxPositions
	}
	s.KVCacheDType = s.cacheOf(a)
	tokens, sequences := s.batchDefaults(a)
	if s.MaxBatchedTokens == 0 {
		s.MaxBatchedTokens = tokens
	}
	if s.MaxSequences == 0 {
		s.MaxSequences = min(sequences, s.MaxBatchedTokens)
	}
	return s
}

// batchDefaults are tokens and sequences per step for a server.
func (s Settings) batchDefaults(a *Architecture) (tokens, sequences int64) {
	if s.firstEngine() {
		// Whole prompts are prefilled at once, up to 32,768 tokens; longer ones in chunks where that works.
		// Those with images have room for one (config.py, _MULTIMODAL_MODEL_MAX_NUM_BATCHED_TOKENS).
		switch {
		case a.Multimodal:
			return max(s.MaxModelLen, 5120), 256
		case s.MaxModelLen > 32768 && s.chunks(a):
			return 2048, 256
		}
		return max(s.MaxModelLen, 2048), 256
	}
	large := s.GPU.MemoryGiB >= 70 && (!s.GPU.a100() || !s.Version.atLeast(9, 0)) && !s.GPU.named("gb10")
	switch {
	case large && s.GPU.MemoryGiB >= 160 && s.Version.atLeast(28, 0):
		return 16384, 1024
	case large:
		return 8192, 1024
	}
	return 2048, 256
}

// chunks says whether the first engine cuts long prompts by default (engine/arg_utils.py).
func (s Settings) chunks(a *Architecture) bool {
	return s.GPU.Vendor != "amd" && a.Window == 0 && s.DraftLayers == 0 && s.LoRAs == 0
}

// Bounds of settings, far above what any engine takes.
const (
	maxParallel  = 4096
	maxSequences = 1_000_000
)

// check says which settings make no sense, or not with this model.
func (s Settings) check(a *Architecture) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !(s.GPU.MemoryGiB > 0 && s.GPU.MemoryGiB <= 10_000) {
		bad("memory of the GPU is %g GiB; give what CUDA shows, for example 79.18 for an H100", s.GPU.MemoryGiB)
	}
	if !(s.Utilization > 0 && s.Utilization <= 1) {
		bad("gpu-memory-utilization is %g; want more than 0, at most 1", s.Utilization)
	}
	for name, n := range map[string]int64{"tensor": s.TensorParallel, "pipeline": s.PipelineParallel, "data": s.DataParallel, "decode context": s.ContextParallel} {
		if n > maxParallel {
			bad("%s parallel size is %d; at most %d", name, n, maxParallel)
		}
	}
	if s.MaxSequences < 1 || s.MaxSequences > maxSequences || s.MaxBatchedTokens < 1 || s.MaxBatchedTokens > maxPositions {
		bad("max-num-seqs %d and max-num-batched-tokens %d must be positive", s.MaxSequences, s.MaxBatchedTokens)
	}
	if s.BlockSize < 1 || s.BlockSize > maxPositions || s.MaxModelLen < AutoModelLen || s.MaxModelLen > maxPositions || s.KVCacheBytes < 0 || s.OtherBytes < 0 {
		bad("block size, max-model-len and KV cache bytes must be positive")
	}
	if _, err := cacheElement(s.KVCacheDType, a); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, s.divide(a)...)...)
}

// Divides says what keeps the engine from sharing the model by the parallel sizes, nil for nothing.
func (s Settings) Divides(a *Architecture) error {
	return errors.Join(s.defaults(a).divide(a)...)
}

// divide checks what parallel sizes must divide (vllm: config/model.py, verify_with_parallel_config).
func (s Settings) divide(a *Architecture) []error {
	var errs []error
	tp := s.TensorParallel
	if a.Heads%tp != 0 {
		errs = append(errs, fmt.Errorf("tensor parallel size %d must divide the %d attention heads; the engine refuses to start. %s", tp, a.Heads, nearestDivisors(a.Heads, tp)))
	}
	if a.Latent == nil && a.KVHeads%tp != 0 && tp%a.KVHeads != 0 {
		errs = append(errs, fmt.Errorf("tensor parallel size %d must divide the %d KV heads or be a multiple of them", tp, a.KVHeads))
	}
	errs = append(errs, s.divideBlocks(a)...)
	if s.PipelineParallel > a.Layers {
		errs = append(errs, fmt.Errorf("pipeline parallel size %d is more than the %d layers", s.PipelineParallel, a.Layers))
	}
	if tp%s.ContextParallel != 0 {
		errs = append(errs, fmt.Errorf("decode context parallel size %d must divide tensor parallel size %d", s.ContextParallel, tp))
	}
	return errs
}

// divideBlocks checks what each rank must hold whole: groups of AWQ and GPTQ along the inputs, blocks of FP8
// (vllm: quantization/awq.py, utils/marlin_utils.py, utils/fp8_utils.py). Releases after 0.27 refine the blocks of experts
// with some kernels.
func (s Settings) divideBlocks(a *Architecture) []error {
	q, tp := a.Quantisation, s.TensorParallel
	unit := max(q.Group, q.Block)
	if unit <= 1 || tp == 1 {
		return nil
	}
	const smaller = "Take a smaller tensor parallel size"
	var errs []error
	check := func(what, remedy string, size, ranks int64) {
		if size > 0 && size%ranks == 0 && size/ranks%unit != 0 {
			errs = append(errs, fmt.Errorf("tensor parallel size %d leaves %d of the %d %s on a rank, which is no multiple of the %d that share a scale of %s; the engine refuses to start. %s",
				tp, size/ranks, size, what, unit, q.Method, remedy))
		}
	}
	if !q.ExpertsOnly && !q.KeepsAttention && a.Latent == nil {
		check("inputs of the attention's output", smaller, a.Heads*a.ValueDim, tp)
	}
	switch {
	case a.MoE():
		if q.Block > 0 && !s.ExpertParallel && !s.Version.atLeast(28, 0) {
			check("elements of an expert", smaller+", or --enable-expert-parallel, which keeps experts whole", a.ExpertIntermediate, tp*s.DataParallel)
		}
	case !q.ExpertsOnly:
		check("elements between gate and down", smaller, a.Intermediate, tp)
	}
	return errs
}

// nearestDivisors names the divisors around a size that does not divide.
func nearestDivisors(heads, size int64) string {
	below, above := int64(1), int64(0)
	for d := int64(1); d <= heads; d++ {
		if heads%d != 0 {
			continue
		}
		if d < size {
			below = d
		} else if above == 0 {
			above = d
		}
	}
	if above == 0 {
		return fmt.Sprintf("The nearest that does is %d", below)
	}
	return fmt.Sprintf("The nearest that do are %d and %d", below, above)
}
