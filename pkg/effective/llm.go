package effective

import (
	"context"
	"net/http"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha2"
	"github.com/kserve/kserve/pkg/constants"
	"github.com/kserve/kserve/pkg/controller/v1alpha2/llmisvc"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/ptr"
	"knative.dev/pkg/apis"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayapiv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// nowhere answers as an API server that knows none of the kinds it is asked for.
type nowhere struct{}

func (nowhere) RoundTrip(request *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody, Request: request, Header: http.Header{}}, nil
}

// llm runs the controller of LLMInferenceServices. It has no pod webhook: the Deployment's template is the pod.
func (b *Builder) llm(ctx context.Context, c *cluster, resource manifest.Resource) Result {
	result := Result{InferenceService: resource, Reference: b.reference(resource), Mode: string(constants.Standard)}
	r := &run{builder: b, cluster: c, store: newStore(b.scheme, c.store), result: &result}
	r.store.assume = !b.options.Complete
	name := client.ObjectKey{Namespace: result.Reference.Namespace, Name: result.Reference.Name}
	if !r.try(ourselves, func() error { return c.boundedForLLM(resource) }) ||
		!r.try(ourselves, func() error { return r.surround(name) }) {
		return result
	}
	reconciler := &llmisvc.LLMISVCReconciler{
		Client: r.store, Clientset: clientset{store: r.store}, EventRecorder: &record.FakeRecorder{},
		Config: &rest.Config{Host: "http://nowhere.invalid", Transport: nowhere{}},
		Validator: func(ctx context.Context, service *v1alpha2.LLMInferenceService) error {
			_, err := (&v1alpha2.LLMInferenceServiceValidator{}).ValidateCreate(ctx, service)
			return err
		},
	}
	r.try(controller, func() error {
		_, err := reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: name})
		return err
	})
	r.try(controller, func() error { return r.notCombined(ctx, name) })
	r.try(ourselves, r.finishLLM)
	result.Deleted, result.Assumed = references(r.store.deleted), references(r.store.assumed)
	return result
}

// boundedForLLM refuses what the controller would execute as a template without a limit: the service, and presets of the
// input.
func (c *cluster) boundedForLLM(resource manifest.Resource) error {
	for _, preset := range c.presets {
		if err := checkBounded(preset.Data); err != nil {
			return err
		}
	}
	return checkBounded(resource.Data)
}

// surround puts in place what a cluster has once the service serves: the gateways that it names, the certificate that the
// controller takes seconds to make, and the members of its group ready, for only those get requests.
func (r *run) surround(name client.ObjectKey) error {
	var service v1alpha2.LLMInferenceService
	if err := r.store.Get(context.Background(), name, &service); err != nil {
		return err
	}
	service.UID = types.UID(service.Name) // by which the controller knows what is its own
	if err := r.store.put(service.DeepCopy()); err != nil {
		return err
	}
	secret, err := certificate(&service)
	if err != nil {
		return err
	}
	if err := r.store.put(secret); err != nil {
		return err
	}
	if err := r.gateways(&service); err != nil {
		return err
	}
	return r.membersReady(&service)
}

// gateways stand in for those that the input lacks: the controller makes no route to one that is not there.
func (r *run) gateways(service *v1alpha2.LLMInferenceService) error {
	const class = "assumed"
	if err := r.store.put(&gatewayapiv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: class}}); err != nil {
		return err
	}
	names := []types.NamespacedName{}
	config, err := llmisvc.LoadConfig(context.Background(), r.store)
	if err != nil {
		return err
	}
	names = append(names, types.NamespacedName{Namespace: config.IngressGatewayNamespace, Name: config.IngressGatewayName})
	if service.Spec.Router != nil && service.Spec.Router.Gateway != nil {
		for _, ref := range service.Spec.Router.Gateway.Refs {
			namespace := string(ref.Namespace)
			if namespace == "" {
				namespace = service.Namespace
			}
			names = append(names, types.NamespacedName{Namespace: namespace, Name: string(ref.Name)})
		}
	}
	for _, name := range names {
		gateway := &gatewayapiv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
		gateway.Spec.GatewayClassName = class
		gateway.Spec.Listeners = []gatewayapiv1.Listener{{Name: "http", Port: 80, Protocol: gatewayapiv1.HTTPProtocolType}}
		if err := r.store.put(gateway); err != nil {
			return err
		}
	}
	return nil
}

// membersReady lets the others of a group count, which their own controllers would.
func (r *run) membersReady(service *v1alpha2.LLMInferenceService) error {
	var all v1alpha2.LLMInferenceServiceList
	if err := r.store.List(context.Background(), &all, client.InNamespace(service.Namespace)); err != nil {
		return err
	}
	for i := range all.Items {
		member := &all.Items[i]
		if member.Name == service.Name {
			continue
		}
		member.Status.SetConditions(apis.Conditions{{Type: v1alpha2.RouterReady, Status: corev1.ConditionTrue}})
		member.Status.Workloads = &v1alpha2.WorkloadStatus{Primary: &v1alpha2.ObservedWorkloadStatus{ReadyReplicas: ptr.To(int32(1))}}
		if err := r.store.put(member); err != nil {
			return err
		}
	}
	return nil
}

// notCombined is what the controller says in the status alone: it waits for a preset that is not there.
func (r *run) notCombined(ctx context.Context, name client.ObjectKey) error {
	var service v1alpha2.LLMInferenceService
	if err := r.store.Get(ctx, name, &service); err != nil {
		return err
	}
	for _, condition := range service.Status.Conditions {
		if condition.Type == v1alpha2.PresetsCombined && condition.Status == corev1.ConditionFalse && len(r.result.Refused) == 0 {
			return &presetError{condition.Message}
		}
	}
	return nil
}

type presetError struct{ message string }

func (e *presetError) Error() string { return e.message }

// finishLLM turns what the controller wrote into data. The Secret is ours.
func (r *run) finishLLM() error {
	for _, object := range ordered(r.store.own) {
		switch object.(type) {
		case *v1alpha2.LLMInferenceService, *corev1.Secret, *gatewayapiv1.Gateway, *gatewayapiv1.GatewayClass:
			continue
		}
		data, err := r.builder.data(object)
		if err != nil {
			return err
		}
		r.result.Objects = append(r.result.Objects, Object{Data: data})
		if deployment, ok := object.(*appsv1.Deployment); ok {
			pod := &corev1.Pod{ObjectMeta: *deployment.Spec.Template.ObjectMeta.DeepCopy(), Spec: *deployment.Spec.Template.Spec.DeepCopy()}
			pod.Namespace, pod.Name = deployment.Namespace, deployment.Name
			data, err := r.builder.data(pod)
			if err != nil {
				return err
			}
			r.result.Pods = append(r.result.Pods, Object{Data: data})
		}
	}
	return nil
}
