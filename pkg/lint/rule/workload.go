package rule

import "slices"

// Workload is what makes pods: a predictor, a canary of one, an LLMInferenceService, the leaders or the workers of a
// LeaderWorkerSet, a Deployment, a StatefulSet or a Pod.
type Workload struct {
	*Object
	// Predictor is nil for native workloads.
	Predictor *Predictor
	// Controller is the name of the Deployment or StatefulSet, empty for a Pod.
	Controller string
	// Made is set where KServe makes the Deployment.
	Made bool
	// Serves is set where the kind is one that serves models.
	Serves bool
	// Preset is set where KServe's preset for LLMInferenceServices lies beneath: what the container that serves leaves out
	// of probes, hooks and volumes, the preset says (config/llmisvcconfig/config-llm-template.yaml).
	Preset bool
	// Labels of the pods.
	Labels map[string]string
	// Pod is the pod's spec; of a predictor, spec.predictor.
	Pod Value
	// Replicas at least; known says whether the object says so itself.
	Replicas int64
	// Containers that run side by side.
	Containers []Container

	annotations []Value
	// partly is set where the object doesn't say all of the pod.
	partly bool
	// beneath is what Pod is merged over, not found for most.
	beneath Value
	// joins is set for workers, which serve what their leader hands them.
	joins bool
	// main is the index of the container that serves.
	main int
}

// Workloads returns all that makes pods in the set.
func (c *Context) Workloads() []*Workload {
	c.askAll(WorkloadKinds)
	return c.index.workloads
}

func workloads(index *Index) []*Workload {
	var all []*Workload
	for _, p := range index.predictors {
		all = append(all, ofPredictor(p))
		all = append(all, canaryWorkloads(index, p)...)
	}
	for _, object := range index.kinds[LLMInferenceService] {
		all = append(all, llmWorkload(object))
	}
	for _, object := range index.kinds[LeaderWorkerSet] {
		all = append(all, groupWorkloads(object)...)
	}
	for _, kind := range []Kind{Deployment, StatefulSet} {
		for _, object := range index.kinds[kind] {
			template := object.Field("spec", "template")
			w := native(object, template, template.Field("spec"))
			w.Controller = object.Name
			w.Replicas = object.Field("spec", "replicas").IntOr(1)
			all = append(all, w)
		}
	}
	for _, object := range index.kinds[Pod] {
		all = append(all, native(object, object.Value, object.Field("spec")))
	}
	return all
}

// Jobs returns the pods of Jobs, which are none of Workloads: they serve nobody, and end.
func (c *Context) Jobs() []*Workload {
	var all []*Workload
	for _, object := range c.Objects(Job) {
		template := object.Field("spec", "template")
		job := native(object, template, template.Field("spec"))
		job.Controller = object.Name
		all = append(all, job)
	}
	return all
}

func ofPredictor(p *Predictor) *Workload {
	w := &Workload{
		Object: p.Object, Predictor: p, Controller: p.ServiceName(), Labels: p.PodLabels(), Pod: p.Spec,
		Replicas: p.MinReplicas(), Made: true, Serves: true, Containers: []Container{p.Main()},
	}
	w.annotations = append(w.annotations, p.Spec.Field("annotations"), p.Field("metadata", "annotations"))
	if p.Runtime != nil {
		w.annotations = append(w.annotations, p.Runtime.Field("spec", "annotations"))
	}
	return w
}

func native(object *Object, template, pod Value) *Workload {
	w := &Workload{
		Object: object, Labels: template.Field("metadata", "labels").Map(), Pod: pod, Replicas: 1,
		annotations: []Value{template.Field("metadata", "annotations")},
	}
	for container := range pod.Field("containers").Items() {
		w.Containers = append(w.Containers, newContainer(container.Field("name").Text(), container))
	}
	return w
}

// PodAnnotation returns an annotation of the pods.
func (w *Workload) PodAnnotation(key string) Value {
	for _, annotations := range w.annotations {
		if value := annotations.Field(key); value.Found() {
			return value
		}
	}
	return Value{}
}

// Known says whether the labels and containers of the pods can all be seen.
func (w *Workload) Known() bool { return !w.partly && (w.Predictor == nil || w.Predictor.Known()) }

// Volumes of the pods.
func (w *Workload) Volumes() []Value {
	if w.Predictor != nil && w.beneath.Found() {
		// A canary's list takes the place of the stable one's.
		merged := *w.Predictor
		if !w.Pod.Field("volumes").Found() {
			merged.Spec = w.beneath
		}
		return merged.Volumes()
	}
	if w.Predictor != nil {
		return w.Predictor.Volumes()
	}
	volumes := slices.Collect(w.Pod.Field("volumes").Items())
	for template := range w.Field("spec", "leaderWorkerTemplate", "volumeClaimTemplates").Items() {
		volumes = append(volumes, template.Field("metadata")) // whose name is the volume's
	}
	return volumes
}

// Selects says whether a selector's matchLabels take the pods; an empty selector takes all.
func Selects(matchLabels, labels map[string]string) bool {
	for key, value := range matchLabels {
		if labels[key] != value {
			return false
		}
	}
	return true
}
