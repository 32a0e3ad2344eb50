package cases

import (
	"context"
	"errors"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// replace: the same change once as an edit of the revision that serves and once as a new revision, under the same
// load. Neither may lose a request; what they take of time and devices is printed.
func replace() Case {
	return Case{Name: "replace", Checks: []Check{
		{Name: "in place", Run: editsInPlace},
		{Name: "new revision", Run: addsRevision},
	}}
}

// switchover is the way to a new version and back.
type switchover struct {
	// begun is when the change was applied, back when it was taken back.
	begun, back time.Time
	// fresh says which pods have the new version.
	fresh func(pod string) bool
}

// times are how long after the change the new version first answered and the old one was last asked, and how long
// after it was taken back the new version was last asked; false where one of them never answered.
func (s switchover) times(answers load.Answers) (first, alone, home time.Duration, ok bool) {
	var old, fresh bool
	for _, answer := range answers.Between(s.begun, s.back) {
		switch {
		case answer.Pod == "":
		case s.fresh(answer.Pod):
			if came := answer.At.Add(answer.Took).Sub(s.begun); !fresh || came < first {
				first = came
			}
			fresh = true
		default:
			old = true
			alone = max(alone, answer.At.Sub(s.begun))
		}
	}
	for _, answer := range answers.Between(s.back, s.back.Add(longest)) {
		if s.fresh(answer.Pod) {
			home = max(home, answer.At.Sub(s.back))
		}
	}
	return first, alone, home, old && fresh
}

// report prints a switchover and wants that nothing was lost.
func (e *Env) report(what string, s switchover, answers load.Answers, devices held) error {
	first, alone, home, ok := s.times(answers)
	e.Figure("%s: the new version answers after %.1f s and alone after %.1f s, back after %.1f s; %d devices at the peak and %d before; %d of %d requests lost",
		what, first.Seconds(), alone.Seconds(), home.Seconds(), devices.peak, devices.before, len(answers.Failed()), len(answers))
	if err := nothingLost(answers); err != nil {
		return err
	}
	if !ok {
		return violated("%s: not both versions answered: nothing was measured", what)
	}
	return nil
}

// batch is the change: a smaller batch, which nothing needs to be loaded for.
func batch() release { return release{args: []string{"--max-num-seqs=64"}} }

// editsInPlace changes the first revision while it serves, pod by pod, and back.
func editsInPlace(ctx context.Context, e *Env) (err error) {
	stable, _, err := e.two()
	if err != nil {
		return err
	}
	if err := e.needsReplicas(service(stable)); err != nil {
		return err
	}
	was, err := e.template(ctx, service(stable))
	if err != nil {
		return err
	}
	edited, err := e.with(service(stable), batch())
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, func(ctx context.Context) error { return e.restore(ctx, service(stable), was) })
	if err := e.step(ctx, e.none()); err != nil {
		return err
	}
	sampled := e.sampleDevices(ctx, nil, service(stable))
	var s switchover
	answers, err := e.underLoad(ctx, "a revision edited in place and back", func(ctx context.Context) error {
		return e.edits(ctx, edited, service(stable), was, &s)
	})
	devices, failed := sampled()
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	return e.report("in place", s, answers, devices)
}

// edits applies the edited tree and the tree, each until all pods of the revision are its own.
func (e *Env) edits(ctx context.Context, edited *Env, name, was string, s *switchover) error {
	there, err := edited.moved(e.none())
	if err != nil {
		return err
	}
	home, err := e.moved(e.none())
	if err != nil {
		return err
	}
	s.begun = time.Now()
	if err := e.applyMoved(ctx, there, e.none()); err != nil {
		return err
	}
	if err := e.became(ctx, name, both(notOf(was), ready)); err != nil {
		return err
	}
	found, err := e.modelPods(ctx, name)
	if err != nil {
		return err
	}
	s.fresh = func(pod string) bool {
		return slices.ContainsFunc(found, func(one corev1.Pod) bool { return one.Name == pod })
	}
	if err := pause(ctx, dwell); err != nil {
		return err
	}
	s.back = time.Now()
	if err := e.applyMoved(ctx, home, e.none()); err != nil {
		return err
	}
	return e.became(ctx, name, both(of(was), ready))
}

// addsRevision begins without the last revision, adds it at weight 0, gives it everything when it is ready, and goes
// back.
func addsRevision(ctx context.Context, e *Env) (err error) {
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, func(ctx context.Context) error { return e.Apply(ctx, e.Tree.Dir) }, e.Ready, e.mend)
	if err := e.step(ctx, e.none()); err != nil {
		return err
	}
	ending, err := e.remove(ctx, service(next))
	if err != nil {
		return err
	}
	sampled := e.sampleDevices(ctx, ending, service(stable), service(next))
	s := switchover{fresh: func(pod string) bool { return len(load.Answers{{Pod: pod}}.By(pods(next))) > 0 }}
	answers, err := e.underLoad(ctx, "a revision added and back", func(ctx context.Context) error {
		return e.adds(ctx, next, &s)
	})
	devices, failed := sampled()
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	return e.report("new revision", s, answers, devices)
}

// adds applies the tree with the last revision at 0, at 100 as soon as it is ready, and at 0 again.
func (e *Env) adds(ctx context.Context, next string, s *switchover) error {
	home, err := e.moved(e.none())
	if err != nil {
		return err
	}
	all := e.shares(tree.Shares{next: 100})
	there, err := e.moved(all)
	if err != nil {
		return err
	}
	s.begun = time.Now()
	if err := e.applyMoved(ctx, home, e.none()); err != nil {
		return err
	}
	if err := errors.Join(e.became(ctx, service(next), ready), e.reachable(ctx, next, e.replicas(service(next)))); err != nil {
		return err
	}
	e.Figure("the new revision is ready and known to the entrance after %.1f s", time.Since(s.begun).Seconds())
	if err := e.applyMoved(ctx, there, all); err != nil {
		return err
	}
	if err := pause(ctx, dwell); err != nil {
		return err
	}
	s.back = time.Now()
	return e.applyMoved(ctx, home, e.none())
}

// remove deletes a revision's InferenceService, and returns its pods, which are ending.
func (e *Env) remove(ctx context.Context, name string) ([]corev1.Pod, error) {
	before, err := e.modelPods(ctx, name)
	if err != nil {
		return nil, err
	}
	if _, err := e.Kubectl.Run(ctx, "-n", e.Tree.Namespace(), "delete", "inferenceservice", name, "--timeout=2m"); err != nil {
		return nil, err
	}
	return before, e.gone(ctx, before)
}
