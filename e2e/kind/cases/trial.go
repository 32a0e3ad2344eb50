package cases

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// fault is a release that is bad.
type fault struct {
	name    string
	release release
	// edit tries it as an edit of a revision that serves first.
	edit bool
	// is wants pods as the release makes them, from before it gets its weight until that is taken away.
	is fits
	// hurts says which answers are the fault's.
	hurts hurts
}

// The phases of a trial: the load runs on without the fault, before it and after; exposure is how long the fault has
// its weight. It is over when nothing has hurt for free, and that within some seconds after the command that takes
// the weight away was given.
const (
	calm     = 4 * time.Second
	exposure = 6 * time.Second
	free     = 2 * time.Second
	within   = 15 * time.Second
)

// weight is the share of the bad revision in percent.
const weight = 10

// quick is the load of a trial: many short answers, a quarter of them streams, so that a fault's share is counted
// and its end is seen.
func quick() load.Plan {
	return load.Plan{Lanes: 16, StreamEvery: 4, Request: load.Request{Tokens: 4}}
}

// trial is a fault under load.
type trial struct {
	answers load.Answers
	// shared is when the weight was given and from when it had arrived at the entrance; back when it was taken away.
	shared, from, back time.Time
	// before and after are what the entrance had counted at the ends of the load.
	before, after counted
}

// tenth are the weights of a trial, at which the new revision is bad.
func (e *Env) tenth() tree.Shares {
	hosts := e.hosts()
	return e.shares(tree.Shares{hosts[0]: 100 - weight, hosts[len(hosts)-1]: weight})
}

// none are the weights before and after.
func (e *Env) none() tree.Shares {
	return e.shares(tree.Shares{e.hosts()[0]: 100})
}

// try brings a fault into the last revision, and its own pods back at the end.
func (e *Env) try(ctx context.Context, f fault) (t trial, err error) {
	_, next, err := e.two()
	if err != nil {
		return t, err
	}
	was, err := e.template(ctx, service(next))
	if err != nil {
		return t, err
	}
	defer e.undo(ctx, &err, func(ctx context.Context) error { return e.restore(ctx, service(next), was) })
	if f.edit && e.needsReplicas(service(next)) == nil {
		if err = e.edited(ctx, f, was); err != nil {
			return t, err
		}
	}
	return e.released(ctx, f, was)
}

// released has the fault in every pod at weight 0, exposes a tenth of a load to it, goes back by the lines of
// traffic.yaml, and says what was hurt. Errors are violations of what holds for every fault.
func (e *Env) released(ctx context.Context, f fault, was string) (t trial, err error) {
	stable, next, err := e.two()
	if err != nil {
		return t, err
	}
	f.release.fresh = true
	bad, err := e.with(service(next), f.release)
	if err != nil {
		return t, err
	}
	if err := bad.step(ctx, e.none()); err != nil {
		return t, err
	}
	if err := bad.became(ctx, service(next), both(notOf(was), f.is)); err != nil {
		return t, err
	}
	stands, err := e.standing(ctx, service(stable))
	if err != nil {
		return t, err
	}
	if err := bad.expose(ctx, &t); err != nil {
		return t, err
	}
	found, err := e.modelPods(ctx, service(next))
	return t, errors.Join(err, are(found, f.is), e.judge(f, t), e.stood(ctx, service(stable), stands))
}

// expose runs the phases under load.
func (e *Env) expose(ctx context.Context, t *trial) (err error) {
	if t.before, err = e.count(ctx); err != nil {
		return err
	}
	running := e.Client(quick().Lanes).Start(ctx, quick(), longest)
	err = e.phases(ctx, t)
	t.answers = running.Stop()
	if err != nil {
		return err
	}
	t.after, err = e.count(ctx)
	return err
}

// phases give the fault its weight and take it away again.
func (e *Env) phases(ctx context.Context, t *trial) error {
	rollback, err := e.moved(e.none())
	if err != nil {
		return err
	}
	if err := pause(ctx, calm); err != nil {
		return err
	}
	t.shared = time.Now()
	if err := e.step(ctx, e.tenth()); err != nil {
		return err
	}
	t.from = time.Now()
	if err := pause(ctx, exposure); err != nil {
		return err
	}
	t.back = time.Now()
	if err := e.applyMoved(ctx, rollback, e.none()); err != nil {
		return err
	}
	return pause(ctx, calm)
}

// counted are the entrance's counters of both revisions.
type counted struct{ stable, next counters }

func (e *Env) count(ctx context.Context) (c counted, err error) {
	stable, next, err := e.two()
	if err != nil {
		return c, err
	}
	if c.stable, err = e.counters(ctx, stable); err != nil {
		return c, err
	}
	c.next, err = e.counters(ctx, next)
	return c, err
}

// judge prints what a fault did and wants that nothing was hurt without weight, something with it but no more than
// its share explains, nothing of the first revision, and nothing any more soon after the way back.
func (e *Env) judge(f fault, t trial) error {
	before, exposed := t.answers.Between(time.Time{}, t.shared), t.answers.Between(t.from, t.back)
	hurt := f.hurts.among(exposed)
	took, over := f.hurts.ends(t.answers, t.back, free)
	e.Figure("%s, at weight %d: %d of %d requests hurt (%.2f %%; as many and more have the probability %.3f), %d of %d before; over %.1f s after `kubectl apply` of weight 0 was given",
		f.name, weight, hurt, len(exposed), 100*float64(hurt)/float64(max(len(exposed), 1)), atLeast(len(exposed), hurt, weight),
		f.hurts.among(before), len(before), took.Seconds())
	later := f.hurts.among(t.answers.Between(t.back.Add(took+1), time.Now()))
	switch failed := t.after.stable.since(t.before.stable, serverErrors); {
	case len(before) == 0 || hurt == 0:
		return violated("%s hurt %d of %d requests: nothing was measured", f.name, hurt, len(exposed))
	case f.hurts.among(before) > 0:
		return violated("%s hurt %d requests at weight 0: %v", f.name, f.hurts.among(before), t.answers.Err())
	case tooMany(len(exposed), hurt, weight):
		return violated("%s hurt %d of %d requests at weight %d: %v", f.name, hurt, len(exposed), weight, t.answers.Err())
	case failed > 0:
		return violated("%d requests failed that the first revision got: %v", failed, t.answers.Err())
	case !over || took > within || later > 0:
		return violated("%s still hurt %.1f s after the way back, and %d times later: %v", f.name, took.Seconds(), later, t.answers.Err())
	}
	return nil
}

// onlyStatus wants no other failures than with this status.
func (t trial) onlyStatus(status int) error {
	for _, answer := range t.answers.Failed() {
		if answer.Status != status {
			return violated("a request failed in another way than with status %d: %v", status, answer.Err)
		}
	}
	return nil
}

// standing are the pods of a revision, with how often their server was started again.
func (e *Env) standing(ctx context.Context, name string) (map[string]int32, error) {
	found, err := e.modelPods(ctx, name)
	if err != nil {
		return nil, err
	}
	restarts := map[string]int32{}
	for _, pod := range found {
		restarts[pod.Name] = serverStatus(pod).RestartCount
	}
	return restarts, are(found, ready)
}

// stood wants the same pods, ready and without a restart.
func (e *Env) stood(ctx context.Context, name string, before map[string]int32) error {
	after, err := e.standing(ctx, name)
	if err != nil {
		return violated("the first revision is not ready: %v", err)
	}
	if !maps.Equal(before, after) {
		return violated("the pods of the first revision were %v and are %v", before, after)
	}
	return nil
}
