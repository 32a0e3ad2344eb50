package runner_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

// world is a place, an analyst and a clock of a test. Time passes while a runner sleeps, and nowhere else.
type world struct {
	now time.Time
	// share, since and back are what the place has.
	share, most int
	shadow      int
	since       time.Time
	back        string
	version     int
	// moves are those that were written.
	moves []move
	// events are those that were told, by all runners.
	events []runner.Event

	// What the world does at a time, nil for nothing: an error of the place or of Prometheus, a revision that does not answer or
	// is down, and the verdict on a share of some age.
	cut, blind func() error
	// refuse is an error of a write alone.
	refuse  func() error
	ready   func() bool
	down    func() bool
	verdict func(share int, age time.Duration) gate.Verdict
	// copies is the verdict on copies of some age, Pass where it is nil.
	copies func(age time.Duration) gate.Verdict
	// call runs before and after all that a runner asks for. It panics where the runner is killed.
	call func()
	// foreign is what another hand did.
	foreign string
	// last is the last verdict on the share that stands, at its age.
	last gate.Verdict
	// seen is the state that the last Read gave.
	seen runner.State
}

type move struct {
	at          time.Time
	from, share int
	// copied and copies are what it got copies of before and gets after.
	copied, copies int
	why            string
	// verdict is what was last found of the share before, ready whether it was said to answer.
	verdict gate.Verdict
	ready   bool
}

func newWorld() *world { return &world{now: time.Unix(0, 0), most: 100} }

func (w *world) step() {
	if w.call != nil {
		w.call()
	}
}

func (w *world) Now() time.Time { return w.now }

func (w *world) Sleep(ctx context.Context, d time.Duration) error {
	w.step()
	w.now = w.now.Add(d)
	return ctx.Err()
}

func (w *world) Read(context.Context) (runner.State, error) {
	w.step()
	defer w.step()
	if w.foreign != "" {
		return runner.State{}, &runner.Refusal{Words: w.foreign}
	}
	if w.cut != nil {
		if err := w.cut(); err != nil {
			return runner.State{}, err
		}
	}
	s := runner.State{Share: w.share, Most: w.most, Since: w.since, Shadow: w.shadow, RolledBack: w.back, Ready: true, Version: fmt.Sprint(w.version)}
	if w.ready != nil && !w.ready() {
		s.Ready, s.NotReady = false, "no pod"
	}
	s.Down = w.down != nil && w.down()
	w.seen = s
	return s, nil
}

func (w *world) Move(_ context.Context, from runner.State, share int, why string) error {
	return w.give(from, share, 0, why)
}

func (w *world) Copy(_ context.Context, from runner.State, percent int, why string) error {
	return w.give(from, 0, percent, why)
}

func (w *world) give(from runner.State, share, shadow int, why string) error {
	w.step()
	defer w.step()
	if from.Version != fmt.Sprint(w.version) {
		return runner.ErrMoved
	}
	if w.cut != nil {
		if err := w.cut(); err != nil {
			return err
		}
	}
	if w.refuse != nil {
		if err := w.refuse(); err != nil {
			return err
		}
	}
	w.moves = append(w.moves, move{w.now, w.share, share, w.shadow, shadow, why, w.last, from.Ready})
	w.share, w.shadow, w.since, w.last = share, shadow, w.now, ""
	w.version++
	if share == 0 && shadow == 0 {
		w.back = why
	}
	if w.cut != nil {
		return w.cut() // an answer that is lost
	}
	return nil
}

func (w *world) Analyze(_ context.Context, since, until time.Time, copied bool) (gate.Report, error) {
	w.step()
	defer w.step()
	if w.blind != nil {
		if err := w.blind(); err != nil {
			return gate.Report{}, err
		}
	}
	if copied != (w.shadow > 0) {
		return gate.Report{}, errors.New("this is no judgement of what it gets")
	}
	switch {
	case !copied:
		w.last = w.verdict(w.share, until.Sub(since))
	case w.copies != nil:
		w.last = w.copies(until.Sub(since))
	default:
		w.last = gate.Pass
	}
	return gate.Report{Verdict: w.last, Reasons: []string{"as the test wants"}}, nil
}

func (w *world) Notify(_ context.Context, e runner.Event) error {
	w.step()
	defer w.step()
	w.events = append(w.events, e)
	return errors.New("nobody listens")
}

// shares are those that were given, one after the other.
func (w *world) shares() []int {
	var shares []int
	for _, m := range w.moves {
		shares = append(shares, m.share)
	}
	return shares
}

func (w *world) kinds() []runner.Kind {
	var kinds []runner.Kind
	for _, e := range w.events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func config() runner.Config {
	return runner.Config{
		Subject: runner.Subject{Model: "m", Namespace: "llm", Environment: "default", Baseline: "v1", Canary: "v2"},
		Plan:    []int{5, 25, 50, 100}, Interval: time.Minute, StepMin: 10 * time.Minute, StepMax: time.Hour,
	}
}

// run lets one runner work until it ends.
func (w *world) run(t require.TestingT, ctx context.Context, c runner.Config) runner.Kind {
	r := runner.Runner{Config: c, Place: w, Analyst: w, Notifier: w, Clock: w}
	ended, err := r.Run(ctx)
	require.NoError(t, err)
	return ended
}

// passing is a canary that passes at an age.
func passing(at time.Duration) func(int, time.Duration) gate.Verdict {
	return func(_ int, age time.Duration) gate.Verdict {
		if age >= at {
			return gate.Pass
		}
		return gate.Undecided
	}
}

// failingAt is a canary that passes at once and fails at one share.
func failingAt(share int) func(int, time.Duration) gate.Verdict {
	return func(s int, _ time.Duration) gate.Verdict {
		if s == share {
			return gate.Fail
		}
		return gate.Pass
	}
}

func during(w *world, from, to time.Duration) func() bool {
	return func() bool {
		age := w.now.Sub(time.Unix(0, 0))
		return age >= from && age < to
	}
}

func failing(when func() bool) func() error {
	return func() error {
		if when() {
			return errors.New("nobody answers")
		}
		return nil
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*runner.Config){
		func(c *runner.Config) { c.Plan = nil },
		func(c *runner.Config) { c.Shadow = 101 },
		func(c *runner.Config) { c.Interval = 0 },
		func(c *runner.Config) { c.StepMax = c.StepMin },
		func(c *runner.Config) { c.BlindMax = -1 },
	} {
		c := config()
		require.NoError(t, c.Check())
		change(&c)
		require.Error(t, c.Check())
	}
}
