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

// slower is the share that would lie above a boundary if every request took factor times as long: that above boundary/factor,
// interpolated on the logarithm, in the first bucket on the value.
func (h Histogram) slower(boundary int, factor float64, bounds []float64) float64 {
	all := h.count()
	at := bounds[boundary] / factor
	above := h.above(boundary).Events
	for i := boundary; i >= 0; i-- {
		lower := 0.0
		if i > 0 {
			lower = bounds[i-1]
		}
		if at <= lower {
			above += h.Buckets[i]
			continue
		}
		part := (bounds[i] - at) / bounds[i]
		if lower > 0 {
			part = math.Log(bounds[i]/at) / math.Log(bounds[i]/lower)
		}
		return (above + h.Buckets[i]*part) / all
	}
	return above / all
}

// least and most are how far the odds at a boundary must and may differ for it to stand for a quantile: below, nothing could be
// told; above, the boundary is in the thin end of the distribution and the margin there a guess.
const least, most = 1.1, 4.0

// boundary is the boundary that stands for a quantile: the nearest by its odds of those where the stated slowdown shows, by what
// the baseline did before the test, and how many times larger the odds to be above it are with the slowdown. -1 where none is.
func (h Histogram) boundary(q, margin float64, bounds []float64) (index int, odds float64) {
	index, nearest := -1, math.Inf(1)
	all := h.count()
	for i := range bounds {
		share := (h.above(i).Events + .5) / (all + 1)
		slower := (h.slower(i, 1+margin, bounds)*all + .5) / (all + 1)
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
