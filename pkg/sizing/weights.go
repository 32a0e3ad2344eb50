package sizing

import (
	"cmp"
	"math"
)

// Weights is how large a model is. One of the two is given.
type Weights struct {
	// FileBytes is what the safetensors files hold together.
	FileBytes float64
	// LoadedBytes is what all GPUs of a replica hold after loading, as a log says it.
	LoadedBytes float64
	// MeasuredBytes is what a log says of one GPU; it goes before the others.
	MeasuredBytes float64
}

// part is the elements of one GPU and of the files, and the bits of each.
type parts struct{ gpu, files float64 }

func (p *parts) add(elements, share, bits float64) {
	p.files += elements * bits / 8
	p.gpu += elements * share * bits / 8
}

// bits of a weight of linear layers, with its scales.
func (q Quantisation) bits() float64 {
	if q.Bits == 0 {
		return 16
	}
	return q.Bits + q.Scale
}

// stageWeights counts one GPU of one pipeline stage against the files. First and last hold the embeddings.
func (s Settings) stageWeights(a *Architecture, stage int, kinds []LayerKind, firstLayer int64) parts {
	var p parts
	tp := 1 / float64(s.TensorParallel)
	embedding := float64(a.Vocab * a.Hidden)
	first, last := stage == 0, int64(stage) == s.PipelineParallel-1
	if first || last && a.Tied {
		p.gpu += embedding * tp * 2
	}
	if last && !a.Tied {
		p.gpu += embedding * tp * 2
	}
	for i, kind := range kinds {
		s.layerWeights(&p, a, kind, firstLayer+int64(i) >= a.DenseLayers)
	}
	if a.Quantisation.Bits == 0 {
		p.gpu *= float64(a.ElementBytes) / 2
	}
	return p
}

// fileWeights is what the files hold, draft layers and what stays on the host included.
func (s Settings) fileWeights(a *Architecture) float64 {
	var p parts
	embeddings := 2.0
	if a.Tied {
		embeddings = 1
	}
	p.files = embeddings*float64(a.Vocab*a.Hidden)*2 + a.HostBytes
	for i, kind := range a.Kinds {
		s.layerWeights(&p, a, kind, int64(i) >= a.DenseLayers)
	}
	return p.files + s.draftWeights(a)*float64(a.DraftLayers)
}

// draftWeights is one multi-token prediction layer of the checkpoint, with its own embeddings (DeepSeek V3).
func (s Settings) draftWeights(a *Architecture) float64 {
	var p parts
	s.layerWeights(&p, a, Full, true)
	p.add(2*float64(a.Hidden)*float64(a.Hidden), 1, 16)
	if a.Latent != nil {
		p.add(2*float64(a.Vocab*a.Hidden), 1, 16)
	}
	return p.files
}

func (s Settings) layerWeights(p *parts, a *Architecture, kind LayerKind, sparse bool) {
	bits := a.Quantisation.bits()
	attention, dense := bits, bits
	if a.Quantisation.ExpertsOnly || a.Quantisation.KeepsAttention {
		attention = 16
	}
	if a.Quantisation.ExpertsOnly || a.Quantisation.KeepsAttention && a.MoE() {
		dense = 16
	}
	tp := 1 / float64(s.TensorParallel)
	h := float64(a.Hidden)
	switch {
	case kind == Linear:
		p.add(float64(a.State.Weights), tp, attention)
	case kind == Stateless:
	case a.Latent != nil:
		s.latentWeights(p, a, attention)
	default:
		p.add(2*float64(a.Heads*a.HeadDim)*h, tp, attention)
		kvShare := float64(max(1, a.KVHeads/s.TensorParallel)) / float64(a.KVHeads)
		p.add(float64(a.KVHeads*(a.HeadDim+a.ValueDim))*h, kvShare, attention)
	}
	if a.OneMixer && kind != Stateless {
		return
	}
	matrices := float64(a.Matrices)
	if !a.MoE() || !sparse {
		p.add(matrices*h*float64(a.Intermediate), tp, dense)
		return
	}
	expertShare := 1 / float64(s.TensorParallel*s.DataParallel)
	p.add(matrices*float64(a.ExpertHidden)*float64(a.ExpertIntermediate*a.Experts), expertShare, cmp.Or(a.Quantisation.ExpertBits, bits))
	p.add(h*float64(a.Experts), 1, 16)
	p.add(matrices*h*float64(a.SharedIntermediate), tp, dense)
	if a.ExpertHidden != a.Hidden {
		// Down to the experts' width and up again, on every rank (models/kimi_k3, models/nemotron_h.py).
		p.add(2*h*float64(a.ExpertHidden), 1, bits)
	}
}

// latentWeights: the projections down to the latents are on every rank.
func (s Settings) latentWeights(p *parts, a *Architecture, bits float64) {
	l, h, heads, tp := a.Latent, float64(a.Hidden), float64(a.Heads), 1/float64(s.TensorParallel)
	query := heads * float64(l.Nope+l.Rope)
	if l.QueryRank > 0 {
		p.add(h*float64(l.QueryRank), 1, bits)
		p.add(float64(l.QueryRank)*query, tp, bits)
	} else {
		p.add(h*query, tp, bits)
	}
	p.add(h*float64(l.KVRank+l.Rope), 1, bits)
	p.add(float64(l.KVRank)*heads*float64(l.Nope+l.Value), tp, bits)
	p.add(heads*float64(l.Value)*h, tp, bits)
}

// weightsOf is the weights on one GPU of a stage, of a model that is stored in another way maybe.
func (s Settings) weightsOf(a, stored *Architecture, w Weights, stage int, kinds []LayerKind, firstLayer int64) Amount {
	if w.MeasuredBytes > 0 {
		return exact(w.MeasuredBytes, Measured, "log of the server", "as logged")
	}
	share := s.stageWeights(a, stage, kinds, firstLayer)
	files := s.fileWeights(stored)
	files *= stored.fileScale(w.FileBytes, files)
	devices := float64(s.TensorParallel * s.PipelineParallel * s.DataParallel)
	if w.LoadedBytes > 0 {
		perGPU := w.LoadedBytes / devices
		if s.PipelineParallel > 1 {
			perGPU = w.LoadedBytes * share.gpu / s.allStages(a)
		}
		return between(perGPU, perGPU*0.99, perGPU*1.02, Published, "--weights-gib", "%.2f GiB of weights / %.0f GPUs", toGiB(w.LoadedBytes), devices)
	}
	extra := s.loadedExtra(a, kinds)
	draft := s.draftLoaded(a)
	if w.FileBytes > 0 {
		value := w.FileBytes*(share.gpu+draft)/files + extra
		return between(value, value*0.985, value*1.02, Published, "safetensors of the model",
			"%.2f GiB of files × %.4f on this GPU + %.2f GiB rotary table, allocator and kernel layouts", toGiB(w.FileBytes), (share.gpu+draft)/files, toGiB(extra))
	}
	value := share.gpu + draft + extra
	return between(value, value*0.93, value*1.1, Assumed, "config.json",
		"no weight bytes were given: computed from the shape of the model, %.0f bits per weight", a.Quantisation.bits())
}

func (s Settings) allStages(a *Architecture) float64 {
	var sum float64
	var first int64
	for i, kinds := range stages(a.Kinds, s.PipelineParallel) {
		sum += s.stageWeights(a, i, kinds, first).gpu
		first += int64(len(kinds))
	}
	return sum * float64(s.TensorParallel*s.DataParallel)
}

// draftLoaded is the draft layers that the checkpoint has and the settings use, on one GPU.
func (s Settings) draftLoaded(a *Architecture) float64 {
	n := min(s.DraftLayers, a.DraftLayers)
	if n == 0 {
		return 0
	}
	return s.draftWeights(a) * float64(n) / float64(s.TensorParallel*s.DataParallel)
}

// draftModel is draft layers of a checkpoint of their own (EAGLE), on one GPU: a dense layer in 16 bit, and a projection of
// three hidden states to one (models/llama_eagle3.py; EAGLE 1 has two). Embeddings and head are the model's.
func (s Settings) draftModel(a *Architecture) float64 {
	own := s.DraftLayers - a.DraftLayers
	if own <= 0 || a.Latent != nil {
		return 0
	}
	dense := *a
	dense.Experts, dense.Quantisation, dense.OneMixer = 0, Quantisation{}, false
	var p parts
	s.layerWeights(&p, &dense, Full, false)
	return float64(own) * (p.gpu + 3*float64(a.Hidden)*float64(a.Hidden)*2)
}

// loadedExtra is what the server allocates beside the bytes of the files while it loads them.
func (s Settings) loadedExtra(a *Architecture, kinds []LayerKind) float64 {
	rotary := a.HeadDim
	if a.Latent != nil {
		rotary = a.Latent.Rope
	}
	// The table of cosines and sines: one row per position (model_executor/layers/rotary_embedding).
	extra := float64(a.MaxPositions * rotary * 2)
	layers := float64(len(kinds))
	if a.Latent != nil && s.latent() {
		// The two halves of kv_b_proj are kept in 16 bit beside it (layers/attention/mla_attention.py).
		extra += layers * float64(a.Heads/s.TensorParallel*(a.Latent.Nope+a.Latent.Value)*a.Latent.KVRank*2)
	}
	if a.Quantisation.Method == "mxfp4" && a.MoE() {
		extra += layers * s.mxfp4Padding(a)
	}
	return extra + s.allocatorWaste(a, layers) + s.loraBytes(a, layers) + s.draftModel(a)
}

// allocatorWaste is what PyTorch's allocator leaves unused behind large tensors: they are cut from segments of whole
// 2 MiB, and a rest of at most 1 MiB is not split off (c10/cuda/CUDACachingAllocator.cpp). The tensors are the fused
// ones that the engine makes of a dense layer.
func (s Settings) allocatorWaste(a *Architecture, layers float64) float64 {
	if a.MoE() || a.Latent != nil {
		return 0
	}
	bytes := a.Quantisation.bits() / 8
	tp := s.TensorParallel
	kv := max(1, a.KVHeads/tp)
	var waste float64
	for _, rows := range []int64{
		a.Heads/tp*a.HeadDim + kv*(a.HeadDim+a.ValueDim), a.Heads / tp * a.HeadDim, 2 * a.Intermediate / tp, a.Intermediate / tp,
	} {
		size := float64(rows*a.Hidden) * bytes
		if rest := math.Ceil(size/(2*mib))*(2*mib) - size; size >= 10*mib && rest <= mib {
			waste += rest
		}
	}
	return waste * layers
}

// mxfp4Padding is what the kernels' layout adds to a layer's experts: the hidden size is rounded up to 256, and
// Marlin, before Hopper, rounds the width of an expert up to 128 (layers/quantization/mxfp4.py). For Hopper's Triton
// layout this is taken from the two gpt-oss logs; its code says 64 for the width and leaves the rest to the kernel.
func (s Settings) mxfp4Padding(a *Architecture) float64 {
	width := a.ExpertIntermediate / s.TensorParallel
	to := int64(128)
	if s.GPU.hopper() {
		to = 64
	}
	if s.ExpertParallel {
		width = a.ExpertIntermediate
	}
	experts := float64(a.Experts) / float64(s.DataParallel)
	if s.ExpertParallel {
		experts /= float64(s.TensorParallel)
	}
	padded := float64(roundUp(width, to)*roundUp(a.Hidden, 256)) - float64(width*a.Hidden)
	return 3 * padded * experts * 4.25 / 8
}

// loraBytes is the slots for adapters: two thin matrices for each projection, the second one split by tensor parallel.
func (s Settings) loraBytes(a *Architecture, layers float64) float64 {
	if s.LoRAs == 0 {
		return 0
	}
	h, q, i := float64(a.Hidden), float64(a.Heads*a.HeadDim), float64(a.Intermediate)
	kv := float64(a.KVHeads * (a.HeadDim + a.ValueDim))
	in := h + q + h + i
	out := (q + kv + h + 2*i + h) / float64(s.TensorParallel)
	return layers * float64(s.LoRAs*max(s.LoRARank, 16)) * (in + out) * 2
}
