package runner_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

// killed is how a runner ends in the middle of something.
type killed struct{}

// live runs one runner after the other, each until it is killed or ends.
func (w *world) live(t *rapid.T, c runner.Config) (ended runner.Kind) {
	for range 400 {
		alive := func() bool {
			defer func() {
				if p := recover(); p != nil && p != (killed{}) {
					panic(p)
				}
			}()
			r := runner.Runner{Config: c, Place: w, Analyst: w, Notifier: w, Clock: w}
			found, err := r.Run(t.Context())
			if err != nil {
				w.now = w.now.Add(time.Minute) // as a Job would start it again
				return false
			}
			ended = found
			return true
		}()
		if alive {
			return ended
		}
	}
	t.Fatal("it does not end")
	return ""
}

// drawConfig makes plans and times.
func drawConfig(t *rapid.T) runner.Config {
	c := config()
	c.Plan = rapid.SliceOfNDistinct(rapid.IntRange(1, 99), 0, 6, rapid.ID[int]).Draw(t, "plan")
	slices.Sort(c.Plan)
	c.Plan = append(c.Plan, 100)
	c.Shadow = rapid.SampledFrom([]int{0, 0, 1, 20, 100}).Draw(t, "shadow")
	c.StepMin = time.Duration(rapid.IntRange(0, 20).Draw(t, "min")) * time.Minute
	c.StepMax = c.StepMin + time.Duration(rapid.IntRange(1, 60).Draw(t, "longer"))*time.Minute
	return c
}

// TestWhateverHappens: shares go along the plan or to 0, up only after a pass of a revision that answers, and back within an
// interval of a failure that can be written, whatever the verdicts are, whoever is away and whenever a runner is killed.
func TestWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t)
		c.Hold, c.BlindMax = rapid.Bool().Draw(t, "hold"), time.Duration(rapid.IntRange(0, 30).Draw(t, "blind"))*time.Minute
		w := newWorld()
		w.most = rapid.IntRange(1, 100).Draw(t, "most")
		w.share = rapid.IntRange(0, w.most).Draw(t, "share")
		w.shadow = rapid.SampledFrom([]int{0, 0, 30}).Draw(t, "copies")
		begin, end := given{w.share, w.shadow}, w.now.Add(10*time.Hour) // then the world is kind, and all must end
		one := func(name string, in int) bool {
			return w.now.Before(end) && rapid.IntRange(1, in).Draw(t, name) == 1
		}
		w.cut = func() error {
			if one("cut", 8) {
				return errors.New("away")
			}
			return nil
		}
		w.blind = func() error {
			if one("blind", 6) {
				return errors.New("away")
			}
			return nil
		}
		w.ready = func() bool { return !one("not ready", 5) }
		w.down = func() bool { return one("down", 60) }
		w.verdict = func(int, time.Duration) gate.Verdict {
			if w.now.Before(end) {
				return rapid.SampledFrom([]gate.Verdict{gate.Pass, gate.Undecided, gate.Undecided, gate.Undecided, gate.Undecided, gate.Fail}).Draw(t, "verdict")
			}
			return gate.Pass
		}
		w.copies = func(age time.Duration) gate.Verdict { return w.verdict(0, age) }
		w.call = func() {
			if one("kill", 40) {
				panic(killed{})
			}
		}
		ended := w.live(t, c)
		requireLawful(t, w, c, begin)
		require.Contains(t, []runner.Kind{runner.Promoted, runner.RolledBack}, ended)
		require.Equal(t, ended == runner.Promoted, w.share == w.most)
	})
}

// given is what a revision has of the requests, and what it gets copies of.
type given struct{ share, shadow int }

// next is what the plan gives after something.
func next(c runner.Config, g given, most int) given {
	if c.Shadow > 0 && g == (given{}) {
		return given{0, c.Shadow}
	}
	return given{c.After(g.share, most), 0}
}

// requireLawful checks each move.
func requireLawful(t *rapid.T, w *world, c runner.Config, stands given) {
	for i, m := range w.moves {
		require.Equal(t, given{m.from, m.copied}, stands)
		to := given{m.share, m.copies}
		require.True(t, to.share == 0 || to.shadow == 0, "nobody gets copies beside a share")
		switch {
		case to == (given{}):
			require.Equal(t, i, len(w.moves)-1, "nothing comes after a rollback")
		case to.share == stands.share && stands.share > 0, to == stands:
			require.Zero(t, i, "what it has is taken over at the beginning alone")
		default:
			require.Equal(t, next(c, stands, w.most), to, "the next of the plan")
			require.True(t, m.ready, "of one that answers")
			if stands != (given{}) {
				require.Equal(t, gate.Pass, m.verdict, "after a pass")
			}
		}
		stands = to
	}
}

// TestBackWithinAnInterval: with a place and a Prometheus that answer, a failure is followed by 0 at the same look.
func TestBackWithinAnInterval(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, w := drawConfig(t), newWorld()
		steps := c.Plan
		if c.Shadow > 0 {
			steps = append([]int{0}, c.Plan...) // 0 are the copies
		}
		share := rapid.SampledFrom(steps).Draw(t, "fails at")
		age := time.Duration(rapid.IntRange(0, 3600).Draw(t, "after")) * time.Second
		broken := time.Time{}
		w.verdict = func(s int, a time.Duration) gate.Verdict {
			switch {
			case s != share || s == 100:
				return gate.Pass
			case a >= age:
				if broken.IsZero() {
					broken = w.since.Add(age)
				}
				return gate.Fail
			}
			return gate.Undecided
		}
		w.copies = func(age time.Duration) gate.Verdict { return w.verdict(0, age) }
		ended := w.live(t, c)
		if share == 100 {
			require.Equal(t, runner.Promoted, ended)
			return
		}
		require.Equal(t, runner.RolledBack, ended)
		last := w.moves[len(w.moves)-1]
		require.Equal(t, given{}, given{last.share, last.copies})
		require.Equal(t, share, last.from)
		require.Equal(t, share == 0, last.copied > 0)
		if !broken.IsZero() {
			require.LessOrEqual(t, last.at.Sub(broken), c.Interval)
		}
	})
}

// TestResumedAsIfNeverKilled: the same shares are given, in the same order, at times that differ by no more than what the runner
// was away and an interval for each step.
func TestResumedAsIfNeverKilled(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t)
		// One thing happens to each share, at an age that is far from the step's ends.
		passes, fails := map[int]time.Duration{}, map[int]time.Duration{}
		for _, share := range append([]int{0}, c.Plan...) { // 0 are the copies
			age := time.Duration(rapid.IntRange(0, 200).Draw(t, "age")) * time.Minute
			if age > c.StepMax-2*c.Interval {
				continue // never
			}
			if rapid.IntRange(1, 5).Draw(t, "bad") == 1 {
				fails[share] = age
			} else {
				passes[share] = age
			}
		}
		world := func() *world {
			w := newWorld()
			w.verdict = func(share int, age time.Duration) gate.Verdict {
				at, good := passes[share]
				bad, worse := fails[share]
				switch {
				case worse && age >= bad:
					return gate.Fail
				case good && age >= at:
					return gate.Pass
				}
				return gate.Undecided
			}
			w.copies = func(age time.Duration) gate.Verdict { return w.verdict(0, age) }
			return w
		}
		undisturbed, disturbed := world(), world()
		kills := rapid.IntRange(0, 12).Draw(t, "kills")
		disturbed.call = func() {
			if kills > 0 && rapid.IntRange(1, 12).Draw(t, "kill") == 1 {
				kills--
				panic(killed{})
			}
		}
		require.Equal(t, undisturbed.live(t, c), disturbed.live(t, c))
		require.Equal(t, undisturbed.shares(), disturbed.shares())
		requireLawful(t, disturbed, c, given{})
		for i := range disturbed.moves {
			late := disturbed.moves[i].at.Sub(undisturbed.moves[i].at)
			require.LessOrEqual(t, late.Abs(), time.Duration(i+13)*c.Interval)
		}
	})
}
