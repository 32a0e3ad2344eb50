package cases

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"

	kserve "github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	autoscaling "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// autoscaler is a HorizontalPodAutoscaler of the tree.
type autoscaler struct {
	autoscaling.HorizontalPodAutoscaler
	// service is the revision that it scales, replicas how many it has without load.
	service  string
	replicas int
	// metric is averaged over pods, and target what it may be.
	metric string
	target float64
}

// autoscalers are those of the tree that go by one metric of the pods: what others go by is not served here.
func (e *Env) autoscalers() ([]autoscaler, error) {
	var found []autoscaler
	for _, h := range e.Tree.Autoscalers {
		i := slices.IndexFunc(e.Tree.Services, func(service kserve.InferenceService) bool {
			return tree.Deployment(service) == h.Spec.ScaleTargetRef.Name
		})
		if i < 0 || len(h.Spec.Metrics) != 1 {
			continue
		}
		if pods := h.Spec.Metrics[0].Pods; pods != nil && pods.Target.AverageValue != nil {
			service := e.Tree.Services[i]
			found = append(found, autoscaler{
				h, service.Name, tree.Replicas(service), pods.Metric.Name, pods.Target.AverageValue.AsApproximateFloat64(),
			})
		}
	}
	if len(found) == 0 {
		return nil, lacks("no HorizontalPodAutoscaler by one metric of its pods")
	}
	return found, nil
}

// waiting is vLLM's number of requests that it has not begun with: the metric that the load of the case moves.
const waiting = "vllm:num_requests_waiting"

// most is how many replicas there may be for one more to be outside of what an autoscaler tolerates, a tenth.
const most = 6

// loadable is the autoscaler of the first revision, whose metric a load moves.
func (e *Env) loadable() (autoscaler, error) {
	all, err := e.autoscalers()
	if err != nil {
		return autoscaler{}, err
	}
	i := slices.IndexFunc(all, func(a autoscaler) bool { return a.service == service(e.hosts()[0]) && a.metric == waiting })
	switch {
	case i < 0:
		return autoscaler{}, lacks("no HorizontalPodAutoscaler of its first revision by %s", waiting)
	case int(all[i].Spec.MaxReplicas) <= all[i].replicas:
		return autoscaler{}, lacks("no room for a replica more than %d of %s", all[i].replicas, all[i].service)
	case all[i].replicas > most:
		return autoscaler{}, lacks("%d replicas of %s: one more is no more than an autoscaler tolerates", all[i].replicas, all[i].service)
	}
	return all[i], nil
}

// atOnce is how many requests a server takes while its autoscaler is loaded: so few that some wait.
const atOnce = 4

// lanes is how many requests at a time make the autoscaler want one replica more, and not two: replicas times metric by
// target, rounded up (https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#algorithm-details).
func (a autoscaler) lanes() int {
	return a.replicas*atOnce + int(math.Ceil((float64(a.replicas)+0.7)*a.target))
}

// some is how many requests at a time make some wait, and the autoscaler want no replica more.
func (a autoscaler) some() int {
	return a.replicas*atOnce + max(1, a.replicas*int(a.target)/2)
}

// metricOf is what the API of custom metrics says of the pods that an autoscaler asks about.
func (e *Env) metricOf(ctx context.Context, a autoscaler) (map[string]string, error) {
	path := fmt.Sprintf("/apis/%s/namespaces/%s/pods/*/%s?labelSelector=%s", install.CustomMetrics, a.Namespace, a.metric,
		url.QueryEscape("serving.kserve.io/inferenceservice="+a.service))
	list, err := kubectl.Raw[struct {
		Items []struct {
			DescribedObject corev1.ObjectReference
			Value           string
		}
	}](ctx, e.Kubectl, path)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, item := range list.Items {
		values[item.DescribedObject.Name] = item.Value
	}
	return values, nil
}

// isActive wants an autoscaler to say that it can scale, or that it can't for this reason.
func (e *Env) isActive(ctx context.Context, a autoscaler, status corev1.ConditionStatus, reason string) error {
	now, err := kubectl.Get[autoscaling.HorizontalPodAutoscaler](ctx, e.Kubectl, "hpa", "-n", a.Namespace, a.Name)
	if err != nil {
		return err
	}
	for _, condition := range now.Status.Conditions {
		if condition.Type == autoscaling.ScalingActive && condition.Status == status && condition.Reason == reason {
			return nil
		}
	}
	return fmt.Errorf("its conditions are %+v", now.Status.Conditions)
}
