package gate

import "math"

// means are the sums of both revisions in one block.
type means struct{ baseline, canary Mean }

// quotient is a mean; false without anything to divide by, or with a mean of 0, of which there is no ratio.
func (m Mean) quotient() (float64, bool) {
	if m.Of <= 0 || m.Sum <= 0 {
		return 0, false
	}
	return m.Sum / m.Of, true
}

func totalMeans(blocks []means) (sum means) {
	for _, b := range blocks {
		sum.baseline.Sum += b.baseline.Sum
		sum.baseline.Of += b.baseline.Of
		sum.canary.Sum += b.canary.Sum
		sum.canary.Of += b.canary.Of
	}
	return sum
}

// compare estimates the logarithm of the ratio of the means, and its variance from what the blocks contribute, whatever
// correlation there is within one: the linearised ratio estimator (Cochran, Sampling Techniques, chapter 6). False where the
// blocks do not say.
func compare(blocks []means) (ratio, variance float64, ok bool) {
	sum := totalMeans(blocks)
	baseline, known := sum.baseline.quotient()
	canary, alsoKnown := sum.canary.quotient()
	if !known || !alsoKnown {
		return 0, 0, false
	}
	variance, ok = varies(blocks, func(b means) (float64, bool) {
		influence := (b.canary.Sum-canary*b.canary.Of)/sum.canary.Sum - (b.baseline.Sum-baseline*b.baseline.Of)/sum.baseline.Sum
		return influence, b.canary.Of > 0 || b.baseline.Of > 0
	})
	return math.Log(canary / baseline), max(variance, finest*finest), ok
}

// own estimates the canary's mean, and its variance.
func own(blocks []means) (mean, variance float64, ok bool) {
	sum := totalMeans(blocks).canary
	if sum.Of <= 0 {
		return 0, 0, false
	}
	mean = sum.Sum / sum.Of
	variance, _ = varies(blocks, func(b means) (float64, bool) { return (b.canary.Sum - mean*b.canary.Of) / sum.Of, b.canary.Of > 0 })
	return mean, max(variance, finest*finest*mean*mean), true
}

// finest is the smallest standard error of a mean, as a part of it. Times that are the same in every block, as a simulator's or those of
// answers that all have the same length, are no infinite evidence, and their rounding is none of anything.
const finest = 1e-3

// varies adds the squares of what blocks, or batches of them, contribute, the worst of the batches, with something on top; false of too
// few.
func varies(blocks []means, influence func(means) (float64, bool)) (found float64, ok bool) {
	for _, size := range batches() {
		squares, number := 0.0, 0.0
		for i := 0; i+size <= len(blocks); i += size {
			batch, any := 0.0, false
			for _, b := range blocks[i : i+size] {
				one, says := influence(b)
				batch += one
				any = any || says
			}
			if any {
				squares += batch * batch
				number++
			}
		}
		if number >= fewest {
			found, ok = max(found, squares*number/(number-1)*certain(number, size)), true
		}
	}
	return found, ok
}

// surprise is how far an estimate is from a hypothesis in the direction of the sign, as sums of which normal is the bound.
func surprise(estimate, variance, hypothesis, sign float64) sums {
	return sums{distance: sign * (estimate - hypothesis) / variance, variance: 1 / variance}
}
