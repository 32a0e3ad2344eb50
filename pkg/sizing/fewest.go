package sizing

import (
	"cmp"
	"sort"
)

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
	if s.MaxModelLen == AutoModelLen {
		s.MaxModelLen = a.LeastLength()
	}
	for _, split := range splits {
		r, err := Estimate(a, w, s.over(split))
		if err == nil && r.Sure && r.Settings.keepsBlocks(a) {
			return split, r, true
		}
	}
	return Split{}, nil, false
}

// Unsuited says what keeps all of the splits from being estimated, nil where one can be.
func Unsuited(a *Architecture, w Weights, s Settings, splits []Split) error {
	var first error
	for _, split := range splits {
		_, err := Estimate(a, w, s.over(split))
		if err == nil {
			return nil
		}
		first = cmp.Or(first, err)
	}
	return first
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

// Longest finds the context to serve with where none is asked for, and what is estimated with it: the longest with which the
// engine is sure to start; where that is shorter than LeastLength, the longest up to there that likely fits, which then is not
// sure; where none does, the longest up to there that may fit. Nil where nothing can. What Estimate says of one length is no answer for another: the longer the context, the more
// frames of a video are profiled, for example.
func Longest(a *Architecture, w Weights, s Settings) *Result {
	best := longest(a, w, s, a.MaxPositions, func(r *Result) bool { return r.Sure })
	if best != nil && best.Settings.MaxModelLen >= a.LeastLength() {
		return best
	}
	if likely := longest(a, w, s, a.LeastLength(), func(r *Result) bool { return r.Fits }); likely != nil {
		return likely
	}
	return longest(a, w, s, a.LeastLength(), func(r *Result) bool { return !r.Impossible })
}

// longest finds the longest context up to a bound of which something holds that holds of all shorter ones.
func longest(a *Architecture, w Weights, s Settings, most int64, holds func(*Result) bool) *Result {
	var best *Result
	sort.Search(int(ceilDiv(most, kilo)), func(below int) bool {
		s.MaxModelLen = min(int64(below+1)*kilo, most)
		r, err := Estimate(a, w, s)
		if err != nil || !holds(r) {
			return true
		}
		if best == nil || r.Settings.MaxModelLen > best.Settings.MaxModelLen {
			best = r
		}
		return false
	})
	return best
}

// kilo is the tokens in steps of which a context is chosen.
const kilo = 1024

// WholeLength rounds a context down to multiples of 1,024 tokens, unless it is the model's own.
func WholeLength(length int64, a *Architecture) int64 {
	if length > kilo && length < a.MaxPositions {
		length -= length % kilo
	}
	return length
}
