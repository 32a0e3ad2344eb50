package gate

import (
	"math"
	"math/rand/v2"
	"sort"
	"time"
)

// world is what requests are like: ten a second, a quarter of them to the canary, with waves of load that both revisions see and
// noise that each has of its own.
type world struct {
	perMinute float64
	part      float64 // of the canary
	errors    float64
	own       float64 // noise of a revision from minute to minute, 1 for the usual
	// worse makes the canary's errors, time to first token and time between tokens so many times the baseline's, at a part of the
	// hour from 0 to 1.
	worse func(part float64) (errors, ttft, itl float64)
}

const minutes, warmUp = 60, 5

func same(float64) (errors, ttft, itl float64) { return 1, 1, 1 }

// edges are vLLM's (vllm/v1/metrics/loggers.py), those of the queue the first of vllm/v1/metrics/buckets.py.
func edges() Bounds {
	return Bounds{
		TTFT:  []float64{.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560},
		ITL:   []float64{.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80},
		Queue: []float64{.3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120},
	}
}

// hour is one hour of it after the warm-up.
func (w world) hour(seed uint64) Data {
	dice := rand.New(rand.NewPCG(seed, 20261130))
	data := Data{Start: time.Unix(0, 0).UTC(), Block: time.Minute, Bounds: edges()}
	wave := 0.0
	for minute := range minutes + warmUp {
		wave = .8*wave + .6*dice.NormFloat64()
		errors, ttft, itl := w.worse(max(0, float64(minute-warmUp)/minutes))
		data.Blocks = append(data.Blocks, Block{
			Baseline: w.minute(dice, wave, w.perMinute*(1-w.part), 1, 1, 1),
			Canary:   w.minute(dice, wave, w.perMinute*w.part, errors, ttft, itl),
		})
	}
	return data
}

func (w world) minute(dice *rand.Rand, wave, rate, errors, ttft, itl float64) Reading {
	n := poissonOf(dice, rate)
	noise := func(size float64) float64 { return math.Exp(size*w.own*dice.NormFloat64() - size*w.own*size*w.own/2) }
	share := func(p float64) Count { return Count{binomialOf(dice, n, min(1, p)), float64(n)} }
	r := Reading{
		Errors: share(w.errors * errors * noise(.2)), Aborted: share(.02 * noise(.2)), Length: share(.1 * noise(.1)),
		Preempted: Count{float64(poissonOf(dice, float64(n)*.02*math.Exp(.3*wave)*noise(.3))), float64(n)},
		KVUsage:   Mean{max(0, .5+.1*wave+.05*w.own*dice.NormFloat64()), 1},
	}
	r.TTFT = firstTokens(dice, n, math.Log(.15*ttft)+.1*wave+.04*w.own*dice.NormFloat64())
	tokens := max(float64(n)*20, float64(n)*200+math.Sqrt(float64(n))*200*dice.NormFloat64())
	r.OutputTokens = Mean{tokens, float64(n)}
	r.ITL = betweenTokens(tokens, math.Log(.024*itl)+.03*wave+.02*w.own*dice.NormFloat64()+.15/math.Sqrt(float64(n)+1)*dice.NormFloat64())
	r.TokenSeconds = Mean{r.ITL.Sum, tokens}
	late := binomialOf(dice, n, min(1, .03*math.Exp(.3*wave)*noise(.3)))
	r.Queue = Histogram{Buckets: make([]float64, len(edges().Queue)+1), Sum: float64(n) * .05}
	r.Queue.Buckets[0], r.Queue.Buckets[1] = float64(n)-late, late
	return r
}

func firstTokens(dice *rand.Rand, n int, center float64) Histogram {
	bounds := edges().TTFT
	h := Histogram{Buckets: make([]float64, len(bounds)+1)}
	for range n {
		seconds := math.Exp(center + .7*dice.NormFloat64())
		h.Buckets[sort.SearchFloat64s(bounds, seconds)]++
		h.Sum += seconds
	}
	return h
}

// betweenTokens are so many that their own chance is nothing beside that of the requests, which the center has.
func betweenTokens(tokens, center float64) Histogram {
	const width = .33
	bounds := edges().ITL
	h := Histogram{Buckets: make([]float64, len(bounds)+1), Sum: tokens * math.Exp(center+width*width/2)}
	below := 0.0
	for i, b := range bounds {
		upTo := .5 * math.Erfc((center-math.Log(b))/width/math.Sqrt2)
		h.Buckets[i] = math.Round(tokens * (upTo - below))
		below = upTo
	}
	return h
}

func binomialOf(dice *rand.Rand, n int, p float64) float64 {
	hits := 0.0
	for range n {
		if dice.Float64() < p {
			hits++
		}
	}
	return hits
}

func poissonOf(dice *rand.Rand, mean float64) int {
	if mean > 50 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*dice.NormFloat64())))
	}
	n, left := 0, dice.ExpFloat64()
	for ; left < mean; left += dice.ExpFloat64() {
		n++
	}
	return n
}
