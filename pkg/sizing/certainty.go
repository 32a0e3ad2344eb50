package sizing

import "math"

// weigh says what is certain: that it starts whatever the true figures are within their ranges, or that it does not.
func (r *Result) weigh(a *Architecture, l layout, asked int64) {
	low, high := l.pool(r.KVCache.Low), l.pool(r.KVCache.High)
	r.SureModelLen, r.BestModelLen = l.longest(low, a.MaxPositions), l.longest(high, a.MaxPositions)
	need := l.blocks(asked)
	r.SequenceBytes = float64(need) * l.blockBytes
	r.Sure = r.Fits && low >= need && r.surelyFree()
	r.Impossible = asked > a.MaxPositions || high < need || r.surelyTaken()
}

// A worker's CUDA context is known of one GPU; others are taken to have between a quarter and half as much again.
const leastContext, mostContext = 0.25, 1.5

// surelyFree says whether what is asked for is free when a worker starts, with graphs that come on top and whatever the
// context takes.
func (r *Result) surelyFree() bool {
	free := r.freeAtStart() - (mostContext-1)*r.Settings.context()*gib
	return r.asksAtMost() <= free
}

// asksAtMost is what the server takes by the cautious end of the ranges.
func (r *Result) asksAtMost() float64 {
	s := r.Settings
	if s.KVCacheBytes > 0 {
		return r.Weights.High + r.Activation.High + r.NonTorch.High + r.Graphs.High + float64(s.KVCacheBytes)
	}
	return r.Requested.Value + r.onTop()
}

// onTop is what graphs take at most beside what is asked for. What was measured has them in it, and did start.
func (r *Result) onTop() float64 {
	if r.GraphsInBudget || r.Settings.OtherBytes > 0 {
		return 0
	}
	return r.Graphs.High
}

// SureUtilization is the largest --gpu-memory-utilization that is sure to be free when a worker starts.
func (r *Result) SureUtilization() float64 {
	free := r.freeAtStart() - (mostContext-1)*r.Settings.context()*gib
	return max(math.Floor((free-r.onTop())/r.Total.Value*100)/100, 0)
}

// surelyTaken says whether more is asked for than a GPU has beside the smallest context.
func (r *Result) surelyTaken() bool {
	s := r.Settings
	asked := r.Requested.Value
	switch {
	case s.KVCacheBytes > 0:
		asked = r.Weights.Low + r.Activation.Low + float64(s.KVCacheBytes)
	case !s.comparesFree():
		return false
	}
	return asked > r.Total.Value-leastContext*s.context()*gib
}
