package gate

import "math"

// count is how many observations there are.
func (h Histogram) count() float64 {
	sum := 0.0
	for _, n := range h.Buckets {
		sum += n
	}
	return sum
}

// above is how many observations lie above a boundary, by its index.
func (h Histogram) above(boundary int) Count {
	c := Count{Of: h.count()}
	for i := boundary + 1; i < len(h.Buckets); i++ {
		c.Events += h.Buckets[i]
	}
	return c
}

func (h Histogram) plus(o Histogram) Histogram {
	if len(h.Buckets) == 0 {
		h.Buckets = make([]float64, len(o.Buckets))
	}
	sum := Histogram{Buckets: append([]float64{}, h.Buckets...), Sum: h.Sum + o.Sum}
	for i, n := range o.Buckets {
		sum.Buckets[i] += n
	}
	return sum
}

// Quantile interpolates within a bucket as Prometheus does, so that the number is the one of a dashboard. It is a number to look
// at: the tests count what is above a boundary. False without observations.
func (h Histogram) Quantile(q float64, bounds []float64) (float64, bool) {
	all := h.count()
	if all <= 0 || len(bounds) == 0 {
		return 0, false
	}
	rank, below := q*all, 0.0
	for i, n := range h.Buckets {
		if i == len(bounds) {
			break
		}
		if n > 0 && below+n >= rank {
			lower := 0.0
			if i > 0 {
				lower = bounds[i-1]
			}
			return lower + (bounds[i]-lower)*(rank-below)/n, true
		}
		below += n
	}
	return bounds[len(bounds)-1], true
}

// slower is the share that would lie above a boundary if every request took factor times as long: that above boundary/factor, which
// lies within a bucket. Between its edges times are taken to be lognormal, as latencies nearly are: spread evenly over a bucket
// that is two or three times as wide as its lower edge, they would be off by half. In the first bucket they are spread evenly.
func (h Histogram) slower(boundary int, factor float64, bounds []float64) float64 {
	at, upper := bounds[boundary]/factor, boundary
	for upper > 0 && at <= bounds[upper-1] {
		upper--
	}
	above := h.smooth(upper)
	if upper == 0 {
		return 1 - (1-above)*at/bounds[0]
	}
	below := h.smooth(upper - 1)
	part := math.Log(bounds[upper]/at) / math.Log(bounds[upper]/bounds[upper-1])
	return .5 * math.Erfc(-(deviate(above)*(1-part)+deviate(below)*part)/math.Sqrt2)
}

// deviate is how many standard deviations a share of a normal distribution lies above.
func deviate(share float64) float64 { return math.Sqrt2 * math.Erfinv(2*share-1) }

// smooth is the share above a boundary, never 0 or 1.
func (h Histogram) smooth(boundary int) float64 {
	c := h.above(boundary)
	return (c.Events + .5) / (c.Of + 1)
}

// least and most are how far the odds at a boundary must and may differ for it to stand for a quantile: below, nothing could be
// told; above, the boundary is in the thin end of the distribution and the margin there a guess.
const least, most = 1.1, 4.0

// boundary is the boundary that stands for a quantile: the nearest by its odds of those where the stated slowdown shows, by what
// the baseline did before the test, and how many times larger the odds to be above it are with the slowdown. -1 where none is.
func (h Histogram) boundary(q, margin float64, bounds []float64) (index int, odds float64) {
	index, nearest := -1, math.Inf(1)
	if h.count() <= 0 {
		return index, 1
	}
	for i := range bounds {
		share, slower := h.smooth(i), h.slower(i, 1+margin, bounds)
		if share < .002 || share > .99 {
			continue
		}
		ratio := logistic(slower) - logistic(share)
		if distance := math.Abs(logistic(share) - logistic(1-q)); ratio >= math.Log(least) && distance < nearest {
			index, nearest, odds = i, distance, math.Exp(min(ratio, math.Log(most)))
		}
	}
	return index, odds
}

func logistic(share float64) float64 { return math.Log(share / (1 - share)) }
