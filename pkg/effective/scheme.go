package effective

import (
	"fmt"

	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/kserve/kserve/pkg/apis/serving/v1alpha2"
	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	wvav1alpha1 "github.com/llm-d/llm-d-workload-variant-autoscaler/api/v1alpha1"
	otelv1beta1 "github.com/open-telemetry/opentelemetry-operator/apis/v1beta1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	inferencev1 "sigs.k8s.io/gateway-api-inference-extension/api/v1"
	gatewayapiv1 "sigs.k8s.io/gateway-api/apis/v1"
	lwsv1 "sigs.k8s.io/lws/api/leaderworkerset/v1"
)

// newScheme knows the kinds that KServe reads and writes in Standard mode, and of LLMInferenceServices.
func newScheme() (*runtime.Scheme, error) {
	all := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, autoscalingv2.AddToScheme, networkingv1.AddToScheme,
		v1alpha1.AddToScheme, v1alpha2.AddToScheme, v1beta1.AddToScheme,
		kedav1alpha1.AddToScheme, gatewayapiv1.Install, otelv1beta1.AddToScheme,
		rbacv1.AddToScheme, resourcev1.AddToScheme, lwsv1.AddToScheme, wvav1alpha1.AddToScheme, inferencev1.Install,
	} {
		if err := add(all); err != nil {
			return nil, fmt.Errorf("registering the kinds that KServe uses: %w", err)
		}
	}
	return all, nil
}

// stamp writes apiVersion and kind, which typed objects lack in memory.
func stamp(scheme *runtime.Scheme, object client.Object) error {
	kind, err := apiutil.GVKForObject(object, scheme)
	if err != nil {
		return err
	}
	object.GetObjectKind().SetGroupVersionKind(kind)
	return nil
}
