package gate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// outcomes are the probabilities of the canary's events in a table of fixed margins, by Fisher's noncentral hypergeometric
// distribution: exact, and too slow for use.
func outcomes(canary, baseline, events int, odds float64) map[int]float64 {
	choose := func(n, k int) float64 {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(k + 1))
		c, _ := math.Lgamma(float64(n - k + 1))
		return a - b - c
	}
	logs, total := map[int]float64{}, 0.0
	for x := max(0, events-baseline); x <= min(canary, events); x++ {
		logs[x] = choose(canary, x) + choose(baseline, events-x) + float64(x)*math.Log(odds)
	}
	top := math.Inf(-1)
	for _, l := range logs {
		top = max(top, l)
	}
	for x, l := range logs {
		logs[x] = math.Exp(l - top)
		total += logs[x]
	}
	for x := range logs {
		logs[x] /= total
	}
	return logs
}

func tableOf(canary, baseline, events int) pair {
	return pair{Count{0, float64(baseline)}, Count{float64(events), float64(canary)}}
}

func drawTable(t *rapid.T) (canary, baseline, events int) {
	canary, baseline = rapid.IntRange(2, 80).Draw(t, "canary"), rapid.IntRange(2, 300).Draw(t, "baseline")
	return canary, baseline, rapid.IntRange(1, canary+baseline-1).Draw(t, "events")
}

// TestMoments: mean and variance are those of the exact distribution: without an effect to the last digit, with one nearly.
func TestMoments(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		canary, baseline, events := drawTable(t)
		odds := rapid.SampledFrom([]float64{1, 1.2, 2, 4}).Draw(t, "odds")
		if odds > 1 && (canary < 5 || baseline < 10) {
			return // no block is so small, and adds to a sum of many
		}
		mean, variance := 0.0, 0.0
		for x, p := range outcomes(canary, baseline, events, odds) {
			mean += p * float64(x)
			variance += p * float64(x) * float64(x)
		}
		variance -= mean * mean
		gotMean, gotVariance := shares(tableOf(canary, baseline, events), odds)
		if odds == 1 {
			require.InDelta(t, mean, gotMean, 1e-6)
			require.InDelta(t, variance, gotVariance, 1e-6)
			return
		}
		require.InDelta(t, mean, gotMean, .1*math.Sqrt(variance))
		require.InDelta(t, variance, gotVariance, .15*variance+.02)
	})
}

// TestEvidenceIsFair: whatever the table, the mean of the evidence is at most 1 where nothing is wrong; that it stays so over time
// is what Ville's inequality takes.
func TestEvidenceIsFair(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		canary, baseline, events := drawTable(t)
		unit := rapid.SampledFrom([]float64{.1, .3, math.Ln2, math.Log(4)}).Draw(t, "unit")
		worse, fine := 0.0, 0.0
		for x, p := range outcomes(canary, baseline, events, 1) {
			one := []pair{{Count{float64(events - x), float64(baseline)}, Count{float64(x), float64(canary)}}}
			worse += p * math.Exp(logEvidence(against(one, shares, 1, 1)[1], unit, 1, more))
			fine += p * math.Exp(logEvidence(against(one, shares, 1, -1)[1], unit, 1, fewer))
		}
		require.LessOrEqual(t, worse, 1+1e-9)
		require.LessOrEqual(t, fine, 1+1e-9)
	})
}

// TestLookingOften: of coins that are alike, at most one in twenty pairs is ever called different over four hundred looks; a test
// for one look (z > 1.64) calls many more.
func TestLookingOften(t *testing.T) {
	t.Parallel()
	const rounds, looks = 2000, 400
	dice := rand.New(rand.NewPCG(1, 2))
	always, once := 0, 0
	for range rounds {
		var s sums
		called, naive := false, false
		for range looks {
			p := pair{Count{binomialOf(dice, 30, .02), 30}, Count{binomialOf(dice, 10, .02), 10}}
			s = s.plus(against([]pair{p}, shares, 1, 1)[1])
			called = called || logEvidence(s, math.Ln2, 1, more) >= -math.Log(.05)
			naive = naive || s.variance > 1 && s.distance > 1.64*math.Sqrt(s.variance)
		}
		if called {
			always++
		}
		if naive {
			once++
		}
	}
	assert.LessOrEqual(t, float64(always), bound99(rounds, .05))
	assert.Positive(t, always, "a test that never errs does not test")
	assert.Greater(t, once, rounds/5)
}

func TestPriorsAddUp(t *testing.T) {
	t.Parallel()
	sum := 0.0
	for _, w := range points() {
		sum += w.prior
	}
	assert.InDelta(t, 1, sum, 1e-12)
}

// TestDispersion: what comes in clumps counts for as much less, and what comes alone for nearly all.
func TestDispersion(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(3, 4))
	clumps := func(size int) []pair {
		pairs := make([]pair, 60)
		for i := range pairs {
			clump := float64(size)
			pairs[i] = pair{Count{clump * binomialOf(dice, 300/size, .1), 300}, Count{clump * binomialOf(dice, 100/size, .1), 100}}
		}
		return pairs
	}
	m := metric{}
	assert.Less(t, m.dispersion(clumps(1), shares), 2.0)
	assert.InDelta(t, 12, m.dispersion(clumps(10), shares), 6)
	assert.GreaterOrEqual(t, m.dispersion(clumps(1)[:4], shares), 3.0, "four blocks do not tell")
	assert.GreaterOrEqual(t, metric{histogram: func(Reading) Histogram { return Histogram{} }}.dispersion(clumps(1)[:4], shares), 8.0)
}
