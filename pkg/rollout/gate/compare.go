package gate

import "math"

// fewestBlocks are judged before anything fails, many of what one request has many of, and of means: how they vary is seen only
// from block to block.
const fewestBlocks, manyBlocks = 2, 8

// soonest is how many requests the canary must have answered before anything fails, since the beginning or the restart that the
// evidence is of: means of fewer are not normal, and a handful of testers should not end a rollout.
const soonest = 50

// test is one comparison, or one limit, that can be asked after any number of blocks.
type test struct {
	result Result
	blocks int
	// worse and fine are logarithms of the evidence in the blocks from one to before another that the canary is worse, and that
	// it is not by the margin. Both are nil where nothing can be told.
	worse, fine func(from, to int) float64
	// over reports whether what was seen in the first blocks is a level that may fail at all; nil for any.
	over func(to int) bool
	// alpha and beta are the error rates of this test.
	alpha, beta float64
	// requests are how many the canary answered in the first blocks.
	requests []float64
	// show fills in what was seen over all blocks.
	show func(*Result)
}

// judge asks after each number of blocks whether it failed, as one does who looks after each, and at the end whether it passed.
func (t test) judge(blocks int) Result {
	r := t.result
	r.Verdict, r.Worse, r.Fine = Undecided, 1, 1
	t.show(&r)
	if t.worse == nil {
		return r
	}
	for n := t.blocks; n <= blocks; n++ {
		r.Worse = min(r.Worse, probability(t.changed(n, t.worse)))
		if r.FailedAfter == 0 && t.failsAfter(n) {
			r.FailedAfter = n
		}
	}
	if blocks >= t.blocks {
		r.Fine = probability(t.fine(0, blocks))
	}
	switch {
	case r.FailedAfter > 0:
		r.Verdict = Fail
	case r.Fine <= t.beta:
		r.Verdict = Pass
	}
	return r
}

// fails asks again without the beginnings since which the canary is worse for sure, but as surely within the margin.
func (t test) fails(n int) bool {
	if t.over != nil && !t.over(n) {
		return false
	}
	return t.changed(n, func(from, to int) float64 {
		if t.fine(from, to) >= -math.Log(t.beta) {
			return math.Inf(-1)
		}
		return t.worse(from, to)
	}) >= -math.Log(t.alpha)
}

// restart is after how many blocks the test begins anew, beside the one from the beginning: what went wrong late is not diluted
// by what went well before. Half of the prior is on the beginning, the n-th restart has a share of 1/(n(n+1)) of the rest.
const restart = 5

// changed is the evidence that something is so since the beginning or since some restart.
func (t test) changed(end int, evidence func(from, to int) float64) float64 {
	var logs []float64
	left := 1.0
	for n := 0; n*restart+t.blocks <= end && t.requests[end]-t.requests[n*restart] >= soonest; n++ {
		share := .5
		if n > 0 {
			share /= float64(n * (n + 1))
		}
		left -= share
		logs = append(logs, math.Log(share)+evidence(n*restart, end))
	}
	return logSum(append(logs, math.Log(left)))
}

// probability is the always-valid p-value of evidence.
func probability(log float64) float64 { return math.Exp(-max(0, log)) }

// at is a value that a report shows.
func at(value float64) *float64 { return &value }

// compareCounts judges a share of requests, or a number per request, against the baseline's.
func compareCounts(m metric, pairs []pair, odds float64) test {
	expect, upper, lower := model(shares), bound(more), bound(fewer)
	if m.rate {
		expect, upper, lower = rates, poisson, poisson
	}
	unit := math.Log(odds)
	equal, margin := against(pairs, expect, 1, 1), against(pairs, expect, odds, -1)
	spreads := each(len(pairs), func(n int) float64 { return m.dispersion(pairs[:n], expect) })
	t := test{
		worse: func(from, to int) float64 { return logEvidence(equal[to].minus(equal[from]), unit, spreads(to), upper) },
		fine: func(from, to int) float64 {
			return logEvidence(margin[to].minus(margin[from]), unit, spreads(to), lower)
		},
		show: func(r *Result) { r.Dispersion = spreads(len(pairs)) },
	}
	if m.harmless == 0 {
		return t
	}
	return t.harmless(m, pairs, lower)
}

// harmless lets a test pass, too, where the canary's own share is under a level that hurts nobody, and fail only over it. Each
// way to pass has half of the misses.
func (t test) harmless(m metric, pairs []pair, lower bound) test {
	fine, low := t.fine, beyond(pairs, m.harmless, -1)
	spreads := each(len(pairs), func(n int) float64 { return m.dispersionOwn(pairs[:n]) })
	t.fine = func(from, to int) float64 {
		return max(fine(from, to), logEvidence(low[to].minus(low[from]), math.Ln2, spreads(to), lower)) - math.Ln2
	}
	t.over = func(to int) bool {
		late := total(pairs[max(0, to-2*restart):to]).canary.share()
		return max(late, total(pairs[:to]).canary.share()) > m.harmless
	}
	return t
}

// each remembers the values of a function, of which a test asks again.
func each(blocks int, of func(n int) float64) func(int) float64 {
	known := make([]float64, blocks+1)
	return func(n int) float64 {
		if known[n] == 0 {
			known[n] = of(n)
		}
		return known[n]
	}
}

// compareMeans judges a mean against the baseline's.
func compareMeans(m metric, blocks []means) test {
	unit := math.Log1p(m.margin)
	ask := func(from, to int, hypothesis, sign float64) float64 {
		ratio, variance, ok := compare(blocks[from:to])
		if !ok {
			return 0
		}
		return logEvidence(surprise(ratio, variance, hypothesis, sign), unit, 1, normal)
	}
	t := test{
		worse: func(from, to int) float64 { return ask(from, to, 0, 1) },
		fine:  func(from, to int) float64 { return ask(from, to, unit, -1) },
		show:  func(*Result) {},
	}
	switch {
	case m.both: // half of the false alarms for each direction, and both must be fine
		t.worse = func(from, to int) float64 { return max(ask(from, to, 0, 1), ask(from, to, 0, -1)) - math.Ln2 }
		t.fine = func(from, to int) float64 { return min(ask(from, to, unit, -1), ask(from, to, -unit, 1)) }
	case m.harmless > 0:
		t.fine = func(from, to int) float64 {
			return max(ask(from, to, unit, -1), under(blocks[from:to], m.harmless)) - math.Ln2
		}
		t.over = func(to int) bool {
			mean, _, ok := own(blocks[max(0, to-2*restart):to])
			return ok && mean > m.harmless
		}
	}
	return t
}

// under is the evidence that the canary's own mean is under a level, in tenths of which effects are weighed.
func under(blocks []means, level float64) float64 { return beside(blocks, level, -1) }

// exceeds is the evidence that it is above.
func exceeds(blocks []means, level float64) float64 { return beside(blocks, level, 1) }

func beside(blocks []means, level, sign float64) float64 {
	mean, variance, ok := own(blocks)
	switch {
	case !ok || len(blocks) < manyBlocks:
		return 0
	case variance == 0 && sign*(mean-level) > 0:
		return math.Inf(1)
	case variance == 0:
		return 0
	}
	return logEvidence(surprise(mean, variance, level, sign), level/10, 1, normal)
}
