package gate

import "slices"

// Names of what is judged, as flags and reports have them.
const (
	Errors          = "errors"
	TTFTMean        = "ttft-mean"
	TTFTP50         = "ttft-p50"
	TTFTP95         = "ttft-p95"
	TTFTP99         = "ttft-p99"
	ITLMean         = "itl-mean"
	ITLP50          = "itl-p50"
	ITLP95          = "itl-p95"
	ITLP99          = "itl-p99"
	QueueP95        = "queue-p95"
	Preemptions     = "preemptions"
	Aborts          = "aborts"
	Length          = "length"
	OutputLength    = "output-length"
	TokensPerSecond = "tokens-per-second"
	KVUsage         = "kv-usage"
)

// Units of what a metric shows.
const (
	unitShare   = "share"
	unitSeconds = "seconds"
	unitTokens  = "tokens"
	unitSpeed   = "tokens per second"
	unitRate    = "per request"
)

// metric is how one thing is judged. One of count, histogram and mean is set; a histogram with a quantile of 0 is judged by its mean.
type metric struct {
	name, unit string
	// required metrics must have passed for the whole to pass; others may fail it, and need not have enough data.
	required bool
	// margin is by how much of the baseline's the canary may be worse, such as 0.2; 1 is twice.
	margin float64
	// harmless is the level under which a count is no reason to fail, however it compares; 0 for none.
	harmless float64
	// both directions are worse.
	both bool
	// rate marks events of which a request can have several.
	rate bool
	// clustered marks many observations of one request, of which only many blocks tell how they vary.
	clustered bool
	quantile  float64

	count     func(Reading) Count
	histogram func(Reading) Histogram
	mean      func(Reading) Mean
	bounds    func(Bounds) []float64
}

// all lists what is judged. docs/canary-gate.md has the reason of each margin.
func all() []metric {
	list := []metric{{name: Errors, unit: unitShare, required: true, margin: 1, harmless: .005, count: func(r Reading) Count { return r.Errors }}}
	list = append(list, latency([4]string{TTFTMean, TTFTP50, TTFTP95, TTFTP99}, false, func(r Reading) Histogram { return r.TTFT }, func(b Bounds) []float64 { return b.TTFT })...)
	list = append(list, latency([4]string{ITLMean, ITLP50, ITLP95, ITLP99}, true, func(r Reading) Histogram { return r.ITL }, func(b Bounds) []float64 { return b.ITL })...)
	return append(list,
		metric{name: QueueP95, unit: unitSeconds, margin: .5, harmless: .01, quantile: .95, histogram: func(r Reading) Histogram { return r.Queue }, bounds: func(b Bounds) []float64 { return b.Queue }},
		metric{name: Preemptions, unit: unitRate, margin: 1, harmless: .05, rate: true, clustered: true, count: func(r Reading) Count { return r.Preempted }},
		metric{name: Aborts, unit: unitShare, margin: 1, harmless: .01, count: func(r Reading) Count { return r.Aborted }},
		metric{name: Length, unit: unitShare, margin: .5, harmless: .02, count: func(r Reading) Count { return r.Length }},
		metric{name: OutputLength, unit: unitTokens, margin: .2, both: true, mean: func(r Reading) Mean { return r.OutputTokens }},
		metric{name: TokensPerSecond, unit: unitSpeed, margin: .2, mean: func(r Reading) Mean { return r.TokenSeconds }},
		metric{name: KVUsage, unit: unitShare, margin: .2, harmless: .9, mean: func(r Reading) Mean { return r.KVUsage }},
	)
}

// latency is a mean, which has no buckets and so sees any change, and three quantiles, of which the 95th shows what few requests
// feel. The mean and, of the time to the first token, the 95th must pass.
func latency(names [4]string, clustered bool, of func(Reading) Histogram, bounds func(Bounds) []float64) []metric {
	var list []metric
	for i, quantile := range []float64{0, .5, .95, .99} {
		list = append(list, metric{
			name: names[i], unit: unitSeconds, margin: .2, quantile: quantile, clustered: clustered,
			required: quantile == 0 || quantile == .95 && !clustered, histogram: of, bounds: bounds,
		})
	}
	return list
}

// byMean reports whether the metric is judged by a mean.
func (m metric) byMean() bool { return m.mean != nil || m.histogram != nil && m.quantile == 0 }

// meanOf is a reading's mean.
func (m metric) meanOf(r Reading) Mean {
	if m.mean != nil {
		return m.mean(r)
	}
	h := m.histogram(r)
	return Mean{Sum: h.Sum, Of: h.count()}
}

// Names lists what is judged, in the order of reports.
func Names() []string {
	var names []string
	for _, m := range all() {
		names = append(names, m.name)
	}
	return names
}

// Known reports whether there is a metric of the name.
func Known(name string) bool { return slices.Contains(Names(), name) }
