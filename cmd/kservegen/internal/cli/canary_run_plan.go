package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/kservegen/kservegen/pkg/rollout/routes"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

// plan prints what a run would do, by what the cluster says now.
func (o *runOptions) plan(ctx context.Context, s Streams, w *work) error {
	w.options.ReadOnly = true
	place, err := routes.New(w.cluster, w.canary, w.options)
	if err != nil {
		return usageError{err}
	}
	state, err := place.Read(ctx)
	var refusal *runner.Refusal
	if errors.As(err, &refusal) {
		fmt.Fprintln(s.Err, refusal.Words)
		return errFindings
	}
	if err != nil {
		return err
	}
	return o.printPlan(ctx, s, w, "cluster "+w.context, state)
}

// printPlan prints what a run would do from a state.
func (o *runOptions) printPlan(ctx context.Context, s Streams, w *work, where string, state runner.State) error {
	queries, err := w.analyst.Queries(ctx)
	if err != nil {
		return err
	}
	c := w.config
	fmt.Fprintf(s.Out, "%s in namespace %s, environment %s, %s: from %s to %s\n", c.Model, c.Namespace, c.Environment, where, c.Baseline, c.Canary)
	fmt.Fprintf(s.Out, "now: %s\n\n", stands(c, state))
	if err := printSteps(s, c, state, w.analyst.Gate.WarmUp, time.Now().UTC()); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "\nEvery %s Prometheus is asked for the time since the share was given:\n", c.Interval)
	for _, query := range queries {
		fmt.Fprintln(s.Out, "  "+query)
	}
	return nil
}

// stands is a state in words.
func stands(c runner.Config, s runner.State) string {
	words := fmt.Sprintf("%s has %d of %d %%", c.Canary, s.Share, s.Most)
	if !s.Since.IsZero() {
		words += " since " + s.Since.UTC().Format(time.RFC3339)
	}
	switch {
	case s.RolledBack != "":
		return words + ", and was rolled back: " + s.RolledBack + "; --again begins anew"
	case s.Share >= s.Most:
		return words + ": it has taken over"
	case s.Ready:
		return words + ", and answers"
	}
	return words + ", and does not answer: " + s.NotReady
}

// printSteps prints when each share comes: at the earliest, where each step passes as soon as it may, and at the latest, where it
// takes its longest time.
func printSteps(s Streams, c runner.Config, state runner.State, warmUp int, now time.Time) error {
	table := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "share\tearliest\tlatest\tgoes on")
	soonest := max(c.StepMin, time.Duration(warmUp+1)*c.Interval)
	earliest, latest := now, now
	row := func(share int, words string) {
		fmt.Fprintf(table, "%d %%\t%s\t%s\t%s\n", share, earliest.Format(time.DateTime), latest.Format(time.DateTime), words)
	}
	if state.Share == 0 {
		row(0, fmt.Sprintf("once %s answers; not in %s: %s", c.Canary, c.StepMax, late(c)))
		latest = latest.Add(c.StepMax)
	} else if !state.Since.IsZero() {
		earliest, latest = state.Since.UTC(), state.Since.UTC()
	}
	share := state.Share
	if share == 0 {
		share = c.After(0, state.Most)
	}
	for ; share < state.Most; share = c.After(share, state.Most) {
		row(share, fmt.Sprintf("after a pass, and %s; a failure: back to 0; neither in %s: %s", soonest, c.StepMax, late(c)))
		earliest, latest = earliest.Add(soonest), latest.Add(c.StepMax)
		if earliest.Before(now) {
			earliest = now
		}
	}
	row(state.Most, "promoted")
	return table.Flush()
}

func late(c runner.Config) string {
	if c.Hold {
		return "it stays, until there is a verdict"
	}
	return "back to 0"
}
