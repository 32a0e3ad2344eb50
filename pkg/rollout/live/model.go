package live

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/spec"
)

// Model is what runs of a model.
type Model struct {
	// Revisions in the order of their names.
	Revisions []Revision
	// Routes are the kind of what shares requests, empty where there is none.
	Routes string
}

// Revision is one that has replicas or requests.
type Revision struct {
	Name string
	// Weight is its share in percent; nil where no route names it.
	Weight *int
	// Mirror is the percentage of the requests that it gets copies of, 0 for none.
	Mirror int
	// Testers is the header by which it can be asked whatever its weight; nil for none.
	Testers *spec.HeaderMatch
	// Wanted and Answering count its replicas.
	Wanted, Answering int
	// Ready is set where as many answer as are wanted, and the newest specification is at work. Reason says why it is not, or
	// that none is wanted.
	Ready  bool
	Reason string
}

// missing is the reason of a revision of which there is nothing.
const missing = "is not in the cluster"

// Find returns a revision, an empty one where it is not there.
func (m Model) Find(name string) (Revision, bool) {
	for _, revision := range m.Revisions {
		if revision.Name == name {
			return revision, true
		}
	}
	return Revision{Name: name, Reason: missing}, false
}

// Read finds out what runs of a model.
func (c *Cluster) Read(ctx context.Context, namespace, model string) (Model, error) {
	r := &reading{cluster: c, namespace: namespace, model: model, found: map[string]*Revision{}}
	if err := r.services(ctx); err != nil {
		return Model{}, err
	}
	if err := r.routes(ctx); err != nil {
		return Model{}, err
	}
	var m Model
	for _, revision := range r.found {
		m.Revisions = append(m.Revisions, *revision)
	}
	slices.SortFunc(m.Revisions, func(a, b Revision) int { return cmp.Compare(a.Name, b.Name) })
	m.Routes = r.kind
	return m, nil
}

// reading collects what is found of a model.
type reading struct {
	cluster          *Cluster
	namespace, model string
	kind             string
	found            map[string]*Revision
}

func (r *reading) revision(name string) *Revision {
	if r.found[name] == nil {
		r.found[name] = &Revision{Name: name, Reason: missing}
	}
	return r.found[name]
}

func (r *reading) labels() map[string]string { return map[string]string{spec.ModelLabel: r.model} }

// services finds the revisions by what they become, and how each is.
func (r *reading) services(ctx context.Context) error {
	for _, each := range []struct {
		kind   kind
		suffix string // of the Deployment that KServe makes
	}{{inferenceServices(), "-predictor"}, {llmInferenceServices(), "-kserve"}} {
		objects, err := r.cluster.list(ctx, each.kind, r.namespace, r.labels())
		if err != nil {
			return err
		}
		for _, o := range objects {
			if err := r.service(ctx, o, each.suffix); err != nil {
				return err
			}
		}
	}
	sets, err := r.cluster.list(ctx, groups(), r.namespace, r.labels())
	for _, set := range sets {
		revision := r.revision(set.revision(r.model))
		revision.count(set, set.number("status", "readyReplicas"))
		r.explain(ctx, revision, set)
	}
	return err
}

// service reads an InferenceService or LLMInferenceService: one revision, or all of them where KServe's own canary has them.
func (r *reading) service(ctx context.Context, o object, suffix string) error {
	if o.GetName() != r.model {
		name := o.revision(r.model)
		if weight, ok := groupWeight(o); ok {
			r.kind = o.GetKind()
			r.revision(name).Weight = &weight
		}
		return r.deployment(ctx, name, o.GetName()+suffix, o)
	}
	r.kind = o.GetKind()
	for name, weight := range canaryWeights(o) {
		r.revision(name).Weight = &weight
		if err := r.deployment(ctx, name, r.model+"-"+name+suffix, o); err != nil {
			return err
		}
	}
	return nil
}

// deployment reads the replicas that KServe makes. The InferenceService's own word comes later and may be about an older
// generation (kserve#6081); it is asked for the reason alone.
func (r *reading) deployment(ctx context.Context, name, deployment string, service object) error {
	revision := r.revision(name)
	d, there, err := r.cluster.get(ctx, deployments(), r.namespace, deployment)
	if err != nil {
		return err
	}
	if !there {
		revision.Reason = cmp.Or(condition(service, "Ready", "PredictorReady"), "KServe has not made its Deployment "+deployment+" yet")
		return nil
	}
	revision.count(d, d.number("status", "availableReplicas"))
	r.explain(ctx, revision, d, service)
	return nil
}

// count compares the replicas that answer with those that are wanted.
func (v *Revision) count(o object, answering int) {
	v.Wanted, v.Answering = o.number("spec", "replicas"), answering
	current := int64(o.number("status", "observedGeneration")) >= o.GetGeneration()
	v.Ready = v.Wanted > 0 && v.Answering >= v.Wanted && current
	v.Reason = ""
	switch {
	case v.Wanted == 0:
		v.Reason = "no replica is wanted: nobody asks, or it was stopped"
	case !current:
		v.Reason = "a change is not carried out yet"
	}
}

// explain finds out why a revision does not answer: what its pods say, or else what its objects do.
func (r *reading) explain(ctx context.Context, v *Revision, objects ...object) {
	if v.Ready || v.Wanted == 0 {
		return
	}
	labels := r.labels()
	labels[spec.RevisionLabel] = v.Name
	found, err := r.cluster.list(ctx, pods(), r.namespace, labels)
	if err != nil { // who may not read pods is told less
		found = nil
	}
	for _, pod := range found {
		if reason := podReason(pod); reason != "" {
			v.Reason = "pod " + pod.GetName() + ": " + reason
			return
		}
	}
	for _, o := range objects {
		if reason := condition(o, "Available", "Progressing", "PredictorReady", "Ready"); reason != "" {
			v.Reason = reason
			return
		}
	}
	v.Reason = cmp.Or(v.Reason, "its replicas do not answer yet")
}

// condition is what the first of an object's conditions says that is not true.
func condition(o object, types ...string) string {
	for _, wanted := range types {
		for _, c := range o.items("status", "conditions") {
			if c["type"] == wanted && c["status"] != "True" {
				if words := words(c); words != "" {
					return words
				}
			}
		}
	}
	return ""
}

// words joins a reason and its message.
func words(m map[string]any) string {
	reason, _ := m["reason"].(string)
	message, _ := m["message"].(string)
	if reason == "" || message == "" {
		return reason + message
	}
	return reason + ": " + strings.TrimSpace(message)
}

// podReason says why a pod does not answer, empty where it does or says nothing.
func podReason(pod object) string {
	for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
		for _, status := range pod.items("status", list) {
			state, _ := status["state"].(map[string]any)
			if waiting, ok := state["waiting"].(map[string]any); ok && waiting["reason"] != "PodInitializing" && waiting["reason"] != "ContainerCreating" {
				return words(waiting)
			}
		}
	}
	for _, wanted := range []string{"PodScheduled", "ContainersReady", "Ready"} {
		for _, c := range pod.items("status", "conditions") {
			if c["type"] == wanted && c["status"] == "False" {
				return words(c)
			}
		}
	}
	return ""
}
