package runner_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

// asked is a world in which somebody agrees to a greater share when he is asked for the third time; 0 is given at once.
type asked struct {
	*world
	times int
}

func (a *asked) Move(ctx context.Context, from runner.State, share int, why string) error {
	if a.times++; share > 0 && a.times < 3 {
		return fmt.Errorf("%w: a pull request", runner.ErrPending)
	}
	a.times = 0
	return a.world.Move(ctx, from, share, why)
}

func (a *asked) run(t *testing.T) runner.Kind {
	t.Helper()
	ended, err := (&runner.Runner{Config: config(), Place: a, Analyst: a, Notifier: a, Clock: a}).Run(t.Context())
	require.NoError(t, err)
	return ended
}

// TestWhatWaitsForSomebody is told once a step, asked for at each look, and looked at meanwhile.
func TestWhatWaitsForSomebody(t *testing.T) {
	t.Parallel()
	a := &asked{world: newWorld()}
	a.verdict = passing(0)
	assert.Equal(t, runner.Promoted, a.run(t))
	assert.Equal(t, []int{5, 25, 50, 100}, a.shares())
	assert.Equal(t, []runner.Kind{
		runner.Started, runner.Waiting, runner.Moved, runner.Looked, runner.Waiting, runner.Moved, runner.Looked, runner.Waiting, runner.Moved,
		runner.Looked, runner.Waiting, runner.Promoted,
	}, distinct(a.kinds()))
	assert.Equal(t, "not agreed to yet: a pull request", a.events[1].Reason)

	a = &asked{world: newWorld()}
	a.verdict = func(share int, age time.Duration) gate.Verdict {
		if share == 5 && age > 11*time.Minute { // while 25 waits
			return gate.Fail
		}
		return gate.Pass
	}
	assert.Equal(t, runner.RolledBack, a.run(t))
	assert.Equal(t, []int{5, 0}, a.shares())
}

// distinct leaves out what is told again.
func distinct(kinds []runner.Kind) []runner.Kind {
	var list []runner.Kind
	for _, k := range kinds {
		if len(list) == 0 || list[len(list)-1] != k {
			list = append(list, k)
		}
	}
	return list
}

// TestOnce: runs of one look each do together what one run does.
func TestOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = passing(0)
	c := config()
	c.Once = true
	var ends []runner.Kind
	for len(ends) < 100 && (len(ends) == 0 || !ends[len(ends)-1].Ends()) {
		ends = append(ends, w.run(t, t.Context(), c))
		w.now = w.now.Add(10 * time.Minute)
	}
	assert.Equal(t, []runner.Kind{runner.Moved, runner.Moved, runner.Moved, runner.Promoted}, ends)
	assert.Equal(t, []int{5, 25, 50, 100}, w.shares())
}
