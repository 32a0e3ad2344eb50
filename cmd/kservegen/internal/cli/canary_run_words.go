package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/kservegen/kservegen/pkg/rollout/runner"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
)

// errLeft ends a run that was interrupted; the words are out already.
var errLeft = errors.New("interrupted")

// errUnreached ends a single look of which nothing came: a schedule that took it for one would be green while nobody looks.
var errUnreached = errors.New("nothing came of this look, and the share stays; the lines above say why")

// wallClock is the machine's.
type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// outliveReaders makes a pipe that nobody reads any more an error of a write, where Go ends the process (os/signal, SIGPIPE): whoever
// looks at the first lines of a run does not mean to end it. What it returns takes that back.
func outliveReaders() func() {
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	return func() { signal.Stop(broken) }
}

// advise says how the document gets what the cluster has: the next kubectl apply would bring the document's shares.
func (w *work) advise(s Streams, ended runner.Kind) {
	given := map[string]steps.Share{}
	for _, share := range steps.Shares(w.target) {
		given[share.Revision] = share
	}
	step, to := "", given[w.canary.To]
	switch {
	case ended == runner.Promoted && given[w.canary.From].Weight > 0:
		step = "promote"
	case ended == runner.RolledBack && to.Weight+to.Mirror > 0:
		step = "abort"
	default:
		return
	}
	gets := percent(to.Weight)
	if to.Mirror > 0 {
		gets += " and copies of " + percent(to.Mirror)
	}
	fmt.Fprintf(s.Err, "%s gives %s %s still, which the next kubectl apply would bring: kservegen canary %s -f %s\n", w.model.File, w.canary.To, gets, step, w.model.File)
}

// teller prints events: a line each for people, and for programs one as JSON.
type teller struct {
	s    Streams
	json bool
	// deaf is set once nobody reads the events.
	deaf bool
}

func (t *teller) Notify(_ context.Context, e runner.Event) error {
	fmt.Fprintf(t.s.Err, "%s  %3d %%  %-11s  %s\n", e.Time.UTC().Format(time.TimeOnly), e.Share, e.Kind, strings.Join(strings.Fields(e.Reason), " "))
	if !t.json || t.deaf {
		return nil
	}
	encoder := json.NewEncoder(t.s.Out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(e)
	if t.deaf = err != nil; t.deaf {
		fmt.Fprintf(t.s.Err, "nobody reads standard output any more: %v; the run goes on\n", err)
	}
	return err
}
