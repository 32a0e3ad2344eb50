package rule

import "slices"

// LLMContainer is the container of an LLMInferenceService that KServe runs the model in.
const LLMContainer = "main"

// LLMPort is what the Service of an LLMInferenceService serves and leads to (reconcileWorkloadService in
// pkg/controller/v1alpha2/llmisvc/workload.go).
const LLMPort = 8000

// llmWorkload is the Deployment that KServe makes of an LLMInferenceService on one node: with its spec.labels, and none of
// its metadata's (expectedSingleNodeMainDeployment). What baseRefs bring can't be seen.
func llmWorkload(object *Object) *Workload {
	spec := object.Field("spec")
	w := &Workload{
		Object: object, Controller: object.Name + "-kserve", Labels: llmSelector(object.Name), Pod: spec.Field("template"),
		Replicas: spec.Field("replicas").IntOr(1), Made: true, Serves: true, Preset: true, annotations: []Value{spec.Field("annotations")},
	}
	w.Labels["app.kubernetes.io/component"] = "llminferenceservice-workload"
	w.Labels["llm-d.ai/role"] = "both"
	merge(w.Labels, spec.Field("labels"))
	for container := range w.Pod.Field("containers").Items() {
		w.Containers = append(w.Containers, newContainer(container.Field("name").Text(), container))
	}
	// Without a command of its own the server is that of KServe's preset, with a port and probes that don't stand here;
	// over several nodes, or divided by phases, the pods have other labels and the server other presets.
	own := named(w.Pod.Field("containers"), LLMContainer)
	w.partly = spec.Field("baseRefs").Len() > 0 || !own.Field("command").Found() || spec.Field("worker").Found() || spec.Field("prefill").Found()
	w.main = mainAmong(w.Containers)
	return w
}

// llmSelector is the selector of the Service (GetWorkloadLabelSelector).
func llmSelector(name string) map[string]string {
	return map[string]string{
		"app.kubernetes.io/part-of": "llminferenceservice", "app.kubernetes.io/name": name, "kserve.io/component": "workload",
	}
}

func llmService(object *Object) ServiceView {
	return ServiceView{
		Namespace: object.Namespace, Name: object.Name + "-kserve-workload-svc", Object: object,
		Selector: llmSelector(object.Name), Ports: []int64{LLMPort},
	}
}

// canaryWorkloads are the Deployments that KServe makes of an InferenceService's canary, each merged over the stable one
// (buildCanaryPredictor in pkg/controller/v1beta1/inferenceservice/components/predictor.go).
func canaryWorkloads(index *Index, p *Predictor) []*Workload {
	var all []*Workload
	for canary := range p.Field("spec", "canary").Items() {
		spec := canary.Field("predictor")
		own := &Predictor{Object: p.Object, Spec: spec, Model: spec.Field("model"), Runtime: p.Runtime}
		if !own.IsModel() {
			own.Model = p.Model
		}
		if name := own.RuntimeName(); name != "" {
			own.Runtime = index.runtime(p.Namespace, name)
		}
		own.main = canaryContainer(own, p)
		w := ofPredictor(own)
		labels := p.PodLabels()
		for key, value := range w.Labels {
			labels[key] = value
		}
		w.Labels = labels
		w.annotations = append(w.annotations, p.Spec.Field("annotations"))
		w.beneath = p.Spec
		all = append(all, w)
	}
	return all
}

// canaryContainer is the container of a canary: its model's fields win over those of the stable one, whose lists they replace
// (mergo.Merge with WithOverride, in buildCanaryPredictor).
func canaryContainer(canary, stable *Predictor) Container {
	if !canary.IsModel() || !stable.IsModel() {
		return mainContainer(canary)
	}
	models := []Value{stable.Model, canary.Model}
	speaking := models[:1]
	if canary.Model.Field("args").Found() {
		speaking = models[1:]
	}
	if canary.Runtime != nil {
		if main := named(canary.Runtime.Field("spec", "containers"), MainContainer); main.Found() {
			runtime := []Value{main}
			return containerWith(MainContainer, slices.Concat(runtime, models), slices.Concat(runtime, speaking))
		}
	}
	return containerWith(MainContainer, models, speaking)
}
