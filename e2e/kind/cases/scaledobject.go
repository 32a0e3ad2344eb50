package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	kserve "github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	autoscaling "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// scaled is a ScaledObject of the tree that goes to zero, by the HorizontalPodAutoscaler that KEDA makes of it.
type scaled struct {
	autoscaler
	object string
}

// scaled is that of the first revision, whose first trigger a load moves.
func (e *Env) scaled() (scaled, error) {
	first := service(e.hosts()[0])
	for _, o := range e.Tree.Scaled {
		i := slices.IndexFunc(e.Tree.Services, func(service kserve.InferenceService) bool {
			return service.Name == first && tree.Deployment(service) == o.Spec.ScaleTargetRef.Name
		})
		if i < 0 || o.Spec.MinReplicaCount == nil || *o.Spec.MinReplicaCount > 0 || *o.Spec.MaxReplicaCount < 2 {
			continue
		}
		target, err := strconv.ParseFloat(o.Spec.Triggers[0].Metadata["threshold"], 64)
		if err != nil {
			return scaled{}, err
		}
		return scaled{object: o.Name, autoscaler: autoscaler{
			HorizontalPodAutoscaler: autoscaling.HorizontalPodAutoscaler{
				ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: "keda-hpa-" + o.Name},
				Spec:       autoscaling.HorizontalPodAutoscalerSpec{ScaleTargetRef: autoscaling.CrossVersionObjectReference{Name: o.Spec.ScaleTargetRef.Name}},
			},
			service: first, replicas: tree.Replicas(e.Tree.Services[i]), metric: waiting, target: target,
		}}, nil
	}
	return scaled{}, lacks("no ScaledObject of its first revision from 0 to 2 replicas and more")
}

// Of the ScaledObjects that a case applies: how long a request counts, and how long nobody may have asked before the last replica
// goes. The tree's own are minutes, since models load for minutes.
const (
	hastyWindow   = 20 * time.Second
	hastyCooldown = 20 * time.Second
)

// unknownGateway has the tree's ScaledObjects look for a gateway where none is.
func (e *Env) unknownGateway() ([]tree.Patch, error) {
	const live = "envoy_server_live{namespace=%q}"
	var patches []tree.Patch
	for _, o := range e.Tree.Scaled {
		operations, err := requery(o, fmt.Sprintf(live, e.GatewayNamespace), fmt.Sprintf(live, install.Strangers))
		if err != nil {
			return nil, err
		}
		patch, err := json.Marshal(operations)
		if err != nil {
			return nil, err
		}
		patches = append(patches, tree.Patch{Kind: scaledObject, Name: o.Name, Patch: string(patch)})
	}
	return patches, nil
}

// hasty are the changes to the tree's ScaledObjects.
func (e *Env) hasty(cooldown time.Duration) ([]tree.Patch, error) {
	var patches []tree.Patch
	for _, o := range e.Tree.Scaled {
		operations, err := requery(o, treeWindow, hastyWindow.String())
		if err != nil {
			return nil, err
		}
		seconds := int(cooldown.Seconds())
		operations = append(
			operations,
			map[string]any{"op": "add", "path": "/spec/cooldownPeriod", "value": seconds},
			map[string]any{"op": "add", "path": "/spec/initialCooldownPeriod", "value": seconds},
			map[string]any{"op": "add", "path": "/spec/advanced/horizontalPodAutoscalerConfig/behavior", "value": map[string]any{"scaleDown": map[string]any{"stabilizationWindowSeconds": 0}}},
		)
		patch, err := json.Marshal(operations)
		if err != nil {
			return nil, err
		}
		patches = append(patches, tree.Patch{Kind: scaledObject, Name: o.Name, Patch: string(patch)})
	}
	return patches, nil
}

// treeWindow is how long a request counts in the tree's queries.
const treeWindow = "2m30s"

// requery has other words in the queries of a ScaledObject, which are there where it sees requests: a case that changes nothing
// would test the tree's minutes without a word.
func requery(o keda.ScaledObject, old, other string) ([]map[string]any, error) {
	var operations []map[string]any
	seesRequests := false
	for i, trigger := range o.Spec.Triggers {
		seesRequests = seesRequests || trigger.Name == "activity"
		if query := trigger.Metadata["query"]; strings.Contains(query, old) {
			path := fmt.Sprintf("/spec/triggers/%d/metadata/query", i)
			operations = append(operations, map[string]any{"op": "replace", "path": path, "value": strings.ReplaceAll(query, old, other)})
		}
	}
	if operations == nil && seesRequests {
		return nil, fmt.Errorf("no query of ScaledObject %s has %s", o.Name, old)
	}
	return operations, nil
}

const scaledObject = "ScaledObject"

// Changes to a ScaledObject that are mistakes.
const (
	wrongMetric     = `[{"op": "replace", "path": "/spec/triggers/0/metadata/query", "value": "sum(vllm:num_requests_wating{namespace=\"llm\"})"}]`
	withoutActivity = `[{"op": "remove", "path": "/spec/triggers/1"}]`
)

// scaledBy makes a mistake in the tree's ScaledObjects.
func scaledBy(patch string) func(context.Context, *Env) error {
	return func(ctx context.Context, e *Env) error {
		if _, err := e.scaled(); err != nil {
			return err
		}
		return e.customize(ctx, tree.Patch{Kind: scaledObject, Patch: patch})
	}
}

// externalMetric is what KEDA serves to the HorizontalPodAutoscaler of the first trigger.
func (e *Env) externalMetric(ctx context.Context, s scaled) (float64, error) {
	path := fmt.Sprintf("/apis/external.metrics.k8s.io/v1beta1/namespaces/%s/s0-prometheus?labelSelector=%s", s.Namespace,
		url.QueryEscape(keda.ScaledObjectOwnerAnnotation+"="+s.object))
	list, err := kubectl.Raw[struct {
		Items []struct{ Value resource.Quantity }
	}](ctx, e.Kubectl, path)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, item := range list.Items {
		sum += item.Value.AsApproximateFloat64()
	}
	return sum, nil
}

// scaledIs wants a condition of the ScaledObject.
func (e *Env) scaledIs(ctx context.Context, s scaled, kind string, status corev1.ConditionStatus) error {
	now, err := kubectl.Get[keda.ScaledObject](ctx, e.Kubectl, "scaledobjects.keda.sh", "-n", s.Namespace, s.object)
	if err != nil {
		return err
	}
	for _, condition := range now.Status.Conditions {
		if string(condition.Type) == kind && string(condition.Status) == string(status) {
			return nil
		}
	}
	return fmt.Errorf("its conditions are %+v", now.Status.Conditions)
}

// awake starts a replica of what KEDA has taken down to zero: the cases find one.
func (e *Env) awake(ctx context.Context) error {
	for _, o := range e.Tree.Scaled {
		out, err := e.Kubectl.Run(ctx, "-n", o.Namespace, "get", "deployment", o.Spec.ScaleTargetRef.Name, "-o", "jsonpath={.spec.replicas}")
		if err != nil {
			return err
		}
		if out != "0" {
			continue
		}
		if _, err := e.Kubectl.Run(ctx, "-n", o.Namespace, "scale", "deployment", o.Spec.ScaleTargetRef.Name, "--replicas=1"); err != nil {
			return err
		}
	}
	return nil
}
