package gate

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lognormal has what a thousand requests of a known distribution are in vLLM's buckets of the time to the first token.
func lognormal(median, sigma float64) Histogram {
	bounds := edges().TTFT
	h := Histogram{Buckets: make([]float64, len(bounds)+1)}
	below := 0.0
	for i, b := range bounds {
		upTo := 1000 * .5 * math.Erfc(math.Log(median/b)/sigma/math.Sqrt2)
		h.Buckets[i] = upTo - below
		below = upTo
	}
	h.Buckets[len(bounds)] = 1000 - below
	return h
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	h, bounds := Histogram{Buckets: []float64{10, 30, 50, 10}}, []float64{1, 2, 4}
	for q, want := range map[float64]float64{.05: .5, .1: 1, .25: 1.5, .65: 3, .9: 4, .99: 4} {
		got, ok := h.Quantile(q, bounds)
		require.True(t, ok)
		assert.InDelta(t, want, got, 1e-12, "q %g", q)
	}
	_, ok := Histogram{Buckets: []float64{0, 0, 0, 0}}.Quantile(.5, bounds)
	assert.False(t, ok)
}

// TestBoundary: the boundary is near the quantile, and the odds are those that a slowdown of 20 % makes there, but for what
// interpolating within a bucket costs.
func TestBoundary(t *testing.T) {
	t.Parallel()
	usual, slow, bounds := lognormal(.15, .7), lognormal(.18, .7), edges().TTFT
	for q, want := range map[float64]float64{.5: .1, .95: .5, .99: .75} {
		index, odds := usual.boundary(q, .2, bounds)
		require.GreaterOrEqual(t, index, 0)
		assert.InDelta(t, want, bounds[index], 1e-12, "q %g", q)
		before, after := usual.above(index).share(), slow.above(index).share()
		assert.InDelta(t, math.Log(after/(1-after)*(1-before)/before), math.Log(odds), .12, "q %g", q)
	}
}

// TestNoBoundary: where all requests are in one bucket, nothing that stays in it shows.
func TestNoBoundary(t *testing.T) {
	t.Parallel()
	h := Histogram{Buckets: make([]float64, len(edges().TTFT)+1)}
	index, _ := h.boundary(.95, .2, edges().TTFT)
	assert.Equal(t, -1, index, "no requests at all")
	h.Buckets[0] = 1000
	index, _ = h.boundary(.95, 1e-9, edges().TTFT)
	assert.Equal(t, -1, index)
}
