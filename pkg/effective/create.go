package effective

import (
	"context"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/kserve/kserve/pkg/apis/serving/v1alpha2"
	"github.com/kserve/kserve/pkg/webhook/admission/localmodelcache"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// creator is a webhook that takes typed objects.
type creator interface {
	ValidateCreate(ctx context.Context, object runtime.Object) (admission.Warnings, error)
}

// creatorOf is the webhook of a kind that KServe judges and makes nothing of here, and how the API server names it
// (config/webhook of KServe); nil for every other kind. That of LocalModelNamespaceCache asks for node groups, which
// are kept elsewhere as a rule, and no installation registers it.
func creatorOf(store *store, object client.Object) (string, creator) {
	switch object.(type) {
	case *v1alpha1.InferenceGraph:
		return "inferencegraph" + webhookSuffix + "validator", &v1alpha1.InferenceGraphValidator{}
	case *v1alpha1.TrainedModel:
		return "trainedmodel" + webhookSuffix + "validator", &v1alpha1.TrainedModelValidator{}
	case *v1alpha1.LocalModelCache:
		return "localmodelcache" + webhookSuffix + "validator", &localmodelcache.LocalModelCacheValidator{Client: store}
	case *v1alpha1.LLMInferenceService:
		return "llminferenceservice" + webhookSuffix + "v1alpha1.validator", &v1alpha1.LLMInferenceServiceValidator{}
	case *v1alpha2.LLMInferenceService:
		return "llminferenceservice" + webhookSuffix + "v1alpha2.validator", &v1alpha2.LLMInferenceServiceValidator{}
	case *v1alpha1.LLMInferenceServiceConfig:
		return "llminferenceserviceconfig" + webhookSuffix + "v1alpha1.validator", &v1alpha1.LLMInferenceServiceConfigValidator{}
	case *v1alpha2.LLMInferenceServiceConfig:
		return "llminferenceserviceconfig" + webhookSuffix + "v1alpha2.validator", &v1alpha2.LLMInferenceServiceConfigValidator{}
	}
	return "", nil
}

func create(ctx context.Context, validator *runtimeValidator, object client.Object) *Refusal {
	by, webhook := creatorOf(validator.store, object)
	if webhook == nil {
		return nil
	}
	return guard(by, func() error {
		_, err := webhook.ValidateCreate(ctx, object)
		return err
	})
}

// executed says whether KServe may execute texts of the object as templates here. The webhooks for LLMInferenceServices
// and their configs execute none (KServe's controller does), and KServe ships configs with loops.
func executed(object client.Object) bool {
	switch object.(type) {
	case *v1alpha1.LLMInferenceService, *v1alpha2.LLMInferenceService, *v1alpha1.LLMInferenceServiceConfig, *v1alpha2.LLMInferenceServiceConfig:
		return false
	}
	return true
}
