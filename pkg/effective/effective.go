package effective

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// Options of a Builder.
type Options struct {
	// Namespace of objects that name none; empty means default.
	Namespace string
	// Structural applies the defaults of an object's schema, as the API server does before any webhook sees it.
	// It may change data in place. Nil leaves objects as they are.
	Structural func(apiVersion, kind string, data map[string]any) (map[string]any, error)
	// Complete says that the input is all there is in the namespaces it touches, so that a Secret it lacks is
	// missing, and KServe refuses pods that need it. Otherwise Secrets are taken to be kept elsewhere: one that
	// is missing counts as there and empty, and is listed in Result.Assumed.
	Complete bool
	// Explain also fills in Object.Origins, but for LLMInferenceServices.
	Explain bool
	// LLM also runs the controller of LLMInferenceServices, for Effect.LLMs. KServe keeps what it asks of an API server in
	// a variable without a lock, so no two runs with it may go on at once.
	LLM bool
}

// Builder builds effective objects. It is safe for concurrent use.
type Builder struct {
	options Options
	scheme  *runtime.Scheme
	decoder admission.Decoder
	shipped shipped
}

// New returns a Builder that knows the shipped manifests of the pinned KServe release.
func New(options Options) (*Builder, error) {
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	defaults, err := loadShipped()
	if err != nil {
		return nil, err
	}
	if options.Namespace == "" {
		options.Namespace = "default"
	}
	return &Builder{options: options, scheme: scheme, decoder: admission.NewDecoder(scheme), shipped: defaults}, nil
}

// Effect is what KServe makes of a set of objects.
type Effect struct {
	// Services holds one Result per InferenceService, in the order of the input.
	Services []Result
	// LLMs holds one Result per LLMInferenceService of v1alpha2 that its webhook accepts, where Options.LLM asks for it.
	LLMs []Result
	// Refused lists what KServe's webhooks say about objects that are no InferenceServices.
	Refused []Refusal
}

// Result is what KServe makes of one InferenceService.
type Result struct {
	InferenceService manifest.Resource
	// Reference names it, with its namespace.
	Reference finding.Object
	// Defaulted is the InferenceService as the defaulting webhook hands it on; nil where that refuses it. Admitted is
	// the same where the validating webhook accepts it, and otherwise nil.
	Defaulted, Admitted map[string]any
	// Mode is the deployment mode that KServe comes to: Standard, Knative or ModelMesh.
	Mode string
	// Runtime is the kind and name of the runtime that serves, for example ServingRuntime llm/vllm; its Kind is
	// empty where the InferenceService brings its own container.
	Runtime finding.Object
	// Objects that KServe writes: Deployments, Services, HorizontalPodAutoscalers, ScaledObjects, Ingresses and
	// HTTPRoutes, then the rest.
	Objects []Object
	// Pods as admitted, one per Deployment and in their order.
	Pods []Object
	// Deleted are objects that the controller writes and deletes again in the same run, so that they never last.
	Deleted []finding.Object
	// Fleeting are the same as they were written, and the pods that would come of them. Another release of KServe may keep
	// them: 0.20.0 deletes the workers of a replica over several nodes (kserve#6113).
	Fleeting []Object
	// Assumed are the Secrets that KServe looks for and the input lacks. What they hold may add variables and
	// volumes to the pod.
	Assumed []finding.Object
	// Warnings of the webhooks.
	Warnings []string
	// Refused lists why there is less than one would expect. It is empty for a mode other than Standard, for
	// which no objects are built.
	Refused []Refusal
}

// Pod returns the first predictor's pod, nil where there is none.
func (r Result) Pod() map[string]any {
	if len(r.Pods) == 0 {
		return nil
	}
	return r.Pods[0].Data
}

// Certain returns the refusals that hold whatever the assumed Secrets hold: they are looked into for the pods.
func (r Result) Certain() []Refusal {
	return slices.DeleteFunc(slices.Clone(r.Refused), func(refusal Refusal) bool {
		return refusal.By == podWebhook && len(r.Assumed) > 0
	})
}

// Find returns the first object of a kind, nil where there is none.
func (r Result) Find(kind string) map[string]any {
	for _, object := range r.Objects {
		if object.Data["kind"] == kind {
			return object.Data
		}
	}
	return nil
}

// Object is an effective object as JSON-shaped data, without what only a cluster knows: uids, times, versions.
type Object struct {
	Data map[string]any
	// Origins says by JSON pointer where each value comes from; nil unless Options.Explain, and for what belongs
	// to a transformer, an explainer or a canary.
	Origins map[string]Origin
}

// Refusal is KServe saying no.
type Refusal struct {
	Object finding.Object
	// By is who refuses: the name of a webhook, the controller, types where it does not decode, or kservegen where
	// it is not safe to run.
	By string
	// Message in KServe's words.
	Message string
	// Panicked says that KServe's code crashed: a webhook answers with an error, the controller retries for ever.
	Panicked bool
}

// Late reports that the API server accepts the object: KServe's controller fails then, or its webhook refuses the pods.
func (r Refusal) Late() bool { return r.By == controller || r.By == podWebhook }

// NoRuntime reports that the runtime that is named, or any that would do, is not among the objects. It may be in the
// cluster.
func (r Refusal) NoRuntime() bool {
	return strings.Contains(r.Message, "No ServingRuntimes or ClusterServingRuntimes with the name") ||
		strings.Contains(r.Message, "no runtime found to support")
}

func (r Refusal) Error() string {
	if r.By == ourselves {
		return r.Object.String() + ": not run: " + r.Message
	}
	if r.Panicked {
		return r.Object.String() + ": KServe's " + r.By + " panics: " + r.Message
	}
	return r.Object.String() + ": refused by KServe's " + r.By + ": " + r.Message
}

// Of runs KServe over a set of objects, in their order. Kinds that KServe does not look at are passed over. An
// error means that the set could not be looked at; what KServe itself refuses is in the Effect.
func (b *Builder) Of(ctx context.Context, resources []manifest.Resource) (*Effect, error) {
	cluster, effect, err := b.cluster(ctx, resources)
	if err != nil {
		return nil, err
	}
	for _, service := range cluster.services {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		effect.Services = append(effect.Services, b.service(ctx, cluster, service))
	}
	if !b.options.LLM {
		return effect, nil
	}
	for _, service := range cluster.llms {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		effect.LLMs = append(effect.LLMs, b.llm(ctx, cluster, service))
	}
	return effect, nil
}
