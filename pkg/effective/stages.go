package effective

import (
	"context"
	"fmt"

	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/kserve/kserve/pkg/constants"
	isvcutils "github.com/kserve/kserve/pkg/controller/v1beta1/inferenceservice/utils"
	"github.com/kserve/kserve/pkg/utils"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// inputs are the stages before the controller, in the shape of the object: what the InferenceService says as it is
// written, as it is after defaulting, and what the runtime says.
func (r *run) inputs(object client.Object) ([]stage, error) {
	runtime, err := r.runtimeSpec()
	if err != nil {
		return nil, err
	}
	var admitted v1beta1.InferenceService
	if err := r.store.Get(context.Background(), client.ObjectKeyFromObject(r.live), &admitted); err != nil {
		return nil, err
	}
	fromRuntime := r.runtimePart(runtime)
	args := 0
	if list := fromRuntime.pod.Containers; len(list) > 0 {
		args = len(list[0].Args)
	}
	stages := []stage{
		{origin: Origin{Source: FromService}, values: index(shape(object, servicePart(r.written), args))},
		{origin: Origin{FromDefault, "defaulting webhook"}, values: index(shape(object, servicePart(&admitted), args))},
		{origin: Origin{Source: FromRuntime}, values: index(shape(object, fromRuntime, 0))},
	}
	if _, ok := object.(*kedav1alpha1.ScaledObject); ok {
		stages[0].texts = texts(r.written.Spec.Predictor.AutoScaling)
	}
	if r.live.Spec.Predictor.Model != nil {
		// A model has no name; servicePart gives it one to find its container by.
		for _, s := range stages[:2] {
			for _, template := range []string{"", "/spec/template"} {
				delete(s.values, template+"/spec/containers/["+constants.InferenceServiceContainerName+"]/name")
			}
		}
	}
	return stages, nil
}

// part is what one input says about an effective object.
type part struct {
	meta      metav1.ObjectMeta
	pod       corev1.PodSpec
	extension v1beta1.ComponentExtensionSpec
}

// runtimeSpec is the chosen runtime, nil where there is none.
func (r *run) runtimeSpec() (*v1alpha1.ServingRuntimeSpec, error) {
	if r.result.Runtime.Name == "" {
		return nil, nil
	}
	spec, _, err, _ := isvcutils.GetServingRuntime(context.Background(), r.store, r.result.Runtime.Name, r.live.Namespace)
	return spec, err
}

func (r *run) runtimePart(runtime *v1alpha1.ServingRuntimeSpec) part {
	if runtime == nil {
		return part{}
	}
	p := part{
		meta: metav1.ObjectMeta{Labels: runtime.Labels, Annotations: runtime.Annotations},
		pod: corev1.PodSpec{
			NodeSelector: runtime.NodeSelector, Affinity: runtime.Affinity, Tolerations: runtime.Tolerations,
			Volumes: runtime.Volumes, ImagePullSecrets: runtime.ImagePullSecrets, SchedulerName: runtime.SchedulerName,
		},
	}
	for _, container := range runtime.Containers {
		// A placeholder that KServe cannot replace is refused by the controller; then there is nothing to explain.
		_ = isvcutils.ReplacePlaceholders(&container, r.live.ObjectMeta)
		p.pod.Containers = append(p.pod.Containers, container)
	}
	return p
}

func servicePart(service *v1beta1.InferenceService) part {
	predictor := service.Spec.Predictor
	p := part{
		meta: metav1.ObjectMeta{
			Namespace:   service.Namespace,
			Labels:      utils.Union(service.Labels, predictor.Labels),
			Annotations: utils.Union(service.Annotations, predictor.Annotations),
		},
		pod:       *(*corev1.PodSpec)(&predictor.PodSpec).DeepCopy(),
		extension: predictor.ComponentExtensionSpec,
	}
	if predictor.Model != nil {
		container := *predictor.Model.Container.DeepCopy()
		container.Name = constants.InferenceServiceContainerName
		_ = isvcutils.ReplacePlaceholders(&container, service.ObjectMeta)
		p.pod.Containers = append([]corev1.Container{container}, p.pod.Containers...)
	}
	return p
}

// shape lays a part out as the object that is explained. KServe appends the InferenceService's args to the
// runtime's, so they stand that many places further on.
func shape(object client.Object, p part, args int) map[string]any {
	meta, pod := plain(p.meta), plain(p.pod)
	containers, _ := lookup(pod, "containers").([]any)
	if len(containers) > 0 && args > 0 {
		first := containers[0].(map[string]any)
		if own, ok := first["args"].([]any); ok {
			first["args"] = append(make([]any, args), own...)
		}
	}
	switch object.(type) {
	case *corev1.Pod:
		return map[string]any{"metadata": meta, "spec": pod}
	case *appsv1.Deployment:
		spec := map[string]any{"template": map[string]any{"metadata": meta, "spec": pod}}
		if p.extension.MinReplicas != nil {
			spec["replicas"] = int64(*p.extension.MinReplicas)
		}
		if p.extension.DeploymentStrategy != nil {
			spec["strategy"] = plain(p.extension.DeploymentStrategy)
		}
		return map[string]any{"metadata": meta, "spec": spec}
	case *corev1.Service:
		return map[string]any{"metadata": meta, "spec": map[string]any{"ports": servicePorts(p.pod)}}
	}
	return map[string]any{"metadata": meta, "spec": scaling(p.extension)}
}

// texts collects what metrics say: KServe spreads it over the triggers of a ScaledObject.
func texts(scaling *v1beta1.AutoScalingSpec) map[string]bool {
	found := map[string]bool{}
	for _, l := range leaves(plain(scaling)) {
		found[fmt.Sprint(l.value)] = true
	}
	return found
}

func servicePorts(pod corev1.PodSpec) []any {
	var ports []any
	if len(pod.Containers) == 0 {
		return nil
	}
	for _, port := range pod.Containers[0].Ports {
		ports = append(ports, map[string]any{
			"name": port.Name, "targetPort": int64(port.ContainerPort), "protocol": string(port.Protocol),
		})
	}
	return ports
}

// scaling has the fields of a HorizontalPodAutoscaler and of a ScaledObject side by side.
func scaling(extension v1beta1.ComponentExtensionSpec) map[string]any {
	spec := map[string]any{}
	if extension.MinReplicas != nil {
		spec["minReplicas"], spec["minReplicaCount"] = int64(*extension.MinReplicas), int64(*extension.MinReplicas)
	}
	if extension.MaxReplicas > 0 {
		spec["maxReplicas"], spec["maxReplicaCount"] = int64(extension.MaxReplicas), int64(extension.MaxReplicas)
	}
	var metrics []any
	switch {
	case extension.AutoScaling != nil:
		metrics, _ = lookup(plain(extension.AutoScaling), "metrics").([]any)
	case extension.ScaleMetric != nil || extension.ScaleTarget != nil:
		target := map[string]any{}
		if extension.ScaleTarget != nil {
			target["averageUtilization"] = int64(*extension.ScaleTarget)
		}
		resource := map[string]any{"target": target}
		if extension.ScaleMetric != nil {
			resource["name"] = string(*extension.ScaleMetric)
		}
		metrics = []any{map[string]any{"resource": resource}}
	}
	if len(metrics) > 0 {
		spec["metrics"] = metrics
	}
	return spec
}
