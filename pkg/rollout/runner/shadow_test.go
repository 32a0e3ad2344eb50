package runner_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

// shadowed begins with copies of a fifth.
func shadowed() runner.Config {
	c := config()
	c.Shadow = 20
	return c
}

func TestCopiesComeFirst(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.verdict = passing(0)
	w.copies = func(age time.Duration) gate.Verdict { return passing(30*time.Minute)(0, age) }
	assert.Equal(t, runner.Promoted, w.run(t, t.Context(), shadowed()))
	assert.Equal(t, []int{0, 5, 25, 50, 100}, w.shares())
	assert.Equal(t, []int{0, 20}, []int{w.moves[0].copied, w.moves[0].copies})
	assert.Equal(t, []int{20, 0}, []int{w.moves[1].copied, w.moves[1].copies}, "the first share ends them")
	assert.Equal(t, 30*time.Minute, w.moves[1].at.Sub(w.moves[0].at))
	assert.Equal(t, "v2 takes over from v1 in copies of 20 %, 5 %, 25 %, 50 %, 100 %", w.events[0].Reason)
	assert.Equal(t, runner.Testers, w.events[0].Phase)
	copies := w.events[1]
	assert.Equal(t, []any{runner.Moved, runner.Copies, 0, 20, "copies of 20 %: it answers"}, []any{copies.Kind, copies.Phase, copies.ShadowBefore, copies.Shadow, copies.Reason})
	assert.True(t, copies.Changes())
	text, err := json.Marshal(copies)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"before":0,"share":0,"shadow":20,"phase":"shadow"`)
	last := w.events[len(w.events)-1]
	assert.Equal(t, []any{runner.Shares, 0, 0}, []any{last.Phase, last.ShadowBefore, last.Shadow})
}

func TestCopiesThatFail(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(*world){
		"the gate": func(w *world) { w.copies = func(time.Duration) gate.Verdict { return gate.Fail } },
		"down":     func(w *world) { w.down = func() bool { return w.shadow > 0 } },
		"overdue":  func(w *world) { w.copies = func(time.Duration) gate.Verdict { return gate.Undecided } },
	} {
		w := newWorld()
		w.verdict = passing(0)
		broken(w)
		assert.Equal(t, runner.RolledBack, w.run(t, t.Context(), shadowed()), name)
		assert.Equal(t, []int{20, 0}, []int{w.moves[0].copies, w.moves[1].copies}, name)
		assert.Equal(t, []int{0, 0}, w.shares(), name)
		last := w.events[len(w.events)-1]
		assert.Equal(t, []any{20, 0, runner.Testers, true}, []any{last.ShadowBefore, last.Shadow, last.Phase, last.Changes()}, name)
		assert.Equal(t, runner.RolledBack, w.run(t, t.Context(), shadowed()), name)
		assert.Len(t, w.moves, 2, name)
	}
}

// TestCopiesByHand: those that a person gave count as the phase, whatever the plan says, and are looked at from now on.
func TestCopiesByHand(t *testing.T) {
	t.Parallel()
	for _, c := range []runner.Config{config(), shadowed()} {
		w := newWorld()
		w.shadow, w.verdict = 7, passing(0)
		assert.Equal(t, runner.Promoted, w.run(t, t.Context(), c))
		assert.Equal(t, []int{0, 5, 25, 50, 100}, w.shares())
		assert.Equal(t, []int{7, 0}, []int{w.moves[0].copies, w.moves[1].copies})
		assert.Equal(t, "nobody recorded when it got copies of 7 %", w.events[0].Reason)
		assert.Equal(t, 10*time.Minute, w.moves[1].at.Sub(w.moves[0].at))
	}
	w := newWorld()
	w.share, w.shadow, w.verdict = 10, 20, passing(0)
	assert.Equal(t, runner.Promoted, w.run(t, t.Context(), shadowed()))
	assert.Equal(t, []int{10, 25, 50, 100}, w.shares())
	assert.Zero(t, w.moves[0].copies, "one with a share gets none")
}
