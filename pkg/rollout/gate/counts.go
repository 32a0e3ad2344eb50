package gate

import "math"

// pair are the events of both revisions in one block.
type pair struct{ baseline, canary Count }

// model is what a hypothesis expects of the canary's events in one block, given those of both together: mean and variance.
type model func(p pair, ratio float64) (mean, variance float64)

// shares compares shares of requests, where the canary's odds are so many times the baseline's: Fisher's noncentral
// hypergeometric distribution, by Cornfield's approximation where the ratio is not 1. Given the sum of both, what the share
// itself is, and how it moves from block to block, falls out (Cochran, Mantel and Haenszel).
func shares(p pair, ratio float64) (mean, variance float64) {
	canary, baseline := p.canary.Of, p.baseline.Of
	events, all := p.canary.Events+p.baseline.Events, p.canary.Of+p.baseline.Of
	if canary <= 0 || baseline <= 0 || events <= 0 || events >= all || all <= 1 {
		return p.canary.Events, 0 // nothing to be learned
	}
	if ratio == 1 {
		mean = canary * events / all
		return mean, mean * baseline / all * (all - events) / (all - 1)
	}
	mean = cornfield(canary, baseline, events, ratio)
	inverse := 1/mean + 1/(canary-mean) + 1/(events-mean) + 1/(baseline-events+mean)
	return mean, all / (all - 1) / inverse
}

// cornfield solves mean*(baseline-events+mean) = ratio*(canary-mean)*(events-mean) for the mean.
func cornfield(canary, baseline, events, ratio float64) float64 {
	a := ratio - 1
	b := ratio*(canary+events) + baseline - events
	c := ratio * canary * events
	root := math.Sqrt(max(0, b*b-4*a*c))
	mean := 2 * c / (b + root)
	low, high := max(0, events-baseline), min(canary, events)
	const inside = 1e-6
	return min(max(mean, low+inside*(high-low)), high-inside*(high-low))
}

// rates compares numbers of events per request, which may be more than one: binomial given their sum.
func rates(p pair, ratio float64) (mean, variance float64) {
	events := p.canary.Events + p.baseline.Events
	if p.canary.Of <= 0 || p.baseline.Of <= 0 || events <= 0 {
		return p.canary.Events, 0
	}
	part := ratio * p.canary.Of / (ratio*p.canary.Of + p.baseline.Of)
	return events * part, events * part * (1 - part)
}

// against are the sums against a hypothesis that the ratio is as given: events above what it expects where the sign is 1, below
// where it is -1.
func against(pairs []pair, m model, ratio, sign float64) []sums {
	prefix := make([]sums, len(pairs)+1)
	for i, p := range pairs {
		mean, variance := m(p, ratio)
		one := sums{distance: sign * (p.canary.Events - mean), expected: mean, variance: variance, of: p.canary.Of}
		if variance == 0 {
			one = sums{}
		}
		prefix[i+1] = prefix[i].plus(one)
	}
	return prefix
}

// beyond are the sums against a hypothesis that the canary's own share is as given.
func beyond(pairs []pair, share, sign float64) []sums {
	prefix := make([]sums, len(pairs)+1)
	for i, p := range pairs {
		mean := share * p.canary.Of
		prefix[i+1] = prefix[i].plus(sums{distance: sign * (p.canary.Events - mean), expected: mean, variance: mean * (1 - share), of: p.canary.Of})
	}
	return prefix
}

// ratioOf estimates the ratio over all blocks, as Mantel and Haenszel do; half an event more keeps it finite.
func ratioOf(pairs []pair, poisson bool) float64 {
	more, less := .5, .5
	for _, p := range pairs {
		all := p.canary.Of + p.baseline.Of
		if p.canary.Of <= 0 || p.baseline.Of <= 0 {
			continue
		}
		withoutCanary, withoutBaseline := p.canary.Of, p.baseline.Of
		if !poisson {
			withoutCanary -= p.canary.Events
			withoutBaseline -= p.baseline.Events
		}
		more += p.canary.Events * withoutBaseline / all
		less += p.baseline.Events * withoutCanary / all
	}
	return more / less
}

// total adds up the blocks.
func total(pairs []pair) (sum pair) {
	for _, p := range pairs {
		sum = sum.plus(p)
	}
	return sum
}

func (p pair) plus(o pair) pair {
	return pair{
		Count{p.baseline.Events + o.baseline.Events, p.baseline.Of + o.baseline.Of},
		Count{p.canary.Events + o.canary.Events, p.canary.Of + o.canary.Of},
	}
}

// share of a count, 0 without any.
func (c Count) share() float64 {
	if c.Of <= 0 {
		return 0
	}
	return c.Events / c.Of
}
