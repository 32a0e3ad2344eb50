package runner_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

func TestGoodIsPromoted(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = passing(3 * time.Minute)
	assert.Equal(t, runner.Promoted, w.run(t, t.Context(), config()))
	assert.Equal(t, []int{5, 25, 50, 100}, w.shares())
	for i := 1; i < len(w.moves); i++ {
		assert.Equal(t, 10*time.Minute, w.moves[i].at.Sub(w.moves[i-1].at), "the shortest time of a step")
	}
	assert.Equal(t, runner.Started, w.events[0].Kind)
	assert.Equal(t, "v2 takes over from v1 in 5 %, 25 %, 50 %, 100 %", w.events[0].Reason)
	last := w.events[len(w.events)-1]
	assert.Equal(t, runner.Promoted, last.Kind)
	assert.Equal(t, []int{50, 100}, []int{last.Before, last.Share})
	assert.NotNil(t, last.Report)
}

func TestOthersKeepTheirs(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.most, w.verdict = 30, passing(0)
	assert.Equal(t, runner.Promoted, w.run(t, t.Context(), config()))
	assert.Equal(t, []int{5, 25, 30}, w.shares())
}

func TestBadIsRolledBackAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = failingAt(50)
	assert.Equal(t, runner.RolledBack, w.run(t, t.Context(), config()))
	assert.Equal(t, []int{5, 25, 50, 0}, w.shares())
	assert.Equal(t, time.Minute, w.moves[3].at.Sub(w.moves[2].at))
	assert.Equal(t, "as the test wants", w.back)

	w.moves = nil
	assert.Equal(t, runner.RolledBack, w.run(t, t.Context(), config()), "what was rolled back stays so")
	assert.Empty(t, w.moves)
	assert.Equal(t, "as the test wants", w.events[len(w.events)-1].Reason)
}

func TestOneThatNeverAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.ready = func() bool { return false }
	assert.Equal(t, runner.RolledBack, w.run(t, t.Context(), config()))
	assert.Equal(t, []int{0}, w.shares())
	assert.Equal(t, "it did not answer in 1h0m0s: no pod", w.back)
	assert.Equal(t, []runner.Kind{runner.Started, runner.Waiting, runner.RolledBack}, w.kinds(), "waiting is told once")
}

func TestOneThatIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = passing(0)
	w.down = func() bool { return w.share == 25 }
	assert.Equal(t, runner.RolledBack, w.run(t, t.Context(), config()))
	assert.Equal(t, []int{5, 25, 0}, w.shares())
	assert.Equal(t, time.Minute, w.moves[2].at.Sub(w.moves[1].at), "whatever Prometheus says")
}

func TestNoVerdict(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = func(int, time.Duration) gate.Verdict { return gate.Undecided }
	assert.Equal(t, runner.RolledBack, w.run(t, t.Context(), config()))
	assert.Equal(t, []int{5, 0}, w.shares())
	assert.Equal(t, time.Hour, w.moves[1].at.Sub(w.moves[0].at))

	w = newWorld()
	w.verdict = passing(2 * time.Hour)
	c := config()
	c.Hold = true
	assert.Equal(t, runner.Promoted, w.run(t, t.Context(), c))
	assert.Contains(t, w.kinds(), runner.Held)
}

func TestPassingIsNotEnough(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = passing(0)
	w.ready = func() bool { return w.share == 0 }
	assert.Equal(t, runner.RolledBack, w.run(t, t.Context(), config()))
	assert.Equal(t, []int{5, 0}, w.shares())
	assert.Contains(t, w.back, "it passes and does not answer as it should: no pod")
}

func TestPrometheusIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = passing(0)
	w.blind = failing(during(w, 5*time.Minute, 5*time.Hour))
	assert.Equal(t, runner.Promoted, w.run(t, t.Context(), config()), "it waits, longer than a step may take")
	assert.Equal(t, 5*time.Hour, w.moves[1].at.Sub(time.Unix(0, 0)))
	assert.Contains(t, w.kinds(), runner.Blind)

	w = newWorld()
	w.verdict = passing(5*time.Hour + 30*time.Minute)
	w.blind = failing(during(w, 5*time.Minute, 5*time.Hour))
	w.run(t, t.Context(), config())
	assert.Equal(t, []int{5, 25}, w.shares()[:2], "and that time does not count for the step's longest")
	assert.Equal(t, 5*time.Hour+30*time.Minute, w.moves[1].at.Sub(time.Unix(0, 0)))

	w = newWorld()
	w.verdict = passing(0)
	w.blind = failing(during(w, 5*time.Minute, 5*time.Hour))
	c := config()
	c.BlindMax = 30 * time.Minute
	assert.Equal(t, runner.RolledBack, w.run(t, t.Context(), c))
	assert.Equal(t, []int{5, 0}, w.shares())
	assert.Equal(t, 35*time.Minute, w.moves[1].at.Sub(time.Unix(0, 0)))
}

func TestPlaceIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = failingAt(25)
	w.cut = failing(during(w, 10*time.Minute+30*time.Second, 40*time.Minute))
	assert.Equal(t, runner.RolledBack, w.run(t, t.Context(), config()))
	assert.Equal(t, []int{5, 25, 0}, w.shares())
	assert.LessOrEqual(t, w.moves[2].at.Sub(time.Unix(0, 0)), 41*time.Minute)
	assert.Contains(t, w.kinds(), runner.Cut)

	w = newWorld()
	w.cut = failing(func() bool { return true })
	r := runner.Runner{Config: config(), Place: w, Analyst: w, Notifier: w, Clock: w}
	_, err := r.Run(t.Context())
	require.EqualError(t, err, "nobody answers", "one that never answered is a wrong call")
}

// TestReadOnly: a place that is read and takes no writes is asked ever less often, and it is told once. What was found is carried
// out as soon as it takes them.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = failingAt(5)
	tries := 0
	w.refuse = func() error {
		if w.share == 5 && w.now.Sub(time.Unix(0, 0)) < time.Hour {
			tries++
			return errors.New("forbidden")
		}
		return nil
	}
	assert.Equal(t, runner.RolledBack, w.run(t, t.Context(), config()))
	assert.Equal(t, []int{5, 0}, w.shares())
	assert.Equal(t, []runner.Kind{runner.Started, runner.Moved, runner.Cut, runner.RolledBack}, w.kinds())
	assert.InDelta(t, 59*60/30, tries, 8, "every 30 s at last")
}

// TestWhatLastsIsToldOnce: and again when it comes back.
func TestWhatLastsIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = passing(50 * time.Minute)
	first, second := during(w, 5*time.Minute, 10*time.Minute), during(w, 20*time.Minute, 30*time.Minute)
	w.blind = failing(func() bool { return first() || second() })
	w.cut = failing(func() bool {
		return w.now.Sub(time.Unix(0, 0)) > 32*time.Minute && w.now.Sub(time.Unix(0, 0)) < 36*time.Minute
	})
	ctx, cancel := context.WithCancel(t.Context())
	w.call = func() {
		if w.share == 25 {
			cancel()
		}
	}
	w.run(t, ctx, config())
	counts := map[runner.Kind]int{}
	for _, kind := range w.kinds() {
		counts[kind]++
	}
	assert.Equal(t, []int{2, 1}, []int{counts[runner.Blind], counts[runner.Cut]})
	assert.Greater(t, counts[runner.Looked], 25)
}

// TestFailureIsNotForgotten: the verdict stands although the place could not be written, and Prometheus answers no more.
func TestFailureIsNotForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = failingAt(5)
	looked := false
	w.cut = failing(func() bool { return looked && w.now.Sub(time.Unix(0, 0)) < time.Hour })
	w.blind = func() error {
		if looked {
			return errors.New("gone")
		}
		looked = true
		return nil
	}
	assert.Equal(t, runner.RolledBack, w.run(t, t.Context(), config()))
	assert.LessOrEqual(t, w.moves[1].at.Sub(time.Unix(0, 0)), time.Hour+time.Minute)
}

func TestAnotherHand(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = func(share int, _ time.Duration) gate.Verdict {
		if share == 25 {
			w.foreign = "changed by kubectl"
		}
		return gate.Pass
	}
	assert.Equal(t, runner.Stopped, w.run(t, t.Context(), config()))
	assert.Equal(t, []int{5, 25}, w.shares())
	assert.Equal(t, "changed by kubectl", w.events[len(w.events)-1].Reason)
	assert.Equal(t, runner.Stopped, w.run(t, t.Context(), config()))
}

func TestChangedBetweenReadAndMove(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = func(int, time.Duration) gate.Verdict {
		w.version++ // a label, say
		return gate.Pass
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.call = func() {
		if w.now.Sub(time.Unix(0, 0)) > 3*time.Hour {
			cancel()
		}
	}
	assert.Equal(t, runner.Interrupted, w.run(t, ctx, config()))
	assert.Equal(t, []int{5}, w.shares(), "each look is about what it read")
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = passing(0)
	ctx, cancel := context.WithCancel(t.Context())
	w.call = func() {
		if w.share == 25 {
			cancel()
		}
	}
	assert.Equal(t, runner.Interrupted, w.run(t, ctx, config()))
	assert.Equal(t, 25, w.share)
	last := w.events[len(w.events)-1]
	assert.Equal(t, []any{runner.Interrupted, 25, 25, w.since}, []any{last.Kind, last.Before, last.Share, *last.Since}, "the share that stays is the one that was given last")
	w.call = nil
	assert.Equal(t, runner.Promoted, w.run(t, t.Context(), config()))
	assert.Equal(t, []int{5, 25, 50, 100}, w.shares())
	assert.Equal(t, 10*time.Minute, w.moves[2].at.Sub(w.moves[1].at), "the step's time goes on")
}

// TestShareByHand: one that a person gave is looked at from now on, and the plan goes on after it.
func TestShareByHand(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.share, w.verdict = 10, passing(0)
	assert.Equal(t, runner.Promoted, w.run(t, t.Context(), config()))
	assert.Equal(t, []int{10, 25, 50, 100}, w.shares())
	assert.Equal(t, 10*time.Minute, w.moves[1].at.Sub(w.moves[0].at))
}
