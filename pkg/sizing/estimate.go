package sizing

import (
	"fmt"
	"math"
)

// Result is what one GPU of a replica holds, and what fits beside it. GPUs of one replica differ with pipeline
// parallelism only: then it is the one with the fewest tokens.
type Result struct {
	// Fits says whether the engine starts with these settings; Reasons why not, Nearest what would.
	Fits    bool
	Reasons []string
	Nearest string
	// Tight says that the ranges of the parts hold both answers.
	Tight bool
	// Sure says that it starts by the cautious end of all ranges, Impossible that it does not by the other.
	Sure, Impossible bool
	// Warnings are about a replica that starts.
	Warnings []string

	// Settings with the defaults of the version filled in.
	Settings Settings

	// In bytes, on one GPU.
	Total, Requested, Weights, Activation, NonTorch, Graphs, KVCache Amount
	// GraphsInBudget says whether the version takes the graphs off the cache; else they come on top.
	GraphsInBudget bool
	// KVBytesPerToken is what a token of context takes on one GPU in all its layers.
	KVBytesPerToken Amount

	// KVTokens is what the engine logs as the size of its cache.
	KVTokens int64
	// MaxModelLen is the longest context that fits, at most the model's own; 0 for none.
	MaxModelLen int64
	// SureModelLen is that by the cautious end of the ranges, BestModelLen by the other.
	SureModelLen, BestModelLen int64
	// SequenceBytes is what one sequence of the context that was asked for takes on one GPU.
	SequenceBytes float64
	// ModelLen is the context that Concurrency is for: the one that was asked for, or the longest that fits.
	ModelLen    int64
	Concurrency float64
	// Stage is the pipeline stage that the figures are of, from 0.
	Stage int
}

// Estimate computes what the engine will find when it starts. The error says which input makes no sense.
func Estimate(a *Architecture, w Weights, s Settings) (*Result, error) {
	s = s.defaults(a)
	if err := s.check(a); err != nil {
		return nil, err
	}
	stored := a
	a, err := s.served(stored)
	if err != nil {
		return nil, err
	}
	for _, bytes := range []float64{w.FileBytes, w.LoadedBytes, w.MeasuredBytes} {
		if !(bytes >= 0 && bytes <= 1<<50) {
			return nil, fmt.Errorf("weights of %g bytes make no sense", bytes)
		}
	}
	var worst *Result
	var pool int64
	var first int64
	for stage, kinds := range stages(a.Kinds, s.PipelineParallel) {
		r := s.stage(a, stored, w, stage, kinds, first)
		draft := int64(0)
		if int64(stage) == s.PipelineParallel-1 {
			draft = s.DraftLayers
		}
		l := s.layoutOf(a, kinds, first, draft)
		first += int64(len(kinds))
		if n := l.pool(r.KVCache.Value); worst == nil || n < pool {
			worst, pool = r, n
			worst.fill(a, l, n)
		}
	}
	return worst, nil
}

// stage computes the parts of one GPU of a pipeline stage, for a model that is stored in another way maybe.
func (s Settings) stage(a, stored *Architecture, w Weights, stage int, kinds []LayerKind, first int64) *Result {
	total := s.GPU.MemoryGiB * gib
	r := &Result{
		Settings:       s,
		Stage:          stage,
		Total:          exact(total, Published, "CUDA-visible memory", "%.2f GiB", s.GPU.MemoryGiB),
		Requested:      exact(total*s.Utilization, Code, "v1/worker/gpu_worker.py", "%.2f GiB × %g", s.GPU.MemoryGiB, s.Utilization),
		Weights:        s.weightsOf(a, stored, w, stage, kinds, first),
		Activation:     s.activation(a, int64(stage) == s.PipelineParallel-1),
		NonTorch:       s.nonTorch(),
		Graphs:         s.graphs(a),
		GraphsInBudget: s.graphsInBudget(a),
	}
	if s.OtherBytes > 0 {
		r.Activation = exact(float64(s.OtherBytes), Measured, "log of the server", "all but weights and cache, as logged")
		r.NonTorch = exact(0, Measured, "log of the server", "in activationGiB, which was logged as one sum")
		r.GraphsInBudget = false
	}
	r.KVCache = r.available()
	return r
}

// available is what is left for the cache.
func (r *Result) available() Amount {
	if n := r.Settings.KVCacheBytes; n > 0 {
		return exact(float64(n), Code, "--kv-cache-memory-bytes", "as asked; gpu-memory-utilization is not looked at")
	}
	parts := []Amount{r.Weights, r.Activation, r.NonTorch}
	formula := "requested %.2f − weights %.2f − activation %.2f − outside PyTorch %.2f"
	figures := []any{toGiB(r.Requested.Value), toGiB(r.Weights.Value), toGiB(r.Activation.Value), toGiB(r.NonTorch.Value)}
	if r.GraphsInBudget {
		parts = append(parts, r.Graphs)
		formula += " − graphs %.2f"
		figures = append(figures, toGiB(r.Graphs.Value))
	}
	value := r.Requested.Value
	var below, above float64
	for _, part := range parts {
		value -= part.Value
		below += (part.High - part.Value) * (part.High - part.Value)
		above += (part.Value - part.Low) * (part.Value - part.Low)
	}
	return between(value, value-math.Sqrt(below), value+math.Sqrt(above), Code, "v1/worker/gpu_worker.py", formula+" GiB", figures...)
}

// fill computes what follows from the bytes of the cache, and judges.
func (r *Result) fill(a *Architecture, l layout, pool int64) {
	s := r.Settings
	r.MaxModelLen = l.longest(pool, a.MaxPositions)
	r.ModelLen = s.MaxModelLen
	if r.ModelLen == AutoModelLen {
		r.ModelLen = r.MaxModelLen
	}
	length := max(r.ModelLen, 1)
	r.KVTokens = l.tokens(s, pool, length)
	r.Concurrency = float64(pool) / float64(l.blocks(length))
	r.KVBytesPerToken = l.bytesPerToken(a, pool, r.KVTokens, length)
	r.judge(a, l, pool)
}

// bytesPerToken is plain where all layers keep everything; else the blocks of the pool over the tokens that are logged.
func (l layout) bytesPerToken(a *Architecture, pool, tokens, length int64) Amount {
	const where = "v1/kv_cache_interface.py"
	if l.sliding == 0 && l.linear == 0 {
		layers := l.blockBytes / float64(l.block) / l.perToken
		value := l.blockBytes / float64(l.block) / float64(l.contextParallel)
		if len(a.CompressRatios) > 0 {
			return between(value, value*0.85, value*1.2, Code, where, "%d B per compressed state and %d B per indexer's key, over the ratios of the layers that keep them", stateBytes, indexBytes)
		}
		return exact(value, Code, where, "%.0f layers × %g B%s", layers, l.perToken, l.shareText())
	}
	if tokens == 0 {
		tokens, pool = length, l.blocks(length)
	}
	value := float64(pool) * l.blockBytes / float64(tokens)
	return exact(value, Code, where, "%d blocks of %.0f B for %d tokens (groups: %d full, %d windowed, %d of constant state; blocks of %d tokens)",
		pool, l.blockBytes, tokens, l.full, l.sliding, l.linear, l.block)
}

func (l layout) shareText() string {
	if l.contextParallel > 1 {
		return fmt.Sprintf(" / %d decode context parallel ranks", l.contextParallel)
	}
	return ""
}

// judge says whether the engine starts, and what would.
func (r *Result) judge(a *Architecture, l layout, pool int64) {
	s := r.Settings
	r.Reasons, r.Nearest = nil, ""
	asked := s.MaxModelLen
	if asked == AutoModelLen {
		asked = 1
	}
	if asked > a.MaxPositions {
		r.Reasons = append(r.Reasons, fmt.Sprintf("max-model-len %d is more than the %d positions of the model", asked, a.MaxPositions))
		r.Nearest = fmt.Sprintf("--max-model-len %d", min(a.MaxPositions, max(r.MaxModelLen, 1)))
	}
	// Before 0.9.1 nothing compares the two.
	if free := r.freeAtStart(); s.comparesFree() && s.KVCacheBytes == 0 && r.Requested.Value > free {
		r.Reasons = append(r.Reasons, fmt.Sprintf("%.2f GiB are asked for, and about %.2f GiB are free when a worker starts", toGiB(r.Requested.Value), toGiB(free)))
		r.Nearest = fmt.Sprintf("--gpu-memory-utilization %.2f", math.Floor(free/r.Total.Value*100)/100)
	}
	need := l.blocks(asked)
	switch {
	case pool < 1:
		r.Reasons = append(r.Reasons, fmt.Sprintf("no memory is left for the KV cache: %.2f GiB", toGiB(r.KVCache.Value)))
		r.Nearest = "more GPUs (--tp), a GPU with more memory, or fewer --max-num-seqs"
	case need > pool:
		r.Reasons = append(r.Reasons, fmt.Sprintf("one sequence of %d tokens takes %.2f GiB of KV cache, and %.2f GiB are there", asked, toGiB(float64(need)*l.blockBytes), toGiB(r.KVCache.Value)))
		r.Nearest = fmt.Sprintf("--max-model-len %d", r.MaxModelLen)
	}
	r.Fits = len(r.Reasons) == 0
	r.Tight = (l.pool(r.KVCache.Low) >= need) != (l.pool(r.KVCache.High) >= need)
	r.weigh(a, l, asked)
	r.warn()
}

// comparesFree says whether a worker that starts compares what is free with what is asked for, as it does from 0.9.1 on
// (v1/worker/gpu_worker.py).
func (s Settings) comparesFree() bool { return s.Version.atLeast(9, 1) }

// freeAtStart is what is free when the worker compares it with what is asked for.
func (r *Result) freeAtStart() float64 {
	s := r.Settings
	used := s.context()
	if s.GPU.hopper() && s.Version.atLeast(11, 0) && s.TensorParallel*s.PipelineParallel*s.DataParallel > 1 {
		used += ncclH100
	}
	return r.Total.Value - used*gib
}

func (r *Result) warn() {
	s := r.Settings
	if !r.GraphsInBudget && r.Requested.Value+r.Graphs.Value > r.freeAtStart() && s.KVCacheBytes == 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("vLLM %s does not set memory aside for CUDA graphs: %.2f GiB asked for + %.2f GiB of graphs are more than is free; lower --gpu-memory-utilization",
			s.Version, toGiB(r.Requested.Value), toGiB(r.Graphs.Value)))
	}
	switch {
	case s.Version.Unread():
		r.Warnings = append(r.Warnings, fmt.Sprintf("vLLM %s is newer than 0.33, the newest release that was read: planned like that one", s.Version))
	case !s.Version.atLeast(6, 0):
		r.Warnings = append(r.Warnings, fmt.Sprintf("vLLM %s is older than 0.6, the oldest release that was read: planned like that one", s.Version))
	}
	if s.Version.atLeast(8, 0) && s.firstEngine() {
		r.Warnings = append(r.Warnings, fmt.Sprintf("vLLM %s serves this with its first engine (V0), which profiles otherwise", s.Version))
	}
	if s.GPU.Vendor == "aws" {
		r.Warnings = append(r.Warnings, "the memory model is of vLLM on GPUs: on Neuron only weights and KV bytes per token hold, and what the compiled graphs take is not known")
	}
	if r.Fits && r.Tight {
		r.Warnings = append(r.Warnings, "it fits by the likeliest figures, not by the worst of their ranges: measure it, or lower --max-model-len or --max-num-seqs")
	}
}
