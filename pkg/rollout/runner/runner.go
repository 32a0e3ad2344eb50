package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
)

// Clock is the time of day, and waits.
type Clock interface {
	Now() time.Time
	// Sleep ends early, with an error, where the context does.
	Sleep(ctx context.Context, d time.Duration) error
}

// Config is how a canary is taken through its steps.
type Config struct {
	Subject
	// Plan are the shares in percent, ascending. What is over State.Most counts as that.
	Plan []int
	// Shadow is the percentage of all requests that it gets copies of before the first share, as a step of its own; 0 for no such
	// step.
	Shadow int
	// Interval is from one look to the next.
	Interval time.Duration
	// StepMin is how long a share stands at least, however soon it passes; StepMax how long without a pass, or without an answer
	// of the revision, at most. Then it is rolled back or, with Hold, stays until there is a verdict.
	StepMin, StepMax time.Duration
	Hold             bool
	// BlindMax is how long Prometheus may be silent until it is rolled back; 0 for ever.
	BlindMax time.Duration
	// Once ends the run after its first look, whatever came of it: what looks by a schedule goes on the next time.
	Once bool
}

// Check says what is wrong with a configuration.
func (c Config) Check() error {
	switch {
	case len(c.Plan) == 0:
		return errors.New("a plan without steps leads nowhere")
	case c.Shadow < 0 || c.Shadow > 100:
		return fmt.Errorf("copies are of 1 to 100 percent of the requests, got %d", c.Shadow)
	case c.Interval <= 0:
		return fmt.Errorf("the interval must be longer than nothing, got %s", c.Interval)
	case c.StepMin < 0 || c.StepMax <= c.StepMin:
		return fmt.Errorf("a step's longest time must be longer than its shortest, got %s and %s", c.StepMax, c.StepMin)
	case c.BlindMax < 0:
		return fmt.Errorf("the time without Prometheus must not be negative, got %s", c.BlindMax)
	}
	return nil
}

// Runner takes one canary through its steps.
type Runner struct {
	Config
	Place    Place
	Analyst  Analyst
	Notifier Notifier
	Clock    Clock
}

// Times that a runner takes for itself, however long its steps are.
const (
	// firstRetry and lastRetry are the shortest and the longest pause before a place that did not answer is asked again.
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
	// writing is what a Move gets to end in when the run is interrupted, and telling what the last event gets.
	writing = 30 * time.Second
	telling = 10 * time.Second
)

// Run returns how it ended: Promoted, RolledBack, Stopped or Interrupted, or with Once what happened. An error is that the place could not be read when it
// began; nothing was changed.
func (r *Runner) Run(ctx context.Context) (Kind, error) {
	if err := r.Check(); err != nil {
		return Stopped, err
	}
	began := &run{Runner: r, began: r.Clock.Now()}
	state, err := r.Place.Read(ctx)
	if err != nil {
		return began.unread(ctx, err)
	}
	began.begin(ctx, state)
	for {
		looked := r.Clock.Now()
		began.stands = state
		if ended := began.turn(ctx, state); ended.Ends() || r.Once {
			return ended, nil
		}
		if began.pause == 0 {
			began.pause = max(0, r.Interval-r.Clock.Now().Sub(looked))
		}
		var ended Kind
		if state, ended = began.next(ctx, began.stands); ended.Ends() {
			return ended, nil
		}
	}
}

// run is what one Run knows besides what the place says. All of it may be lost: waiting begins anew then, and no share differs.
type run struct {
	*Runner
	began time.Time
	// stands is what the place has, by the last Read and the Move behind it.
	stands State
	// condemned is why everything is taken back as soon as the place can be written.
	condemned string
	report    *gate.Report
	// blind is since when Prometheus is silent, zero where it isn't; lost is how long it was, of the time of the share that stands.
	blind time.Time
	lost  time.Duration
	// said is what was told of something that lasts, so that it is told once; empty after anything else.
	said string
	// pause is until the next look, 0 for the usual interval.
	pause time.Duration
	retry time.Duration
}

// unread ends a run that could not begin.
func (r *run) unread(ctx context.Context, err error) (Kind, error) {
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		return r.tell(ctx, State{}, Event{Kind: Stopped, Reason: refusal.Words}), nil
	case ctx.Err() != nil:
		return r.tell(ctx, State{}, Event{Kind: Interrupted, Reason: "before anything was read"}), nil
	}
	return Stopped, err
}

func (r *run) begin(ctx context.Context, s State) {
	if s.Share == 0 && s.Shadow == 0 && s.Since.IsZero() {
		r.tell(ctx, s, Event{Kind: Started, Reason: fmt.Sprintf("%s takes over from %s in %s", r.Canary, r.Baseline, r.plan(s))})
		return
	}
	what := "this share"
	if s.Shadow > 0 {
		what = words(s.Share, s.Shadow)
	}
	reason := "nobody recorded when it got " + what
	if !s.Since.IsZero() {
		reason = "it has " + what + " since " + s.Since.UTC().Format(time.RFC3339)
	}
	r.tell(ctx, s, Event{Kind: Resumed, Reason: reason})
}

// plan are the steps in words.
func (r *run) plan(s State) string {
	steps := []string{}
	if r.Shadow > 0 {
		steps = append(steps, words(0, r.Shadow))
	}
	for share := 0; share < s.Most; {
		share = r.after(share, s.Most)
		steps = append(steps, words(share, 0))
	}
	return strings.Join(steps, ", ")
}

// words are what a revision gets.
func words(share, shadow int) string {
	if shadow > 0 && share == 0 {
		return fmt.Sprintf("copies of %d %%", shadow)
	}
	return fmt.Sprintf("%d %%", share)
}

// After is the share that comes after one: the plan's next, and at last most.
func (c Config) After(share, most int) int { return c.after(share, most) }

func (c Config) after(share, most int) int {
	for _, step := range c.Plan {
		if step > share {
			return min(step, most)
		}
	}
	return most
}

// turn looks once, and does what follows. It returns what ended the run, or what happened last.
func (r *run) turn(ctx context.Context, s State) Kind {
	r.pause = 0
	switch {
	case s.Share >= s.Most:
		return r.tell(ctx, s, Event{Kind: Promoted, Reason: fmt.Sprintf("%s has everything that both had", r.Canary)})
	case s.RolledBack != "":
		return r.tell(ctx, s, Event{Kind: RolledBack, Reason: s.RolledBack})
	case r.condemned != "":
		return r.back(ctx, s)
	case s.Share == 0 && s.Shadow == 0:
		return r.enter(ctx, s)
	case s.Down:
		return r.condemn(ctx, s, nil, "none of its replicas answers: "+s.NotReady)
	case s.Since.IsZero() && s.Share == 0:
		return r.copy(ctx, s, s.Shadow, "the copies that it got when the run began")
	case s.Since.IsZero():
		return r.move(ctx, s, s.Share, "the share that it had when the run began")
	}
	return r.judge(ctx, s)
}

// enter gives the first share, or copies where the plan begins with them, to a revision that answers.
func (r *run) enter(ctx context.Context, s State) Kind {
	switch {
	case s.Ready && r.Shadow > 0:
		return r.copy(ctx, s, r.Shadow, "it answers")
	case s.Ready:
		return r.move(ctx, s, r.after(0, s.Most), "it answers")
	}
	if r.Clock.Now().Sub(r.began) >= r.StepMax {
		return r.overdue(ctx, s, nil, fmt.Sprintf("it did not answer in %s: %s", r.StepMax, s.NotReady))
	}
	return r.once(ctx, s, Event{Kind: Waiting, Reason: s.NotReady})
}

// judge asks the analyst about a share that stands.
func (r *run) judge(ctx context.Context, s State) Kind {
	now := r.Clock.Now()
	report, err := r.Analyst.Analyze(ctx, s.Since, now, s.Share == 0)
	if ctx.Err() != nil {
		return Looked // next says that it was interrupted
	}
	if err != nil {
		return r.unseen(ctx, s, now, err)
	}
	r.seen(now)
	age, reasons := now.Sub(s.Since), strings.Join(report.Reasons, "; ")
	switch {
	case report.Verdict == gate.Fail:
		return r.condemn(ctx, s, &report, reasons)
	case report.Verdict == gate.Pass && age >= r.StepMin && s.Ready:
		return r.move(ctx, s, r.after(s.Share, s.Most), reasons, &report)
	case age-r.lost >= r.StepMax:
		if report.Verdict == gate.Pass {
			reasons = "it passes and does not answer as it should: " + s.NotReady
		}
		return r.overdue(ctx, s, &report, fmt.Sprintf("no way on in %s: %s", r.StepMax, reasons))
	case report.Verdict == gate.Pass && age >= r.StepMin:
		return r.once(ctx, s, Event{Kind: Waiting, Reason: "it passes and does not answer as it should: " + s.NotReady, Report: &report})
	}
	return r.tell(ctx, s, Event{Kind: Looked, Reason: string(report.Verdict) + ": " + reasons, Report: &report})
}

// unseen is a look without an answer of Prometheus.
func (r *run) unseen(ctx context.Context, s State, now time.Time, err error) Kind {
	if r.blind.IsZero() {
		r.blind = now
	}
	if silent := now.Sub(r.blind); r.BlindMax > 0 && silent >= r.BlindMax {
		return r.condemn(ctx, s, nil, fmt.Sprintf("nobody knows how it does for %s: %v", silent, err))
	}
	return r.once(ctx, s, Event{Kind: Blind, Reason: err.Error()})
}

// seen ends the time without an answer of Prometheus, which does not count for the step's longest.
func (r *run) seen(now time.Time) {
	if !r.blind.IsZero() {
		r.lost += now.Sub(r.blind)
		r.blind = time.Time{}
	}
}

// overdue is the end of a step's longest time.
func (r *run) overdue(ctx context.Context, s State, report *gate.Report, why string) Kind {
	if r.Hold {
		return r.once(ctx, s, Event{Kind: Held, Reason: why, Report: report})
	}
	return r.condemn(ctx, s, report, why)
}

// condemn takes everything back, now or as soon as the place can be written.
func (r *run) condemn(ctx context.Context, s State, report *gate.Report, why string) Kind {
	r.condemned, r.report = strings.TrimSuffix(why, ": "), report
	return r.back(ctx, s)
}

func (r *run) back(ctx context.Context, s State) Kind {
	return r.move(ctx, s, 0, r.condemned, r.report)
}

// move gives a share, and says so. What was begun is ended although the run is interrupted.
func (r *run) move(ctx context.Context, s State, share int, why string, report ...*gate.Report) Kind {
	e := Event{Kind: Moved, Share: share, Reason: why}
	if len(report) > 0 {
		e.Report = report[0]
	}
	switch share {
	case 0:
		e.Kind = RolledBack
	case s.Most:
		e.Kind = Promoted
	}
	return r.write(ctx, s, e, func(ctx context.Context) error { return r.Place.Move(ctx, s, share, why) })
}

// copy gives copies of requests, as move gives a share.
func (r *run) copy(ctx context.Context, s State, percent int, why string) Kind {
	e := Event{Kind: Moved, Shadow: percent, Reason: words(0, percent) + ": " + why}
	return r.write(ctx, s, e, func(ctx context.Context) error { return r.Place.Copy(ctx, s, percent, why) })
}

func (r *run) write(ctx context.Context, s State, e Event, how func(context.Context) error) Kind {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), writing)
	defer cancel()
	if err := how(bounded); err != nil {
		return r.unmoved(ctx, s, words(e.Share, e.Shadow), err)
	}
	r.retry, r.lost = 0, 0
	e.Before, e.ShadowBefore = s.Share, s.Shadow
	now := r.Clock.Now()
	e.Since = &now
	r.stands.Share, r.stands.Shadow, r.stands.Since = e.Share, e.Shadow, now
	return r.emit(ctx, e)
}

// unmoved is a Move that did not end well. The place says at the next look whether it was written.
func (r *run) unmoved(ctx context.Context, s State, what string, err error) Kind {
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		return r.tell(ctx, s, Event{Kind: Stopped, Reason: refusal.Words})
	case errors.Is(err, ErrMoved):
		r.pause = firstRetry
		return Looked
	}
	if errors.Is(err, ErrPending) {
		return r.once(ctx, s, Event{Kind: Waiting, Reason: err.Error()})
	}
	r.backOff()
	return r.once(ctx, s, Event{Kind: Cut, Reason: fmt.Sprintf("%s is to get %s, and that cannot be written: %v", r.Canary, what, err)})
}

func (r *run) backOff() {
	r.retry = min(max(2*r.retry, firstRetry), lastRetry, r.Interval)
	r.pause = r.retry
}

// next waits, and reads the place until it answers.
func (r *run) next(ctx context.Context, last State) (State, Kind) {
	for away := false; ; away = true {
		if err := r.Clock.Sleep(ctx, r.pause); err != nil || ctx.Err() != nil {
			return last, r.tell(ctx, last, Event{Kind: Interrupted, Reason: "the share stays; the next run goes on from it"})
		}
		state, err := r.Place.Read(ctx)
		var refusal *Refusal
		switch {
		case err == nil && away: // what is read and cannot be written is the same trouble still
			r.retry, r.said = 0, ""
			return state, Looked
		case err == nil:
			return state, Looked
		case errors.As(err, &refusal):
			return last, r.tell(ctx, last, Event{Kind: Stopped, Reason: refusal.Words})
		}
		r.backOff()
		if ctx.Err() == nil {
			r.once(ctx, last, Event{Kind: Cut, Reason: err.Error()})
		}
	}
}

// once tells what lasts when it begins.
func (r *run) once(ctx context.Context, s State, e Event) Kind {
	said := fmt.Sprint(e.Kind, s.Share, s.Shadow)
	if e.Kind == Waiting { // what it waits for may change
		said += e.Reason
	}
	if r.said != said {
		r.tell(ctx, s, e)
		r.said = said
	}
	return e.Kind
}

// tell is about a share that stays.
func (r *run) tell(ctx context.Context, s State, e Event) Kind {
	e.Before, e.Share = s.Share, s.Share
	e.ShadowBefore, e.Shadow = s.Shadow, s.Shadow
	if !s.Since.IsZero() {
		e.Since = &s.Since
	}
	return r.emit(ctx, e)
}

// emit hands an event over. What becomes of it changes nothing.
func (r *run) emit(ctx context.Context, e Event) Kind {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), telling)
	defer cancel()
	e.Time, e.Subject, e.Phase, r.said = r.Clock.Now(), r.Subject, phaseOf(e.Share, e.Shadow), ""
	_ = r.Notifier.Notify(bounded, e)
	return e.Kind
}
