package gate

import (
	"math"
	"slices"
)

// weight is one point of the mixture: an effect as a multiple of the margin, and how much of the prior it has. Most is at the
// margin, where a verdict is wanted soonest; the rest pays little and finds what is far worse, or a little, sooner.
type weight struct{ of, prior float64 }

type mixture [9]weight

func points() mixture {
	return mixture{{.25, .05}, {.5, .1}, {.75, .15}, {1, .3}, {1.5, .15}, {2, .1}, {3, .06}, {4, .05}, {6, .04}}
}

// sums are what a test needs of the blocks: how far the events are from what the hypothesis expects, in the direction that
// speaks against it, how many it expects, their variance, and among how many they are.
type sums struct{ distance, expected, variance, of float64 }

func (s sums) plus(o sums) sums {
	return sums{s.distance + o.distance, s.expected + o.expected, s.variance + o.variance, s.of + o.of}
}

func (s sums) minus(o sums) sums {
	return sums{s.distance - o.distance, s.expected - o.expected, s.variance - o.variance, s.of - o.of}
}

// bound is the generating function of a sum, or more, at tilt.
type bound func(s sums, tilt float64) float64

// more bounds it for events above what is expected: by Bennett's inequality, and by the binomial, which a sum of unlike
// probabilities never exceeds (Hoeffding 1956). The number of events in a table of fixed margins is such a sum, under any odds
// ratio (Vatutin and Mikhailov 1982).
func more(s sums, tilt float64) float64 { return bernoulli(s, tilt, tilt) }

// fewer bounds it for events below.
func fewer(s sums, tilt float64) float64 { return bernoulli(s, tilt, -tilt) }

func bernoulli(s sums, tilt, signed float64) float64 {
	bennett := s.variance * (math.Exp(tilt) - 1 - tilt)
	if s.of <= 0 {
		return bennett
	}
	return min(bennett, s.of*math.Log1p(s.expected/s.of*math.Expm1(signed))-signed*s.expected)
}

// poisson bounds it for a number of events that has no upper limit, such as preemptions; variance is that of their share.
func poisson(s sums, tilt float64) float64 { return s.variance * (math.Exp(tilt) - 1 - tilt) }

// normal is the generating function of what has a normal distribution: of means over many requests.
func normal(s sums, tilt float64) float64 { return s.variance * tilt * tilt / 2 }

// logEvidence is the logarithm of the mixture: how many times likelier the sums are under worse hypotheses, each for unit of
// effect. Events that come in clumps of dispersion count for as many fewer.
func logEvidence(s sums, unit, dispersion float64, of bound) float64 {
	if s.variance <= 0 && s.expected <= 0 {
		return 0
	}
	var logs [len(mixture{})]float64
	for i, w := range points() {
		tilt := w.of * unit
		logs[i] = math.Log(w.prior) + (tilt*s.distance-of(s, tilt))/dispersion
	}
	return logSum(logs[:])
}

// logSum is the logarithm of a sum of what is given by logarithms.
func logSum(logs []float64) float64 {
	total, top := 0.0, slices.Max(logs)
	if math.IsInf(top, 0) {
		return top
	}
	for _, l := range logs {
		total += math.Exp(l - top)
	}
	return top + math.Log(total)
}
