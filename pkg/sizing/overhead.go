package sizing

// What the driver, NCCL and loaded kernels take outside PyTorch, and CUDA graphs.

// pointsH100 and pointsA100 are where the measured figures of this file come from (docs/plan.md lists the points).
const (
	pointsH100 = "llm-d-planner docs/empirical-vllm-memory-results.md"
	pointsA100 = "dennislee22/vLLM-benchmarking log/"
)

// GiB outside PyTorch, by generation. Before Hopper: what is left of four logs of an A100 after the code's part.
const (
	// contextH100 is the CUDA context of an idle worker: 79.18 GiB less the 78.57 that were free.
	contextH100 = 0.61
	// contextOther is assumed for smaller GPUs: the context grows with the number of multiprocessors.
	contextOther = 0.4
	// ncclH100 is what a second rank adds to that before the model is loaded: 78.57 less 77.64.
	ncclH100 = 0.93

	growthHopper, growthHopperParallel = 0.13, 0.55
	growthOther, growthOtherParallel   = 0.02, 0.14
)

// nonTorch is what the version counts of memory outside PyTorch. From 0.8.0 to 0.9.0 that is all that is in use on the
// device; before and after what came since a snapshot, which is taken before NCCL starts until 0.10.2 and after it from 0.11 on;
// from 0.27 on segments that PyTorch could not give back count too.
func (s Settings) nonTorch() Amount {
	hopper, parallel := s.GPU.hopper(), s.TensorParallel*s.DataParallel*s.PipelineParallel > 1
	taken, low, high, where := growth(hopper, parallel)
	what := "kernels and libraries that the profile run loads"
	switch {
	case !s.firstEngine() && !s.Version.atLeast(9, 1):
		taken += s.context()
		high += s.context() + 0.2
		what += ", the CUDA context"
		if parallel && hopper {
			taken += ncclH100
			high += ncclH100
			what += " and NCCL"
		}
		low += 0.3
	case !s.Version.atLeast(11, 0) && parallel && hopper:
		taken += ncclH100
		high += ncclH100
		what += ", NCCL"
	case s.Version.atLeast(27, 0):
		taken += 0.05
		high += 0.3
		what += ", segments that PyTorch keeps"
	}
	if s.TensorParallel*s.DataParallel*s.PipelineParallel > 2 {
		// NCCL's buffers grow with the ranks; the points have two.
		high += 0.5
		what += " (measured with two ranks)"
	}
	a := between(taken*gib, low*gib, high*gib, Measured, where, "%s: %.2f GiB on %s", what, taken, s.generation())
	if s.ExpertParallel && s.DataParallel > 1 {
		// Buffers of the all-to-all kernels (DeepEP, pplx), which the flags choose.
		a.High += 3 * gib
	}
	if s.GPU.Vendor == "amd" {
		a.Source, a.High = Assumed, 4*gib
	}
	return a
}

// growth is what comes outside PyTorch while a worker loads and profiles, in GiB.
func growth(hopper, parallel bool) (value, low, high float64, where string) {
	switch {
	case hopper && parallel:
		return growthHopperParallel, 0.4, 0.9, pointsH100
	case hopper:
		return growthHopper, 0.1, 0.25, pointsH100
	case parallel:
		return growthOtherParallel, 0.1, 0.6, pointsA100
	}
	return growthOther, growthOther, 0.2, pointsA100
}

// context is the CUDA context of a worker in GiB.
func (s Settings) context() float64 {
	if s.GPU.hopper() {
		return contextH100
	}
	return contextOther
}

func (s Settings) generation() string {
	if s.GPU.Vendor == "amd" {
		return "NVIDIA's GPUs before Hopper, for want of figures of AMD's"
	}
	if s.GPU.hopper() {
		return "Hopper and later"
	}
	return "GPUs before Hopper"
}

// graphsInBudget says whether the version takes its estimate of CUDA graphs off the cache; on AMD it does later, and the
// second model runner estimates none before 0.29 (v1/worker/gpu/model_runner.py, profile_cudagraph_memory).
func (s Settings) graphsInBudget(a *Architecture) bool {
	if s.secondRunner(a) && !s.Version.atLeast(29, 0) {
		return false
	}
	if s.GPU.Vendor == "amd" {
		return s.Version.atLeast(27, 0)
	}
	return s.Version.atLeast(20, 2)
}

// graphs estimates what captured graphs take: the first has the buffers of the largest batch, which both kinds share, every
// other at least 1 MiB, which is also what the engine takes for the driver (gpu_model_runner.py, profile_cudagraph_memory).
func (s Settings) graphs(a *Architecture) Amount {
	if s.EnforceEager {
		return exact(0, Code, "--enforce-eager", "no graphs are captured")
	}
	largest := min(2*s.MaxSequences, 512, s.MaxBatchedTokens)
	if s.GPU.blackwell() && s.Version.atLeast(33, 0) {
		largest = min(2*s.MaxSequences, 1024, s.MaxBatchedTokens)
	}
	pieces, whole := captureSizes(s.Version, largest), captureSizes(s.Version, min(largest, s.MaxSequences))
	if !s.Version.atLeast(11, 0) {
		whole = 0
	}
	step := s
	step.MaxBatchedTokens = max(largest, 1)
	kinds := min(whole, 1) + min(pieces, 1)
	first := step.layerPeak(a, 0) + s.matmulWorkspace()
	// A node of a graph takes a few KiB of the driver's memory; some 12 of them make a layer.
	each := max(1, 0.04*float64(a.Layers)) * mib
	value := first + float64(pieces+whole-kinds)*each + s.attentionWorkspace()
	return between(value, value*0.4, value*2+0.3*gib, Assumed, "v1/worker/gpu_model_runner.py",
		"buffers of %d tokens + cuBLAS + %d graphs of %d kinds × %.1f MiB + %.0f MiB workspace of attention", largest, pieces+whole, kinds, each/mib, s.attentionWorkspace()/mib)
}

// attentionWorkspace is FlashInfer's buffer, which data-centre Blackwell attends with by default; it is made with the
// first batch, after the profile run (envs.py, VLLM_FLASHINFER_WORKSPACE_BUFFER_SIZE).
func (s Settings) attentionWorkspace() float64 {
	if s.GPU.blackwell() && s.Version.atLeast(11, 0) {
		return 394 * mib
	}
	return 0
}

// captureSizes counts 1, 2, 4, then steps of 8 up to 256 and of 16 above (config/vllm.py); of 8 throughout until 0.11.
func captureSizes(v Version, largest int64) int64 {
	var n int64
	for _, size := range []int64{1, 2, 4} {
		if size <= largest {
			n++
		}
	}
	n += min(largest, 248) / 8
	if largest < 256 {
		return n
	}
	if v.atLeast(12, 0) {
		return n + (largest-256)/16 + 1
	}
	return n + (largest-256)/8 + 1
}
