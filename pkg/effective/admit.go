package effective

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/kserve/kserve/pkg/constants"
	"github.com/kserve/kserve/pkg/webhook/admission/servingruntime"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// Who refuses, as the API server names them in its message.
const (
	webhookSuffix     = ".kserve-webhook-server."
	serviceWebhook    = "inferenceservice" + webhookSuffix + "validator"
	defaultingWebhook = "inferenceservice" + webhookSuffix + "defaulter"
	podWebhook        = "inferenceservice" + webhookSuffix + "pod-mutator"
	controller        = "controller"
	decoding          = "types"
	ourselves         = "kservegen"
)

// guard runs a part of KServe. What it panics with is as good as an error: the known ones are nil pointers behind
// fields that the API leaves optional.
func guard(by string, run func() error) (refusal *Refusal) {
	defer func() {
		if p := recover(); p != nil {
			refusal = &Refusal{By: by, Message: fmt.Sprint(p), Panicked: true}
		}
	}()
	if err := run(); err != nil {
		return &Refusal{By: by, Message: err.Error()}
	}
	return nil
}

// runtimeValidator is the webhooks for runtimes, on what stands in the store when an object comes in.
type runtimeValidator struct {
	store      *store
	namespaced servingruntime.ServingRuntimeValidator
	cluster    servingruntime.ClusterServingRuntimeValidator
}

func newRuntimeValidator(decoder admission.Decoder, store *store) *runtimeValidator {
	return &runtimeValidator{
		store:      store,
		namespaced: servingruntime.ServingRuntimeValidator{Client: store, Decoder: decoder},
		cluster:    servingruntime.ClusterServingRuntimeValidator{Client: store, Decoder: decoder},
	}
}

// admit decodes an object and, where its kind has a webhook, asks that.
func (b *Builder) admit(ctx context.Context, validator *runtimeValidator, resource manifest.Resource, object client.Object) *Refusal {
	var refusal *Refusal
	if executed(object) {
		refusal = guard(ourselves, func() error { return checkBounded(resource.Data) })
	}
	if refusal == nil {
		refusal = guard(decoding, func() error { return b.decode(resource, object) })
	}
	if refusal == nil {
		switch object := object.(type) {
		case *v1alpha1.ServingRuntime:
			refusal = ask(ctx, "servingruntime"+webhookSuffix+"validator", &validator.namespaced, object)
		case *v1alpha1.ClusterServingRuntime:
			object.Namespace = ""
			refusal = ask(ctx, "clusterservingruntime"+webhookSuffix+"validator", &validator.cluster, object)
		default:
			refusal = create(ctx, validator, object)
		}
	}
	if refusal != nil {
		refusal.Object = b.reference(resource)
	}
	return refusal
}

func ask(ctx context.Context, by string, webhook admission.Handler, object client.Object) *Refusal {
	return guard(by, func() error {
		response, err := handle(ctx, webhook, object)
		if err != nil {
			return err
		}
		return denied(response)
	})
}

func handle(ctx context.Context, webhook admission.Handler, object client.Object) (admission.Response, error) {
	raw, err := json.Marshal(object)
	if err != nil {
		return admission.Response{}, err
	}
	return webhook.Handle(ctx, admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		Operation: admissionv1.Create, Namespace: object.GetNamespace(), Name: object.GetName(),
		Object: runtime.RawExtension{Raw: raw},
	}}), nil
}

func denied(response admission.Response) error {
	if response.Allowed {
		return nil
	}
	if response.Result == nil {
		return fmt.Errorf("refused without a reason")
	}
	return fmt.Errorf("%s", response.Result.Message)
}

// defaulted does what the webhook's Default does around DefaultInferenceService; that method itself asks a
// kubeconfig for the cluster.
func (c *cluster) defaulted(ctx context.Context, service *v1beta1.InferenceService) error {
	var (
		caches          *v1alpha1.LocalModelCacheList
		namespacedCache *v1alpha1.LocalModelNamespaceCacheList
	)
	if _, off := service.Annotations[constants.DisableLocalModelKey]; !off && c.configs.local.Enabled {
		caches, namespacedCache = &v1alpha1.LocalModelCacheList{}, &v1alpha1.LocalModelNamespaceCacheList{}
		if err := c.store.List(ctx, caches); err != nil {
			return err
		}
		if err := c.store.List(ctx, namespacedCache, client.InNamespace(service.Namespace)); err != nil {
			return err
		}
	}
	service.DefaultInferenceService(c.configs.service, c.configs.deploy, c.configs.security, caches, namespacedCache)
	return nil
}
