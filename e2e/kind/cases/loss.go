package cases

import (
	"slices"
	"time"

	"github.com/kservegen/kservegen/e2e/kind/load"
)

// hurts says that an answer is one that a fault is to blame for.
type hurts func(load.Answer) bool

// among counts those of a load.
func (h hurts) among(answers load.Answers) int {
	n := 0
	for _, answer := range answers {
		if h(answer) {
			n++
		}
	}
	return n
}

// ends is how long after a moment a time begins in which so long nothing hurts; false where the load has none.
// Requests count when they are asked.
func (h hurts) ends(answers load.Answers, after time.Time, quiet time.Duration) (time.Duration, bool) {
	asked := slices.Clone(answers)
	slices.SortFunc(asked, func(a, b load.Answer) int { return a.At.Compare(b.At) })
	begin, last := after, after
	for _, answer := range asked {
		if answer.At.Before(after) {
			continue
		}
		last = answer.At
		if last.Sub(begin) >= quiet {
			break
		}
		if h(answer) {
			begin = last
		}
	}
	return begin.Sub(after), last.Sub(begin) >= quiet
}

// rare is the probability with which a check may fail where all is right: once in 15,000 runs.
const rare = 1.0 / 15000

// tooMany says that k of n requests were hurt, which a share of so many percent does not explain.
func tooMany(n, k, percent int) bool {
	return atLeast(n, k, percent) < rare
}

// atLeast is the probability that so many or more of n requests go where so many percent go.
func atLeast(n, k, percent int) float64 {
	return 1 - load.Binomial(n, k-1, float64(percent)/100)
}

// quantile is the time within which so much of a load was answered.
func quantile(answers load.Answers, part float64) time.Duration {
	if len(answers) == 0 {
		return 0
	}
	var took []time.Duration
	for _, answer := range answers {
		took = append(took, answer.Took)
	}
	slices.Sort(took)
	return took[min(int(part*float64(len(took))), len(took)-1)]
}
