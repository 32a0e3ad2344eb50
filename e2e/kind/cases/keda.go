package cases

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// KEDA is a run of its own, for a tree with ScaledObjects that go to zero: they follow vLLM's metric, let the last replica go
// when nobody asks, and wake the first by what the gateway counts.
func KEDA() Case {
	return Case{
		Name:   "keda",
		Before: func(ctx context.Context, e *Env) error { return e.KEDA(ctx) },
		Checks: []Check{
			{Name: "metric", Run: readsMetric},
			{Name: "follows", Run: scaledFollows},
			{Name: "zero", Run: goesToZero},
			{Name: "wakes", Run: wakes},
			{Name: "no gateway", Run: staysUncollected},
			{Name: "no metrics", Run: holdsReplicas},
			{Name: "no metrics at zero", Run: wakesBlind},
		},
	}
}

// KEDAMistakes are those that the checks of KEDA must notice.
func KEDAMistakes() []Mistake {
	return []Mistake{
		{Name: "a metric that nobody has", Make: scaledBy(wrongMetric), Noticed: []string{"keda/metric"}, Says: "wait, and KEDA reads 0"},
		{Name: "the gateway's counts left out", Make: scaledBy(withoutActivity), Noticed: []string{"keda/wakes"}, Says: "nothing started a replica"},
	}
}

// readsMetric: each ScaledObject says that it is ready, and under load KEDA serves how many requests wait. So few wait that
// no replica is added: one that came after the check would stay for the tree's ten minutes.
func readsMetric(ctx context.Context, e *Env) (err error) {
	s, err := e.scaled()
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.settle(s), e.mend, e.Ready)
	if err := e.loadableByKEDA(ctx, s); err != nil {
		return err
	}
	_, err = e.under(ctx, s.some(), func(ctx context.Context) error {
		start := time.Now()
		for time.Since(start) < collected {
			value, err := e.externalMetric(ctx, s)
			if err == nil && value > 0 {
				e.Figure("KEDA serves %.0f requests that wait, %.1f s after the load began", value, time.Since(start).Seconds())
				return nil
			}
			if err := pause(ctx, often); err != nil {
				return err
			}
		}
		return violated("%d requests at a time are more than %s takes, so that some wait, and KEDA reads 0", s.some(), s.service)
	})
	return err
}

// collected is how long KEDA may take to serve what a server counts: two collections by Prometheus, and as much again.
const collected = time.Minute

// scaledFollows: more requests wait than the target allows, and a replica is added; less is asked, and it goes. No request is
// lost.
func scaledFollows(ctx context.Context, e *Env) (err error) {
	s, err := e.scaled()
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.settle(s), e.mend, e.Ready)
	if err := e.loadableByKEDA(ctx, s); err != nil {
		return err
	}
	grown, err := e.under(ctx, s.lanes(), func(ctx context.Context) error {
		return e.watchReplicas(ctx, s.autoscaler, func(ctx context.Context) error { return e.waitReplicas(ctx, s.autoscaler, s.replicas+1) })
	})
	if err != nil {
		return err
	}
	shrunk, err := e.under(ctx, questionLanes, func(ctx context.Context) error { return e.waitReplicas(ctx, s.autoscaler, s.replicas) })
	return errors.Join(err, nothingLost(grown), nothingLost(shrunk))
}

// goesToZero: nobody asks, and the last replica goes; the InferenceService stays ready, so that nothing that waits for it
// (Flux, Argo CD) calls the model broken.
func goesToZero(ctx context.Context, e *Env) (err error) {
	s, err := e.scaled()
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.settle(s), e.mend, e.Ready)
	if err := e.asleep(ctx, s); err != nil {
		return err
	}
	return e.readyAtZero(ctx, s)
}

// wakes: one request at zero, which is lost, starts a replica; from its first answer on no other is.
func wakes(ctx context.Context, e *Env) (err error) {
	s, err := e.scaled()
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.settle(s), e.mend, e.Ready)
	if err := e.asleep(ctx, s); err != nil {
		return err
	}
	first := e.Client(1).Chat(ctx, load.Request{Tokens: 4})
	if first.Status != http.StatusServiceUnavailable {
		return violated("a request at zero got status %d: %v", first.Status, first.Err)
	}
	if err := e.woken(ctx, s, "one request", first.At); err != nil {
		return err
	}
	lost, err := e.untilAnswered(ctx, first)
	if err != nil {
		return err
	}
	e.Figure("the first answer came %.1f s after the first request; until then %d requests, one a second, got 503", time.Since(first.At).Seconds(), lost)
	answers := e.Client(questionLanes).Run(ctx, load.Plan{Requests: 100, Lanes: questionLanes, StreamEvery: 4, Request: load.Request{Tokens: 4}})
	e.Figure("and then: %s", answers)
	return nothingLost(answers)
}

// untilAnswered asks once a second until there is an answer, and counts the requests that were lost.
func (e *Env) untilAnswered(ctx context.Context, first load.Answer) (lost int, err error) {
	lost = 1
	for time.Since(first.At) < patience {
		answer := e.Client(1).Chat(ctx, load.Request{Tokens: 4})
		switch {
		case answer.Err == nil:
			return lost, nil
		case answer.Status != http.StatusServiceUnavailable:
			return lost, violated("a request while the replica started got status %d: %v", answer.Status, answer.Err)
		}
		lost++
		if err := pause(ctx, often); err != nil {
			return lost, err
		}
	}
	return lost, violated("%d requests were lost, and none answered", lost)
}

// staysUncollected: where Prometheus does not know the gateway, a model at zero comes up, since nobody could wake it. The
// ScaledObject is told of another gateway: what Prometheus has known it answers with for five minutes more.
func staysUncollected(ctx context.Context, e *Env) (err error) {
	s, err := e.scaled()
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.settle(s), e.mend, e.Ready)
	if err := e.asleep(ctx, s); err != nil {
		return err
	}
	patches, err := e.unknownGateway()
	if err != nil {
		return err
	}
	unknown, err := e.customized(patches...)
	if err != nil {
		return err
	}
	if err := unknown.applyHastyKEDA(ctx, hastyCooldown); err != nil {
		return err
	}
	return e.woken(ctx, s, "a gateway that Prometheus does not know", time.Now())
}

// holdsReplicas: without Prometheus the ScaledObject says that it falls back, and the last replica stays beyond the time after
// which it would go.
func holdsReplicas(ctx context.Context, e *Env) (err error) {
	s, err := e.scaled()
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, func(ctx context.Context) error { return e.prometheusReplicas(ctx, 1) }, e.settle(s), e.mend, e.Ready)
	if err := e.applyHastyKEDA(ctx, hastyCooldown); err != nil {
		return err
	}
	start := time.Now()
	if err := e.prometheusReplicas(ctx, 0); err != nil {
		return err
	}
	if err := eventually(ctx, s.object+" to fall back", func(ctx context.Context) error { return e.scaledIs(ctx, s, "Fallback", corev1.ConditionTrue) }); err != nil {
		return err
	}
	e.Figure("without Prometheus the ScaledObject says so after %.1f s", time.Since(start).Seconds())
	for since := time.Now(); time.Since(since) < hastyWindow+hastyCooldown+still; {
		if n, err := e.deploymentReplicas(ctx, s); err != nil || n != s.replicas {
			return errors.Join(err, violated("%d replicas of %s became %d without Prometheus", s.replicas, s.service, n))
		}
		if err := pause(ctx, often); err != nil {
			return err
		}
	}
	e.Figure("and holds %d replica, although nobody asks, for %s", s.replicas, hastyWindow+hastyCooldown+still)
	return nil
}

// wakesBlind: what sleeps comes up without Prometheus, where nobody could wake it. It sleeps first by a Prometheus that has just
// begun anew, to which every count of the gateway is new.
func wakesBlind(ctx context.Context, e *Env) (err error) {
	s, err := e.scaled()
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, func(ctx context.Context) error { return e.prometheusReplicas(ctx, 1) }, e.settle(s), e.mend, e.Ready)
	if err := e.asleep(ctx, s); err != nil {
		return err
	}
	start := time.Now()
	if err := e.prometheusReplicas(ctx, 0); err != nil {
		return err
	}
	return e.woken(ctx, s, "the end of Prometheus", start)
}

// prometheusReplicas is 1, or 0 for none.
func (e *Env) prometheusReplicas(ctx context.Context, n int) error {
	_, err := e.Kubectl.Run(ctx, "-n", e.Tree.Needs().Monitoring, "patch", "prometheus", install.PrometheusName, "--type=merge",
		"-p", fmt.Sprintf(`{"spec": {"replicas": %d}}`, n))
	return err
}

// loadableByKEDA has the ScaledObject take replicas away at once, but for the last one, and the server take so few requests that some wait.
func (e *Env) loadableByKEDA(ctx context.Context, s scaled) error {
	was, err := e.template(ctx, s.service)
	if err != nil {
		return err
	}
	args, err := e.patchOf(s.service, release{args: []string{fmt.Sprintf("--max-num-seqs=%d", atOnce)}})
	if err != nil {
		return err
	}
	if err := e.applyHastyKEDA(ctx, longest, args); err != nil {
		return err
	}
	if err := e.became(ctx, s.service, both(notOf(was), ready)); err != nil {
		return err
	}
	return eventually(ctx, s.object+" to scale", func(ctx context.Context) error {
		return errors.Join(e.scaledIs(ctx, s, "Ready", corev1.ConditionTrue), e.isActive(ctx, s.autoscaler, corev1.ConditionTrue, "ValidMetricFound"))
	})
}

// applyHastyKEDA applies the tree with ScaledObjects that wait for seconds where the tree's wait for minutes.
func (e *Env) applyHastyKEDA(ctx context.Context, cooldown time.Duration, patches ...tree.Patch) error {
	hasty, err := e.hasty(cooldown)
	if err != nil {
		return err
	}
	own, err := e.customized(append(patches, hasty...)...)
	if err != nil {
		return err
	}
	return own.Apply(ctx, own.Tree.Dir)
}

// settle has KEDA take away what a load has added: the tree's own ScaledObject waits for ten minutes.
func (e *Env) settle(s scaled) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := e.applyHastyKEDA(ctx, hastyCooldown); err != nil {
			return err
		}
		return eventually(ctx, s.service+" to have no more than it begins with", func(ctx context.Context) error {
			n, err := e.deploymentReplicas(ctx, s)
			if err == nil && n > s.replicas {
				err = fmt.Errorf("its Deployment has %d replicas", n)
			}
			return err
		})
	}
}

// asleep asks once, and then nothing until there is no pod.
func (e *Env) asleep(ctx context.Context, s scaled) error {
	if err := errors.Join(e.applyHastyKEDA(ctx, hastyCooldown), e.FirstAnswer(ctx)); err != nil {
		return err
	}
	start := time.Now()
	var set time.Duration
	err := eventually(ctx, s.service+" to go to zero", func(ctx context.Context) error {
		n, err := e.deploymentReplicas(ctx, s)
		if err != nil || n > 0 {
			return errors.Join(err, fmt.Errorf("its Deployment has %d replicas", n))
		}
		if set == 0 {
			set = time.Since(start)
		}
		found, err := e.allPods(ctx, s.service)
		if err == nil && len(found) > 0 {
			err = fmt.Errorf("%d pods are there", len(found))
		}
		return err
	})
	if err == nil {
		e.Figure("%s is to have no replica %.1f s after its last answer, and has none after %.1f s (requests count for %s, the cooldown is %s)",
			s.service, set.Seconds(), time.Since(start).Seconds(), hastyWindow, hastyCooldown)
	}
	return err
}

// woken wants a replica to be started.
func (e *Env) woken(ctx context.Context, s scaled, by string, start time.Time) error {
	for time.Since(start) < patience {
		n, err := e.deploymentReplicas(ctx, s)
		if err != nil {
			return err
		}
		if n > 0 {
			e.Figure("%s started a replica after %.1f s", by, time.Since(start).Seconds())
			return nil
		}
		if err := pause(ctx, often/5); err != nil {
			return err
		}
	}
	return violated("nothing started a replica %.0f s after %s", time.Since(start).Seconds(), by)
}

// readyAtZero wants the InferenceService to stay ready.
func (e *Env) readyAtZero(ctx context.Context, s scaled) error {
	for range 5 {
		out, err := e.Kubectl.Run(ctx, "-n", s.Namespace, "get", "inferenceservice", s.service, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
		if err != nil {
			return err
		}
		if out != "True" {
			return violated("at zero the InferenceService's condition Ready is %q", out)
		}
		if err := pause(ctx, often); err != nil {
			return err
		}
	}
	return nil
}

func (e *Env) deploymentReplicas(ctx context.Context, s scaled) (int, error) {
	d, err := kubectl.Get[appsv1.Deployment](ctx, e.Kubectl, "deployment", "-n", s.Namespace, s.Spec.ScaleTargetRef.Name)
	if err != nil {
		return 0, err
	}
	return int(*d.Spec.Replicas), nil
}
