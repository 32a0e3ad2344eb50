package effective

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/kserve/kserve/pkg/constants"
	"github.com/kserve/kserve/pkg/webhook/admission/pod"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Where a value can come from.
const (
	FromRuntime          = "servingruntime"
	FromService          = "inferenceservice"
	FromConfigMap        = "configmap"
	FromStorageContainer = "clusterstoragecontainer"
	FromDefault          = "kserve default"
	FromWebhook          = "webhook"
)

// Origin says where a value comes from.
type Origin struct {
	// Source is one of the From constants.
	Source string `json:"source"`
	// Step is the part of KServe that put the value there, empty where it stands in the input.
	Step string `json:"step,omitempty"`
}

func (o Origin) String() string {
	if o.Step == "" || o.Step == o.Source {
		return o.Source
	}
	return o.Source + " (" + o.Step + ")"
}

// stage is what one source says, in the shape of the object that is explained.
type stage struct {
	origin Origin
	values map[string]any
	// texts are the values of settings that KServe writes into an autoscaler at other places.
	texts map[string]bool
}

// says whether the source has the value at its place.
func (s stage) says(l leaf) bool {
	value, ok := s.values[l.path]
	return ok && reflect.DeepEqual(value, l.value) || strings.HasPrefix(l.path, "/spec/") && s.texts[fmt.Sprint(l.value)]
}

// explain compares each value with what stood at its place before each step: whoever first had it as it ends up is
// its origin. KServe lets the InferenceService win over the runtime, so that one is looked at first. What depends
// on the ConfigMap is found by running KServe once more with another one.
func (r *run) explain(ctx context.Context, written []client.Object) error {
	other, err := r.withOtherConfig(ctx)
	if err != nil {
		return err
	}
	stable := constants.PredictorServiceName(r.live.Name, r.live.Spec.Predictor.Name)
	var template map[string]any
	for i, object := range written {
		data := r.result.Objects[i].Data
		if object.GetLabels()[constants.KServiceComponentLabel] != "" && object.GetName() != stable {
			continue // the stages are the stable predictor's
		}
		stages, err := r.inputs(object)
		if err != nil {
			return err
		}
		if _, ok := object.(*appsv1.Deployment); ok {
			template, _ = lookup(data, "spec", "template").(map[string]any)
		}
		r.result.Objects[i].Origins = origins(data, stages, other.object(data), Origin{FromDefault, "controller"})
	}
	for i := range r.result.Pods {
		data := r.result.Pods[i].Data
		if lookup(data, "metadata", "generateName") != stable+"-" {
			continue
		}
		stages, err := r.podInputs(ctx, data, template)
		if err != nil {
			return err
		}
		r.result.Pods[i].Origins = origins(data, stages, other.pod(stable+"-"), Origin{FromWebhook, FromWebhook})
	}
	return nil
}

// origins looks each value up in the stages, in their order; other is the same object under another ConfigMap.
func origins(data map[string]any, stages []stage, other map[string]any, last Origin) map[string]Origin {
	found := map[string]Origin{}
	elsewhere := map[string]any{}
	for _, l := range leaves(other) {
		elsewhere[l.path] = l.value
	}
	for _, l := range leaves(data) {
		origin := last
		for _, s := range stages {
			if s.says(l) {
				origin = s.origin
				break
			}
		}
		if value, ok := elsewhere[l.path]; other != nil && origin.Step != "" && ok && !reflect.DeepEqual(value, l.value) {
			origin.Source = FromConfigMap
		}
		found[l.pointer] = origin
	}
	return found
}

// podInputs adds to the inputs what the Deployment says and, for the container that fetches the model, the
// ClusterStorageContainer.
func (r *run) podInputs(ctx context.Context, data, template map[string]any) ([]stage, error) {
	stages, err := r.inputs(&corev1.Pod{})
	if err != nil {
		return nil, err
	}
	uri, _ := lookup(data, "metadata", "annotations", "internal.serving.kserve.io/storage-initializer-sourceuri").(string)
	if uri != "" {
		container, err := pod.GetStorageContainerSpec(ctx, uri, r.live.Spec.Predictor.StorageContainerName, r.store)
		if err != nil {
			return nil, err
		}
		if container != nil {
			says := map[string]any{"spec": map[string]any{"initContainers": []any{plain(container.Container)}}}
			stages = append(stages, stage{origin: Origin{Source: FromStorageContainer}, values: index(says)})
		}
	}
	return append(stages, stage{origin: Origin{FromDefault, "controller"}, values: index(template)}), nil
}
