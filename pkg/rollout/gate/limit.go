package gate

import "math"

// limitShare judges the canary's own share of requests against a limit.
func limitShare(m metric, pairs []pair, limit float64) test {
	upper, lower := bound(more), bound(fewer)
	if m.rate {
		upper, lower = poisson, poisson
	}
	above, below := beyond(pairs, limit, 1), beyond(pairs, limit, -1)
	spreads := each(len(pairs), func(n int) float64 { return m.dispersionOwn(pairs[:n]) })
	return test{
		worse: func(from, to int) float64 {
			return logEvidence(above[to].minus(above[from]), math.Ln2, spreads(to), upper)
		},
		fine: func(from, to int) float64 {
			return logEvidence(below[to].minus(below[from]), math.Ln2, spreads(to), lower)
		},
		show: func(r *Result) { r.Dispersion = spreads(len(pairs)) },
	}
}

// limitMean judges the canary's own mean.
func limitMean(blocks []means, limit float64) test {
	return test{
		worse: func(from, to int) float64 { return exceeds(blocks[from:to], limit) },
		fine:  func(from, to int) float64 { return under(blocks[from:to], limit) },
		show:  func(*Result) {},
	}
}
