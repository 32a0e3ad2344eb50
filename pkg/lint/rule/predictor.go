package rule

import (
	"cmp"
	"strings"
)

// MainContainer is the container that KServe runs the model in.
const MainContainer = "kserve-container"

// Predictor is an InferenceService and the runtime that it names.
type Predictor struct {
	*Object
	// Spec is spec.predictor, Model spec.predictor.model, not found in a custom predictor.
	Spec, Model Value
	// Runtime is the runtime that is named; nil where none is, or where it isn't in the set.
	Runtime *Object

	main Container
}

// Deployment modes (pkg/constants/constants.go).
const (
	Standard = "Standard"
	Knative  = "Knative"
)

// Annotations of an InferenceService.
const (
	ModeAnnotation  = "serving.kserve.io/deploymentMode"
	ClassAnnotation = "serving.kserve.io/autoscalerClass"
)

func predictors(index *Index) []*Predictor {
	var all []*Predictor
	for _, object := range index.kinds[InferenceService] {
		spec := object.Field("spec", "predictor")
		p := &Predictor{Object: object, Spec: spec, Model: spec.Field("model")}
		if name := p.RuntimeName(); name != "" {
			p.Runtime = index.runtime(object.Namespace, name)
		}
		p.main = mainContainer(p)
		all = append(all, p)
	}
	return all
}

// runtime finds one by its name: a namespace's wins over the cluster's (GetServingRuntime, utils.go).
func (i *Index) runtime(namespace, name string) *Object {
	if runtime := i.find(ServingRuntime, namespace, name); runtime != nil {
		return runtime
	}
	return i.find(ClusterServingRuntime, "", name)
}

// Predictors returns the set's InferenceServices with their runtimes.
func (c *Context) Predictors() []*Predictor {
	c.askAll(PredictorKinds)
	return c.index.predictors
}

// RuntimeName is the runtime that the InferenceService names; empty where KServe chooses.
func (p *Predictor) RuntimeName() string { return p.Model.Field("runtime").Text() }

// IsModel says whether a runtime serves a model, rather than containers of the InferenceService alone.
func (p *Predictor) IsModel() bool { return p.Model.IsMap() }

// Known says whether all of the pod can be seen in the set.
func (p *Predictor) Known() bool { return p.Runtime != nil || !p.IsModel() }

// Mode is the deployment mode, with today's names; empty where the cluster's configuration decides.
func (p *Predictor) Mode() string {
	switch mode := p.Annotation(ModeAnnotation).Text(); mode {
	case "RawDeployment":
		return Standard
	case "Serverless":
		return Knative
	default:
		return mode
	}
}

// Class is the autoscaler class; hpa where none is named. The reconciler reads it from the merged annotations,
// the webhook from those of the InferenceService alone.
func (p *Predictor) Class() string {
	return cmp.Or(p.PodAnnotation(ClassAnnotation).Text(), "hpa")
}

// ServiceName is the name of the predictor's Deployment and Service (PredictorServiceName, constants.go).
func (p *Predictor) ServiceName() string { return serviceName(p.Name, p.Spec) }

func serviceName(service string, predictor Value) string {
	if name := predictor.Field("name").Text(); name != "" {
		return service + "-" + name + "-predictor"
	}
	return service + "-predictor"
}

// MinReplicas defaults to 1.
func (p *Predictor) MinReplicas() int64 { return p.Spec.Field("minReplicas").IntOr(1) }

// MaxReplicas is at least MinReplicas (createHPA, reconcilers/hpa/hpa_reconciler.go).
func (p *Predictor) MaxReplicas() int64 {
	return max(p.MinReplicas(), p.Spec.Field("maxReplicas").IntOr(0))
}

// StorageURIs are all places that the model is loaded from.
func (p *Predictor) StorageURIs() []Value {
	var uris []Value
	if uri := p.Model.Field("storageUri"); uri.Found() {
		uris = append(uris, uri)
	}
	for entry := range p.Spec.Field("storageUris").Items() {
		uris = append(uris, entry.Field("uri"))
	}
	return uris
}

// Main is the container that serves the model.
func (p *Predictor) Main() Container { return p.main }

func mainContainer(p *Predictor) Container {
	if !p.IsModel() {
		return newContainer(MainContainer, firstOrNamed(p.Spec.Field("containers")))
	}
	if p.Runtime != nil {
		if main := named(p.Runtime.Field("spec", "containers"), MainContainer); main.Found() {
			return newContainer(MainContainer, main, p.Model)
		}
	}
	return newContainer(MainContainer, p.Model)
}

// Volumes of the pod: the runtime's and the InferenceService's.
func (p *Predictor) Volumes() []Value {
	var volumes []Value
	if p.Runtime != nil {
		for volume := range p.Runtime.Field("spec", "volumes").Items() {
			volumes = append(volumes, volume)
		}
	}
	for volume := range p.Spec.Field("volumes").Items() {
		volumes = append(volumes, volume)
	}
	return volumes
}

// PodLabels are what selectors see (buildObjectMeta, components/predictor.go; createRawDefaultDeployment).
func (p *Predictor) PodLabels() map[string]string {
	labels := map[string]string{}
	if p.Runtime != nil {
		merge(labels, p.Runtime.Field("spec", "labels"))
	}
	merge(labels, p.Object.Field("metadata", "labels"))
	merge(labels, p.Spec.Field("labels"))
	labels["serving.kserve.io/inferenceservice"] = p.Name
	labels["component"] = "predictor"
	labels["app"] = "isvc." + p.ServiceName()
	return labels
}

// PodAnnotation returns an annotation of the pods, not found where none of the three places has it.
func (p *Predictor) PodAnnotation(key string) Value {
	if value := p.Spec.Field("annotations", key); value.Found() {
		return value
	}
	if value := p.Annotation(key); value.Found() || p.Runtime == nil {
		return value
	}
	return p.Runtime.Field("spec", "annotations", key)
}

// ServesLLM says whether the predictor runs vLLM, or something that wraps it.
func (p *Predictor) ServesLLM() bool {
	if IsVLLM(p.Main()) || p.Spec.Field("huggingface").Found() {
		return true
	}
	format := p.Model.Field("modelFormat", "name").Text()
	return strings.EqualFold(format, "vllm") || format == "huggingface"
}

func merge(into map[string]string, from Value) {
	for key, value := range from.Map() {
		into[key] = value
	}
}

func named(list Value, name string) Value {
	for item := range list.Items() {
		if item.Field("name").Text() == name {
			return item
		}
	}
	return Value{}
}

func firstOrNamed(containers Value) Value {
	if main := named(containers, MainContainer); main.Found() {
		return main
	}
	return containers.Item(0)
}
