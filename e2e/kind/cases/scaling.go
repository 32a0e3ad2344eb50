package cases

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// Scaling is a run of its own, since Prometheus takes minutes to build: the tree's HorizontalPodAutoscaler follows vLLM's
// metric, which the tree's PodMonitor has Prometheus collect and prometheus-adapter serves by its default rules.
func Scaling() Case {
	return Case{
		Name:   "scaling",
		Before: func(ctx context.Context, e *Env) error { return e.Scaling(ctx) },
		Checks: []Check{
			{Name: "metric", Run: servesMetric},
			{Name: "follows", Run: followsLoad},
			{Name: "no metric", Run: standsStill},
		},
		After: func(ctx context.Context, e *Env) error { return e.leaveScaling(ctx) },
	}
}

// ScalingMistakes are those that the checks of Scaling must notice.
func ScalingMistakes() []Mistake {
	return []Mistake{{Name: "replicas by KServe", Make: replicasByKServe, Noticed: []string{"scaling/follows"}, Says: "replicas and"}}
}

// leaveScaling takes from the autoscalers what they scale by: they leave the replicas of the other cases alone.
func (e *Env) leaveScaling(ctx context.Context) error {
	_, err := e.Kubectl.Run(ctx, "delete", "--ignore-not-found", "apiservice", install.CustomMetricsService)
	return err
}

// servesMetric: the metric of every autoscaler is there for each pod of its revision, by the API that it asks.
func servesMetric(ctx context.Context, e *Env) error {
	all, err := e.autoscalers()
	if err != nil {
		return err
	}
	for _, a := range all {
		if err := eventually(ctx, a.Name+" to have its metric", func(ctx context.Context) error {
			return errors.Join(e.servedFor(ctx, a), e.isActive(ctx, a, corev1.ConditionTrue, "ValidMetricFound"))
		}); err != nil {
			return err
		}
	}
	e.Figure("%s is served for each pod of %d autoscalers", all[0].metric, len(all))
	return nil
}

// servedFor wants the metric for each pod.
func (e *Env) servedFor(ctx context.Context, a autoscaler) error {
	values, err := e.metricOf(ctx, a)
	if err != nil {
		return err
	}
	found, err := e.modelPods(ctx, a.service)
	if err != nil {
		return err
	}
	for _, pod := range found {
		if _, has := values[pod.Name]; !has {
			return fmt.Errorf("%s is served for %v, not for pod %s", a.metric, values, pod.Name)
		}
	}
	return nil
}

// followsLoad: more requests wait than the target allows, and a replica is added; the tree is applied with other arguments of
// the server, and none goes; less is asked, and the replica goes. No request is lost.
func followsLoad(ctx context.Context, e *Env) (err error) {
	a, err := e.loadable()
	if err != nil {
		return err
	}
	was, err := e.template(ctx, a.service)
	if err != nil {
		return err
	}
	narrow, err := e.with(a.service, release{args: []string{fmt.Sprintf("--max-num-seqs=%d", atOnce)}})
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err,
		func(ctx context.Context) error { return e.shrink(ctx, a) },
		func(ctx context.Context) error { return e.restore(ctx, a.service, was) })
	if err := narrow.applyFirst(ctx); err != nil {
		return err
	}
	if err := e.became(ctx, a.service, both(notOf(was), ready)); err != nil {
		return err
	}
	grown, err := e.under(ctx, a.lanes(), func(ctx context.Context) error {
		return e.watchReplicas(ctx, a, func(ctx context.Context) error { return e.grows(ctx, a, was) })
	})
	if err != nil {
		return err
	}
	shrunk, err := e.under(ctx, questionLanes, func(ctx context.Context) error { return e.shrink(ctx, a) })
	return errors.Join(err, nothingLost(grown), nothingLost(shrunk))
}

// under runs something under so many requests at a time, a quarter of them streams.
func (e *Env) under(ctx context.Context, lanes int, run func(context.Context) error) (load.Answers, error) {
	running := e.Client(lanes).Start(ctx, load.Plan{Lanes: lanes, StreamEvery: 4, Request: load.Request{Tokens: 25}}, longest)
	err := run(ctx)
	answers := running.Stop()
	e.Figure("%d requests at a time: %s", lanes, answers)
	return answers, err
}

// grows waits for one replica more, then applies the tree itself and waits until all of them have changed.
func (e *Env) grows(ctx context.Context, a autoscaler, template string) error {
	if err := e.waitReplicas(ctx, a, a.replicas+1); err != nil {
		return err
	}
	start := time.Now()
	if err := e.applyFirst(ctx); err != nil {
		return err
	}
	err := eventually(ctx, fmt.Sprintf("%d replicas of %s to be updated", a.replicas+1, a.service), func(ctx context.Context) error {
		found, err := e.modelPods(ctx, a.service)
		if err == nil && len(found) != a.replicas+1 {
			err = fmt.Errorf("there are %d", len(found))
		}
		return errors.Join(err, are(found, both(of(template), ready)))
	})
	if err == nil {
		e.Figure("%d replicas were updated in %.1f s", a.replicas+1, time.Since(start).Seconds())
	}
	return err
}

// applyFirst applies the tree with all requests for its first revision.
func (e *Env) applyFirst(ctx context.Context) error {
	if len(e.hosts()) < 2 {
		return e.Apply(ctx, e.Tree.Dir)
	}
	return e.step(ctx, e.none())
}

// shrink has the autoscaler take replicas away without the tree's delay, and waits until it has.
func (e *Env) shrink(ctx context.Context, a autoscaler) error {
	return errors.Join(e.applyHasty(ctx, a), e.waitReplicas(ctx, a, a.replicas))
}

// applyHasty applies the tree with an autoscaler that takes replicas away at once: the tree's waits for minutes, since a model loads
// for minutes.
func (e *Env) applyHasty(ctx context.Context, a autoscaler) error {
	hasty, err := e.customized(tree.Patch{
		Kind: "HorizontalPodAutoscaler", Name: a.Name,
		Patch: `[{"op": "add", "path": "/spec/behavior", "value": {"scaleDown": {"stabilizationWindowSeconds": 0}}}]`,
	})
	if err != nil {
		return err
	}
	return hasty.applyFirst(ctx)
}

// still is how long an autoscaler is watched that is to do nothing: it looks every 15 seconds
// (--horizontal-pod-autoscaler-sync-period of kube-controller-manager).
const still = 35 * time.Second

// standsStill: an autoscaler whose metric Prometheus may not read leaves alone a replica too many, which it takes away as soon as
// it knows that nothing waits.
func standsStill(ctx context.Context, e *Env) (err error) {
	a, err := e.loadable()
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, func(ctx context.Context) error { return e.shrink(ctx, a) }, e.mend, e.Ready)
	if err := errors.Join(e.applyHasty(ctx, a), e.blind(ctx, a)); err != nil {
		return err
	}
	if _, err := e.Kubectl.Run(ctx, "-n", a.Namespace, "scale", "deployment", a.Spec.ScaleTargetRef.Name, fmt.Sprintf("--replicas=%d", a.replicas+1)); err != nil {
		return err
	}
	if err := e.watchReplicas(ctx, a, func(ctx context.Context) error { return pause(ctx, still) }); err != nil {
		return err
	}
	e.Figure("without its metric the autoscaler leaves %d replicas for %s, and says why", a.replicas+1, still)
	if err := e.applyHasty(ctx, a); err != nil { // with the NetworkPolicy that was changed
		return err
	}
	return e.waitReplicas(ctx, a, a.replicas)
}

// blind shuts Prometheus out from the metrics, and waits until the autoscaler says that it misses its own.
func (e *Env) blind(ctx context.Context, a autoscaler) error {
	start := time.Now()
	if err := withoutMonitoring(ctx, e); err != nil {
		return err
	}
	// A NetworkPolicy lets the connections live that there are, and Prometheus keeps its own.
	if _, err := e.Kubectl.Run(ctx, "-n", e.Tree.Needs().Monitoring, "delete", "pod", "-l", "app.kubernetes.io/name=prometheus"); err != nil {
		return err
	}
	err := eventually(ctx, a.Name+" to miss its metric", func(ctx context.Context) error {
		return e.isActive(ctx, a, corev1.ConditionFalse, "FailedGetPodsMetric")
	})
	if err == nil {
		e.Figure("shut out from the metrics, the autoscaler says so after %.1f s", time.Since(start).Seconds())
	}
	return err
}

// replicasByKServe has KServe set the number of replicas, at each change that it makes, to the smallest.
func replicasByKServe(ctx context.Context, e *Env) error {
	if err := e.Scaling(ctx); err != nil {
		return err
	}
	if err := e.customize(ctx, tree.Patch{
		Kind: "InferenceService", Patch: `[{"op": "replace", "path": "/metadata/annotations/serving.kserve.io~1autoscalerClass", "value": "none"}]`,
	}); err != nil {
		return err
	}
	return e.Ready(ctx)
}
