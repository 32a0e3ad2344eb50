package effective

import (
	"cmp"
	"context"
	"slices"

	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/kserve/kserve/pkg/constants"
	"github.com/kserve/kserve/pkg/controller/v1beta1/inferenceservice/components"
	"github.com/kserve/kserve/pkg/controller/v1beta1/inferenceservice/reconcilers"
	isvcutils "github.com/kserve/kserve/pkg/controller/v1beta1/inferenceservice/utils"
	"github.com/kserve/kserve/pkg/utils"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// run is the way of one InferenceService through KServe.
type run struct {
	builder *Builder
	cluster *cluster
	store   *store
	result  *Result
	// written is the InferenceService as the input has it, live as KServe has it at this point of the way.
	written, live *v1beta1.InferenceService
}

func (b *Builder) service(ctx context.Context, c *cluster, resource manifest.Resource) Result {
	result := Result{InferenceService: resource, Reference: b.reference(resource)}
	r := &run{builder: b, cluster: c, store: newStore(b.scheme, c.store), result: &result}
	r.store.assume = !b.options.Complete
	if !r.try(ourselves, func() error { return checkBounded(resource.Data) }) ||
		!r.try(decoding, func() error { return r.read(resource) }) ||
		!r.try(defaultingWebhook, func() error { return r.defaulted(ctx) }) ||
		!r.try(serviceWebhook, func() error { return r.validate(ctx) }) {
		return result
	}
	if result.Mode != string(constants.Standard) {
		return result
	}
	for _, component := range r.components() {
		if !r.try(controller, func() error { return component(ctx) }) {
			break
		}
	}
	r.runtime()
	r.try(podWebhook, func() error { return r.finish(ctx) })
	result.Deleted, result.Assumed = references(r.store.deleted), references(r.store.assumed)
	return result
}

func references(keys []key) []finding.Object {
	var list []finding.Object
	for _, k := range keys {
		object := finding.Object{Kind: k.kind.Kind, Namespace: k.namespace, Name: k.name}
		if !slices.Contains(list, object) {
			list = append(list, object)
		}
	}
	return list
}

// try runs one step; a refusal is kept with the object's name.
func (r *run) try(by string, step func() error) bool {
	refusal := guard(by, step)
	if refusal == nil {
		return true
	}
	refusal.Object = r.result.Reference
	r.result.Refused = append(r.result.Refused, *refusal)
	return false
}

func (r *run) read(resource manifest.Resource) error {
	r.live = &v1beta1.InferenceService{}
	if err := r.builder.decode(resource, r.live); err != nil {
		return err
	}
	// A spec's first generation; multi-node names its Services by it.
	r.live.Generation = 1
	r.live.Status = v1beta1.InferenceServiceStatus{}
	r.written = r.live.DeepCopy()
	return nil
}

func (r *run) defaulted(ctx context.Context) (err error) {
	if err = r.cluster.defaulted(ctx, r.live); err == nil {
		r.result.Defaulted, err = r.builder.data(r.live.DeepCopy())
	}
	return err
}

func (r *run) validate(ctx context.Context) error {
	warnings, err := (&v1beta1.InferenceServiceValidator{}).ValidateCreate(ctx, r.live)
	r.result.Warnings = warnings
	if err != nil {
		return err
	}
	annotations := utils.Filter(r.live.Annotations, func(name string) bool {
		return !utils.Includes(r.cluster.configs.service.ServiceAnnotationDisallowedList, name)
	})
	r.result.Mode = string(isvcutils.GetDeploymentMode("", annotations, r.cluster.configs.deploy))
	r.result.Admitted = r.result.Defaulted
	return r.store.put(r.live.DeepCopy())
}

// components are the controller's own steps, in its order. It waits between them until pods are ready; here the
// ingress is told that they are.
func (r *run) components() []func(context.Context) error {
	reader := clientset{store: r.store}
	list := []components.Component{
		components.NewPredictor(r.store, reader, r.builder.scheme, r.cluster.configs.service, constants.Standard),
	}
	if r.live.Spec.Transformer != nil {
		list = append(list, components.NewTransformer(r.store, reader, r.builder.scheme, r.cluster.configs.service, constants.Standard))
	}
	if r.live.Spec.Explainer != nil {
		list = append(list, components.NewExplainer(r.store, reader, r.builder.scheme, r.cluster.configs.service, constants.Standard))
	}
	var steps []func(context.Context) error
	for _, component := range list {
		steps = append(steps, func(ctx context.Context) error {
			_, err := component.Reconcile(ctx, r.live)
			return err
		})
	}
	return append(steps, r.ingress)
}

func (r *run) ingress(ctx context.Context) error {
	for _, ready := range []apis.ConditionType{v1beta1.PredictorReady, v1beta1.TransformerReady, v1beta1.ExplainerReady} {
		r.live.Status.SetCondition(ready, &apis.Condition{Type: ready, Status: corev1.ConditionTrue})
	}
	ingress, err := reconcilers.NewReconcilerFactory().CreateIngressReconciler(constants.Standard, reconcilers.IngressReconcilerParams{
		Client: r.store, Clientset: clientset{store: r.store}, Scheme: r.builder.scheme,
		IngressConfig: r.cluster.configs.ingress, IsvcConfig: r.cluster.configs.service,
	})
	if err != nil {
		return err
	}
	_, err = ingress.Reconcile(ctx, r.live)
	return err
}

// runtime says which runtime the controller chose.
func (r *run) runtime() {
	object := finding.Object{APIVersion: "serving.kserve.io/v1alpha1", Kind: "ServingRuntime", Namespace: r.live.Namespace, Name: r.live.Status.ServingRuntimeName}
	if name := r.live.Status.ClusterServingRuntimeName; name != "" {
		object.Kind, object.Namespace, object.Name = "ClusterServingRuntime", "", name
	}
	if object.Name != "" {
		r.result.Runtime = object
	}
}

// finish turns what the controller wrote into data, and each Deployment into the pod that is admitted.
func (r *run) finish(ctx context.Context) error {
	written, fleeting := ordered(r.store.own), ordered(r.store.fleeting)
	if err := r.collect(ctx, written, &r.result.Objects, &r.result.Pods); err != nil {
		return err
	}
	if err := r.collect(ctx, fleeting, &r.result.Fleeting, &r.result.Fleeting); err != nil {
		return err
	}
	if r.builder.options.Explain {
		return r.explain(ctx, written)
	}
	return nil
}

// collect appends objects as data, and behind them the pods of the Deployments among them.
func (r *run) collect(ctx context.Context, list []client.Object, objects, pods *[]Object) error {
	for _, object := range list {
		data, err := r.builder.data(object)
		if err != nil {
			return err
		}
		*objects = append(*objects, Object{Data: data})
	}
	for _, object := range list {
		if deployment, ok := object.(*appsv1.Deployment); ok {
			r.try(podWebhook, func() error { return r.admitPod(ctx, deployment, pods) })
		}
	}
	return nil
}

// ordered lists what the controller wrote: workloads first, then what is in front of them.
func ordered(written map[key]client.Object) []client.Object {
	order := []string{"Deployment", "Service", "HorizontalPodAutoscaler", "ScaledObject", "Ingress", "HTTPRoute"}
	rank := func(k key) int {
		if i := slices.Index(order, k.kind.Kind); i >= 0 {
			return i
		}
		return len(order)
	}
	var keys []key
	for k := range written {
		if k.kind.Kind != "InferenceService" {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.kind.Kind, b.kind.Kind), a.compare(b))
	})
	objects := make([]client.Object, 0, len(keys))
	for _, k := range keys {
		objects = append(objects, written[k])
	}
	return objects
}
