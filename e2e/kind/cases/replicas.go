package cases

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"

	"github.com/kservegen/kservegen/e2e/kind/kubectl"
)

// replicas are how many of a revision its autoscaler wants, its Deployment has to have, and are ready.
type replicas struct{ desired, deployment, ready int }

// replicasOf asks for them now.
func (e *Env) replicasOf(ctx context.Context, a autoscaler) (now replicas, err error) {
	// The autoscaler first: what it wanted then the Deployment must have by now.
	h, err := kubectl.Get[autoscaling.HorizontalPodAutoscaler](ctx, e.Kubectl, "hpa", "-n", a.Namespace, a.Name)
	if err != nil {
		return now, err
	}
	d, err := kubectl.Get[appsv1.Deployment](ctx, e.Kubectl, "deployment", "-n", a.Namespace, a.Spec.ScaleTargetRef.Name)
	if err != nil {
		return now, err
	}
	return replicas{int(h.Status.DesiredReplicas), int(*d.Spec.Replicas), int(d.Status.ReadyReplicas)}, nil
}

// waitReplicas waits until a revision has so many, all ready.
func (e *Env) waitReplicas(ctx context.Context, a autoscaler, want int) error {
	start := time.Now()
	var set time.Duration
	err := eventually(ctx, fmt.Sprintf("%d replicas of %s", want, a.service), func(ctx context.Context) error {
		now, err := e.replicasOf(ctx, a)
		if err != nil {
			return err
		}
		if now.deployment == want && set == 0 {
			set = time.Since(start)
		}
		if now.deployment != want || now.ready != want {
			return fmt.Errorf("%+v", now)
		}
		return nil
	})
	if err == nil {
		e.Figure("%s is to have %d replicas after %.1f s, and has them, ready, after %.1f s", a.service, want, set.Seconds(), time.Since(start).Seconds())
	}
	return err
}

// watchReplicas runs something while it counts the replicas again and again. What runs is cut short where they fall, or where a
// Deployment has less than its autoscaler wants.
func (e *Env) watchReplicas(ctx context.Context, a autoscaler, run func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := e.keepReplicas(ctx, a); err != nil {
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

// keepReplicas returns what kept says of any two moments that follow each other, as soon as it is an error.
func (e *Env) keepReplicas(ctx context.Context, a autoscaler) error {
	var before replicas
	for ctx.Err() == nil {
		now, err := e.replicasOf(ctx, a)
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
func kept(before, now replicas) error {
	switch {
	case now.deployment < before.deployment:
		return violated("the Deployment had %d replicas and then %d, where the autoscaler wanted %d", before.deployment, now.deployment, now.desired)
	case now.desired > now.deployment && before.desired > before.deployment:
		return violated("the autoscaler wanted %d replicas and the Deployment had %d", now.desired, now.deployment)
	}
	return nil
}
