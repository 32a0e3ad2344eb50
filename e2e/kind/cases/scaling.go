package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"time"

	autoscaling "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// Scaling is a run of its own, since Prometheus takes minutes to build: the tree's HorizontalPodAutoscaler follows vLLM's
// metric, which the tree's PodMonitor has Prometheus collect and prometheus-adapter serves by its default rules.
func Scaling() Case {
	return Case{Name: "scaling", Checks: []Check{
		{Name: "metric", Run: servesMetric},
		{Name: "follows", Run: followsLoad},
		{Name: "no metric", Run: standsStill},
	}}
}

// ScalingMistakes are those that the checks of Scaling must notice.
func ScalingMistakes() []Mistake {
	return []Mistake{{Name: "replicas by KServe", Make: replicasByKServe, Noticed: []string{"scaling/follows"}}}
}

// servesMetric: the metric of every autoscaler is there for each pod of its revision, by the API that it asks.
func servesMetric(ctx context.Context, e *Env) error {
	scalers, err := e.scalers(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	for _, s := range scalers {
		if err := eventually(ctx, s.Name+" to have its metric", func(ctx context.Context) error {
			values, err := e.metric(ctx, s)
			if err != nil {
				return err
			}
			found, err := e.modelPods(ctx, s.service)
			if err != nil {
				return err
			}
			for _, pod := range found {
				if _, has := values[pod.Name]; !has {
					return fmt.Errorf("%s is served for %v, not for pod %s", s.metric, values, pod.Name)
				}
			}
			return e.active(ctx, s, true)
		}); err != nil {
			return err
		}
	}
	e.Figure("%s is served for each pod of %d autoscalers, %.1f s after Prometheus was there", scalers[0].metric, len(scalers), time.Since(start).Seconds())
	return nil
}

// standsStill: an autoscaler whose metric Prometheus may not read says that it knows nothing, and leaves the replicas as they are.
func standsStill(ctx context.Context, e *Env) (err error) {
	scalers, err := e.scalers(ctx)
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.mend, func(ctx context.Context) error { return servesMetric(ctx, e.quiet()) })
	if err := withoutMonitoring(ctx, e); err != nil {
		return err
	}
	start := time.Now()
	for _, s := range scalers {
		if err := eventually(ctx, s.Name+" to miss its metric", func(ctx context.Context) error { return e.active(ctx, s, false) }); err != nil {
			return err
		}
	}
	e.Figure("shut out from the metrics, the autoscalers say so after %.1f s", time.Since(start).Seconds())
	return e.Ready(ctx)
}

// followsLoad: more waits than the target, and a replica is added; the tree is applied with other arguments of the server, and
// none goes; the load ends, and the replica does. No request is lost.
func followsLoad(ctx context.Context, e *Env) (err error) {
	s, err := e.loadedScaler(ctx)
	if err != nil {
		return err
	}
	was, err := e.template(ctx, s.service)
	if err != nil {
		return err
	}
	narrow, err := e.with(s.service, release{args: []string{fmt.Sprintf("--max-num-seqs=%d", atOnce)}})
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err,
		func(ctx context.Context) error { return e.shrunk(ctx, s) }, // what the load has brought goes without it
		func(ctx context.Context) error { return e.restore(ctx, s.service, was) })
	if err := narrow.applyFirst(ctx); err != nil {
		return err
	}
	if err := e.became(ctx, s.service, both(notOf(was), ready)); err != nil {
		return err
	}
	return e.watchReplicas(ctx, s, func(ctx context.Context) error {
		answers, err := e.saturated(ctx, s, func(ctx context.Context) error {
			if err := e.scaled(ctx, s, s.replicas+1); err != nil {
				return err
			}
			return e.updated(ctx, s, was)
		})
		return errors.Join(err, nothingLost(answers))
	})
}

// atOnce is how many requests a server takes while its autoscaler is loaded: so few that some wait.
const atOnce = 4

// saturated runs something under a load that the replicas which there are always leave so much of waiting that one is
// missing.
func (e *Env) saturated(ctx context.Context, s scaler, run func(context.Context) error) (load.Answers, error) {
	plan := load.Plan{Lanes: s.lanes(), StreamEvery: 4, Request: load.Request{Tokens: 25}}
	running := e.Client(plan.Lanes).Start(ctx, plan, longest)
	err := run(ctx)
	answers := running.Stop()
	e.Figure("%d requests at a time, where %d replicas take %d: %s", plan.Lanes, s.replicas, s.replicas*atOnce, answers)
	return answers, err
}

// lanes is how many requests at a time make the autoscaler want one replica more, and not two: replicas times metric by
// target, rounded up (the HorizontalPodAutoscaler's algorithm, https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/).
func (s scaler) lanes() int {
	waiting := (float64(s.replicas) + 0.7) * s.target
	return s.replicas*atOnce + int(math.Ceil(waiting))
}

// scaled waits until a revision has so many replicas, all ready.
func (e *Env) scaled(ctx context.Context, s scaler, want int) error {
	start := time.Now()
	wanted := time.Duration(0)
	err := eventually(ctx, fmt.Sprintf("%d replicas of %s", want, s.service), func(ctx context.Context) error {
		now, err := e.scale(ctx, s)
		if err != nil {
			return err
		}
		if now.deployment == want && wanted == 0 {
			wanted = time.Since(start)
		}
		if now.deployment != want || now.ready != want {
			return fmt.Errorf("%+v", now)
		}
		return nil
	})
	if err == nil {
		e.Figure("%s is to have %d replicas after %.1f s, and has them, ready, after %.1f s", s.service, want, wanted.Seconds(), time.Since(start).Seconds())
	}
	return err
}

// updated applies the tree while there are more replicas than it begins with, and wants all of them to have changed.
func (e *Env) updated(ctx context.Context, s scaler, template string) error {
	start := time.Now()
	if err := e.applyFirst(ctx); err != nil {
		return err
	}
	err := eventually(ctx, fmt.Sprintf("%d replicas of %s to be updated", s.replicas+1, s.service), func(ctx context.Context) error {
		found, err := e.modelPods(ctx, s.service)
		if err == nil && len(found) != s.replicas+1 {
			err = fmt.Errorf("there are %d", len(found))
		}
		return errors.Join(err, are(found, both(of(template), ready)))
	})
	if err == nil {
		e.Figure("%d replicas were updated in %.1f s", s.replicas+1, time.Since(start).Seconds())
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

// shrunk has the autoscaler take replicas away without the tree's delay, which is of minutes since a model loads for minutes,
// and waits until there are as many as before.
func (e *Env) shrunk(ctx context.Context, s scaler) error {
	quick, err := e.customized(tree.Patch{
		Kind: "HorizontalPodAutoscaler", Name: s.Name,
		Patch: `[{"op": "add", "path": "/spec/behavior", "value": {"scaleDown": {"stabilizationWindowSeconds": 0}}}]`,
	})
	if err != nil {
		return err
	}
	return errors.Join(quick.applyFirst(ctx), e.scaled(ctx, s, s.replicas))
}

// replicasByKServe has KServe set the number of replicas, at each change that it makes, to the smallest.
func replicasByKServe(ctx context.Context, e *Env) error {
	if err := e.customize(ctx, tree.Patch{
		Kind: "InferenceService", Patch: `[{"op": "replace", "path": "/metadata/annotations/serving.kserve.io~1autoscalerClass", "value": "none"}]`,
	}); err != nil {
		return err
	}
	return e.Ready(ctx)
}

// scaler is an autoscaler of the tree.
type scaler struct {
	autoscaling.HorizontalPodAutoscaler
	// service is the revision that it scales, replicas how many it has without load.
	service  string
	replicas int
	// metric is averaged over pods, and target what it may be.
	metric string
	target float64
}

// scalers are those of the tree, with what they ask in the cluster.
func (e *Env) scalers(ctx context.Context) ([]scaler, error) {
	var found []scaler
	for _, h := range e.Tree.Autoscalers {
		for _, service := range e.Tree.Services {
			if h.Spec.ScaleTargetRef.Name != tree.Deployment(service) {
				continue
			}
			for _, m := range h.Spec.Metrics {
				if m.Pods != nil && m.Pods.Target.AverageValue != nil {
					found = append(found, scaler{h, service.Name, tree.Replicas(service), m.Pods.Metric.Name, m.Pods.Target.AverageValue.AsApproximateFloat64()})
				}
			}
		}
	}
	if len(found) == 0 {
		return nil, lacks("no HorizontalPodAutoscaler by a metric of the pods")
	}
	return found, e.Scaling(ctx)
}

// waiting is vLLM's number of requests that it has not begun with: the metric that the load of this case moves.
const waiting = "vllm:num_requests_waiting"

// loadedScaler is that of the first revision.
func (e *Env) loadedScaler(ctx context.Context) (scaler, error) {
	scalers, err := e.scalers(ctx)
	if err != nil {
		return scaler{}, err
	}
	i := slices.IndexFunc(scalers, func(s scaler) bool { return s.service == service(e.hosts()[0]) && s.metric == waiting })
	if i < 0 {
		return scaler{}, lacks("no HorizontalPodAutoscaler of its first revision by %s", waiting)
	}
	return scalers[i], nil
}

// metric is what the API of custom metrics says of a revision's pods.
func (e *Env) metric(ctx context.Context, s scaler) (map[string]string, error) {
	path := fmt.Sprintf("/apis/%s/namespaces/%s/pods/*/%s?labelSelector=%s", install.CustomMetrics, s.Namespace, s.metric,
		url.QueryEscape("serving.kserve.io/inferenceservice="+s.service))
	out, err := e.Kubectl.Run(ctx, "get", "--raw", path)
	if err != nil {
		return nil, err
	}
	var list struct {
		Items []struct {
			DescribedObject corev1.ObjectReference
			Value           string
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, item := range list.Items {
		values[item.DescribedObject.Name] = item.Value
	}
	return values, nil
}

// active wants an autoscaler to say that it can scale, or that it can't.
func (e *Env) active(ctx context.Context, s scaler, want bool) error {
	now, err := kubectl.Get[autoscaling.HorizontalPodAutoscaler](ctx, e.Kubectl, "hpa", "-n", s.Namespace, s.Name)
	if err != nil {
		return err
	}
	for _, condition := range now.Status.Conditions {
		if condition.Type == autoscaling.ScalingActive && (condition.Status == corev1.ConditionTrue) == want {
			return nil
		}
	}
	return fmt.Errorf("its conditions are %+v", now.Status.Conditions)
}
