package ingit_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

// TestTwoRunners in two clones promote together, and each step is made once.
func TestTwoRunners(t *testing.T) {
	t.Parallel()
	origin := bare(t)
	var both sync.WaitGroup
	ends := make([]runner.Kind, 2)
	errs := make([]error, 2)
	for i := range ends {
		mine := cloned(t, origin, fmt.Sprintf("runner%d", i), false)
		r := &runner.Runner{
			Config:  runner.Config{Plan: []int{5, 25, 50, 100}, Interval: time.Millisecond, StepMax: time.Hour},
			Place:   mine.opened(),
			Analyst: passes{}, Notifier: silence{}, Clock: clock{},
		}
		both.Go(func() { ends[i], errs[i] = r.Run(t.Context()) })
	}
	both.Wait()
	require.Equal(t, []error{nil, nil}, errs)
	assert.Equal(t, []runner.Kind{runner.Promoted, runner.Promoted}, ends)
	assert.Equal(t, "Promote v2 of m in production\nGive v2 of m 50 % in production\nGive v2 of m 25 % in production\nGive v2 of m 5 % in production\nStart v2 of m",
		shell(t, origin, "log", "--format=%s", "main"))
}

type passes struct{}

func (passes) Analyze(context.Context, time.Time, time.Time) (gate.Report, error) {
	return gate.Report{Verdict: gate.Pass}, nil
}

type silence struct{}

func (silence) Notify(context.Context, runner.Event) error { return nil }

type clock struct{}

func (clock) Now() time.Time { return time.Now() }

func (clock) Sleep(ctx context.Context, d time.Duration) error {
	time.Sleep(d)
	return ctx.Err()
}
