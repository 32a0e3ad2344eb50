package cases

import (
	"context"
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"

	"github.com/kservegen/kservegen/e2e/kind/kubectl"
)

// scale is how many replicas of a revision the autoscaler wants, the Deployment has to have, and are ready.
type scale struct{ desired, deployment, ready int }

// scale asks for it now.
func (e *Env) scale(ctx context.Context, s scaler) (now scale, err error) {
	// The autoscaler first: what it wanted then the Deployment must have by now.
	h, err := kubectl.Get[autoscaling.HorizontalPodAutoscaler](ctx, e.Kubectl, "hpa", "-n", s.Namespace, s.Name)
	if err != nil {
		return now, err
	}
	d, err := kubectl.Get[appsv1.Deployment](ctx, e.Kubectl, "deployment", "-n", s.Namespace, s.Spec.ScaleTargetRef.Name)
	if err != nil {
		return now, err
	}
	return scale{int(h.Status.DesiredReplicas), int(*d.Spec.Replicas), int(d.Status.ReadyReplicas)}, nil
}

// watchReplicas runs something while it counts the replicas again and again. What runs is cut short where a Deployment has less
// than its autoscaler wants, which only sets them.
func (e *Env) watchReplicas(ctx context.Context, s scaler, run func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := e.keepReplicas(ctx, s); err != nil {
			cancel(err)
		}
	}()
	err := run(ctx)
	cancel(nil)
	<-done
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// keepReplicas returns an error as soon as the number of replicas falls, or is not what the autoscaler wants.
func (e *Env) keepReplicas(ctx context.Context, s scaler) error {
	var before scale
	for ctx.Err() == nil {
		now, err := e.scale(ctx, s)
		if ctx.Err() != nil {
			return nil
		}
		if err := errors.Join(err, kept(before, now)); err != nil {
			return err
		}
		before = now
		_ = pause(ctx, often/5)
	}
	return nil
}

// kept compares two moments. At one of them alone, what the autoscaler has just set may not have been read.
func kept(before, now scale) error {
	switch {
	case now.deployment < before.deployment:
		return violated("the Deployment had %d replicas and then %d, where the autoscaler wanted %d", before.deployment, now.deployment, now.desired)
	case now.desired > now.deployment && before.desired > before.deployment:
		return violated("the autoscaler wanted %d replicas and the Deployment had %d", now.desired, now.deployment)
	}
	return nil
}
