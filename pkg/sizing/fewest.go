package sizing

// Split is how the ranks of a replica share a model.
type Split struct{ Tensor, Pipeline, Data int64 }

// Ranks is how many they are.
func (p Split) Ranks() int64 { return p.Tensor * p.Pipeline * p.Data }

// leastLength is the context that a model is worth serving with where nobody says one: a chat of some turns.
const leastLength = 8192

// LeastLength is the shortest context that Fewest is content with where none is asked for.
func (a *Architecture) LeastLength() int64 { return min(leastLength, a.MaxPositions) }

// Fewest finds the first of the splits on which the engine is sure to start: with one sequence of the length that is asked
// for, or with LeastLength.
func Fewest(a *Architecture, w Weights, s Settings, splits []Split) (Split, *Result, bool) {
	for _, split := range splits {
		r, err := Estimate(a, w, s.over(split))
		if err != nil || !r.Settings.keepsBlocks(a) || !r.Sure || s.MaxModelLen == AutoModelLen && r.SureModelLen < a.LeastLength() {
			continue
		}
		return split, r, true
	}
	return Split{}, nil, false
}

func (s Settings) over(p Split) Settings {
	s.TensorParallel, s.PipelineParallel, s.DataParallel = p.Tensor, p.Pipeline, p.Data
	return s
}

// keepsBlocks says whether each rank has whole blocks of those that share a scale. Releases differ in what they do where it
// has not: they refuse to start (model_executor/layers/quantization/fp8.py, "is not divisible by weight quantization
// block_n"), or fill up for some kernels.
func (s Settings) keepsBlocks(a *Architecture) bool {
	block := a.Quantisation.Block
	if block == 0 {
		return true
	}
	widths := []int64{a.SharedIntermediate}
	if !a.MoE() || a.DenseLayers > 0 {
		widths = append(widths, a.Intermediate)
	}
	if !s.ExpertParallel { // else each is whole on its rank
		widths = append(widths, a.ExpertIntermediate/s.DataParallel)
	}
	for _, width := range widths {
		if width%s.TensorParallel != 0 || width/s.TensorParallel%block != 0 {
			return false
		}
	}
	return true
}

// AutoLength is the context to serve with where none is asked for: the longest that is sure to fit; where that is shorter
// than LeastLength, what likely fits of it, which then is not sure. 0 where nothing fits.
func (r *Result) AutoLength(a *Architecture) int64 {
	return WholeLength(max(r.SureModelLen, min(r.MaxModelLen, a.LeastLength())), a)
}

// WholeLength rounds a context down to multiples of 1,024 tokens, unless it is the model's own.
func WholeLength(length int64, a *Architecture) int64 {
	const kilo = 1024
	if length > kilo && length < a.MaxPositions {
		length -= length % kilo
	}
	return length
}
