package cluster

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kservegen/kservegen/e2e/envtest/api"
)

// effectiveKinds are those that KServe makes of an InferenceService in Standard mode, in the order in which a
// person reads them.
func effectiveKinds() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		{Group: "apps", Version: "v1", Kind: "Deployment"},
		{Version: "v1", Kind: "Service"},
		{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"},
		{Group: "keda.sh", Version: "v1alpha1", Kind: "ScaledObject"},
		{Version: "v1", Kind: "ConfigMap"},
		{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"},
		{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
		{Group: "networking.istio.io", Version: "v1", Kind: "VirtualService"},
	}
}

// Effective waits until KServe's controller has worked through the InferenceService, which is on the server,
// and returns what it made, as api.Normal has it: with the server's defaults. To compare other objects with
// them, let the server set its defaults there too (api.Client.DryRun, in another namespace).
func (c *Cluster) Effective(ctx context.Context, service *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	what := fmt.Sprintf("KServe to reconcile InferenceService %s/%s", service.GetNamespace(), service.GetName())
	var stored *unstructured.Unstructured
	err := api.Until(ctx, what, func(ctx context.Context) (ok bool, err error) {
		if stored, err = c.API.Get(ctx, service); err != nil {
			return false, err
		}
		return reconciled(stored), nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w; its status is %v", err, stored.Object["status"])
	}
	var made []*unstructured.Unstructured
	for _, kind := range effectiveKinds() {
		objects, err := c.API.List(ctx, kind, service.GetNamespace())
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			if ownedBy(object, stored.GetUID()) {
				made = append(made, api.Normal(object))
			}
		}
	}
	return made, nil
}

// reconciled looks for the condition that the controller sets when it has made everything
// (pkg/controller/v1beta1/inferenceservice/controller.go).
func reconciled(service *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(service.Object, "status", "conditions")
	for _, entry := range conditions {
		if condition, _ := entry.(map[string]any); condition["type"] == "Stopped" {
			return true
		}
	}
	return false
}

func ownedBy(object *unstructured.Unstructured, uid types.UID) bool {
	for _, owner := range object.GetOwnerReferences() {
		if owner.UID == uid {
			return true
		}
	}
	return false
}

// Pod is the pod that a Deployment's controller would ask for, as the server and its webhooks would store it.
func (c *Cluster) Pod(ctx context.Context, deployment *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	template, _, err := unstructured.NestedMap(deployment.Object, "spec", "template")
	if err != nil {
		return nil, err
	}
	pod := &unstructured.Unstructured{Object: template}
	pod.SetAPIVersion("v1")
	pod.SetKind("Pod")
	pod.SetNamespace(deployment.GetNamespace())
	pod.SetName(deployment.GetName())
	stored, err := c.API.DryRun(ctx, pod)
	if err != nil {
		return nil, err
	}
	return api.Normal(stored), nil
}
