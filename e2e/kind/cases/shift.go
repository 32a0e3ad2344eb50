package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// shift: no request is lost while weights move, and while pods go.
func shift() Case {
	return Case{Name: "shift", Checks: []Check{
		{Name: "weights", Run: shiftsWeights},
		{Name: "rolling restart", Run: restarts},
		{Name: "drain", Run: drains},
		{Name: "remove", Run: removes},
		{Name: "killed pod", Run: kills},
		{Name: "crashed server", Run: crashes},
	}}
}

// dwell is how long each step of a shift lasts: longer than a stream.
const dwell = 6 * time.Second

// steady is the load of the case. Half of it are streams of some 20 seconds (1,000 tokens at the simulator's 50 a
// second): longer than a pod sleeps before it is told to end, so that its grace period counts.
func steady() load.Plan {
	return load.Plan{Lanes: lanes, StreamEvery: 2, Request: load.Request{Tokens: 100}, StreamTokens: 1000}
}

// lanes is how many requests run at a time.
const lanes = 24

// longest bounds a load whose stopping went wrong.
const longest = 10 * time.Minute

// underLoad runs something while clients ask, and fails where one of them notices.
func (e *Env) underLoad(ctx context.Context, what string, run func(context.Context) error) (load.Answers, error) {
	running := e.Client(lanes).Start(ctx, steady(), longest)
	err := pause(ctx, dwell)
	if err == nil {
		err = run(ctx)
	}
	if err == nil {
		err = pause(ctx, dwell)
	}
	answers := running.Stop()
	e.Figure("%s: %s", what, answers)
	return answers, err
}

// nothingLost fails where a client did not get what it asked for.
func nothingLost(answers load.Answers) error {
	if err := answers.Err(); err != nil {
		return violated("%v", err)
	}
	return nil
}

// gone waits until none of these pods is there any more: until then a stream may still be cut.
func (e *Env) gone(ctx context.Context, pods []corev1.Pod) error {
	for _, pod := range pods {
		if _, err := e.Kubectl.Run(ctx, "-n", pod.Namespace, "wait", "--for=delete", "pod/"+pod.Name, "--timeout=3m"); err != nil {
			return err
		}
	}
	return nil
}

// pause lets the load run on. It is what is measured, not a wait for something.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// shiftsWeights goes from 100 over 90 and 50 to 0 percent and back, each step as the lines of traffic.yaml.
func shiftsWeights(ctx context.Context, e *Env) (err error) {
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.mend(ctx)) }()
	if err = e.step(ctx, tree.Shares{stable: 100, next: 0}); err != nil {
		return err
	}
	var from, until time.Time
	answers, err := e.underLoad(ctx, "100-90-50-0-100", func(ctx context.Context) error {
		for _, share := range []int{90, 50, 0} {
			if err := e.step(ctx, tree.Shares{stable: share, next: 100 - share}); err != nil {
				return err
			}
			from = time.Now()
			if err := pause(ctx, dwell); err != nil {
				return err
			}
		}
		until = time.Now()
		return e.step(ctx, tree.Shares{stable: 100, next: 0})
	})
	if err != nil {
		return err
	}
	if len(answers.By(pods(next))) == 0 {
		return violated("no request reached %s", next)
	}
	between := answers.Between(from, until)
	e.Figure("at 0 percent: %d of %d requests begun in that time reached the first revision", len(between.By(pods(stable))), len(between))
	if got := len(between.By(pods(stable))); got > 0 || len(between) == 0 {
		return violated("%d of %d requests reached %s at 0 percent", got, len(between), stable)
	}
	return nothingLost(answers)
}

// halves lets both revisions serve, so that either's pods may go.
func (e *Env) halves(ctx context.Context) (stable, next string, err error) {
	stable, next, err = e.two()
	if err != nil {
		return "", "", err
	}
	return stable, next, e.step(ctx, tree.Shares{stable: 50, next: 50})
}

// deployment is the name of the Deployment behind a host, service that of the InferenceService.
func deployment(host string) string { return strings.TrimSuffix(pods(host), "-") }

func service(host string) string { return strings.TrimSuffix(deployment(host), "-predictor") }

// needsReplicas wants another pod to serve while one is gone.
func (e *Env) needsReplicas(name string) error {
	for _, s := range e.Tree.Services {
		if s.Name == name && (s.Spec.Predictor.MinReplicas == nil || *s.Spec.Predictor.MinReplicas < 2) {
			return lacks("one replica of %s: nothing serves while it is gone", name)
		}
	}
	return nil
}

// restarts replaces the pods of the first revision one after the other. Not by `kubectl rollout restart`: KServe 0.20
// compares the Deployment's template with its own and takes the annotation away again (deployment_reconciler.go in
// pkg/controller/v1beta1/inferenceservice/reconcilers/deployment), which rolls back what had begun.
func restarts(ctx context.Context, e *Env) (err error) {
	defer func() { err = errors.Join(err, e.mend(ctx)) }()
	stable, _, err := e.halves(ctx)
	if err != nil {
		return err
	}
	if err := e.needsReplicas(service(stable)); err != nil {
		return err
	}
	before, err := e.modelPods(ctx, service(stable))
	if err != nil {
		return err
	}
	answers, err := e.underLoad(ctx, "restart of "+deployment(stable)+", pod by pod", func(ctx context.Context) error {
		for _, pod := range before {
			if _, err := e.Kubectl.Run(ctx, "-n", pod.Namespace, "delete", "pod", pod.Name, "--timeout=3m"); err != nil {
				return err
			}
			if err := e.Ready(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, nothingLost(answers))
}

// withoutGrace takes from the pods of the first revision the time in which streams may end.
func withoutGrace(ctx context.Context, e *Env) error {
	if err := e.customize(ctx, "InferenceService", `[{"op": "replace", "path": "/spec/predictor/terminationGracePeriodSeconds", "value": 1}]`); err != nil {
		return err
	}
	return e.Ready(ctx)
}

// victim is a pod of the last revision, while both serve.
func (e *Env) victim(ctx context.Context) (corev1.Pod, error) {
	_, next, err := e.halves(ctx)
	if err != nil {
		return corev1.Pod{}, err
	}
	if err := e.needsReplicas(service(next)); err != nil {
		return corev1.Pod{}, err
	}
	found, err := e.modelPods(ctx, service(next))
	if err != nil {
		return corev1.Pod{}, err
	}
	return found[0], nil
}

// kills deletes a pod without grace. What is lost may not be more than what that pod was busy with.
func kills(ctx context.Context, e *Env) (err error) {
	defer func() { err = errors.Join(err, e.Ready(ctx), e.mend(ctx)) }()
	pod, err := e.victim(ctx)
	if err != nil {
		return err
	}
	var d death
	answers, err := e.underLoad(ctx, "a pod deleted without grace", func(ctx context.Context) error {
		d.from = time.Now()
		_, err := e.Kubectl.Run(ctx, "-n", pod.Namespace, "delete", "pod", pod.Name, "--grace-period=0", "--force")
		d.until = time.Now()
		return err
	})
	if err != nil {
		return err
	}
	return e.withinFlight(answers, pod.Name, d)
}

// unnoticed is how long the mesh may go on asking a pod whose server crashed: the kubelet must see it, the API
// server tell, istiod push.
const unnoticed = 5 * time.Second

// crashes ends the server of a pod by SIGKILL. Besides what it was busy with, requests are lost that come before
// the mesh has noticed: the pod's own sidecar answers them with 503, which the trees do not retry, since a prompt
// that makes a server crash would make the next one crash as well.
func crashes(ctx context.Context, e *Env) (err error) {
	defer func() { err = errors.Join(err, e.Ready(ctx), e.mend(ctx)) }()
	pod, err := e.victim(ctx)
	if err != nil {
		return err
	}
	var d death
	answers, err := e.underLoad(ctx, "a server ended by SIGKILL", func(ctx context.Context) error {
		id := containerID(pod.Status.ContainerStatuses[slices.IndexFunc(pod.Status.ContainerStatuses, isServer)].ContainerID)
		out, err := e.OnNode(ctx, pod.Spec.NodeName, "crictl", "inspect", "--output=go-template", "--template={{.info.pid}}", id)
		if err != nil {
			return err
		}
		d.from = time.Now()
		_, err = e.OnNode(ctx, pod.Spec.NodeName, "kill", "-9", strings.TrimSpace(out))
		d.until = time.Now()
		if err != nil {
			return err
		}
		return e.restarted(ctx, pod)
	})
	if err != nil {
		return err
	}
	d.unnoticed = unnoticed
	return e.withinFlight(answers, pod.Name, d)
}

// restarted waits until the kubelet has seen the server die.
func (e *Env) restarted(ctx context.Context, pod corev1.Pod) error {
	before := pod.Status.ContainerStatuses[slices.IndexFunc(pod.Status.ContainerStatuses, isServer)].RestartCount
	return eventually(ctx, "pod "+pod.Name+" to start its server again", func(ctx context.Context) error {
		now, err := kubectl.Get[corev1.Pod](ctx, e.Kubectl, "pod", "-n", pod.Namespace, pod.Name)
		if err != nil {
			return err
		}
		for _, status := range now.Status.ContainerStatuses {
			if isServer(status) && status.RestartCount > before {
				return nil
			}
		}
		return fmt.Errorf("it was started %d times", before)
	})
}
