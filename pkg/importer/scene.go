package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// scene is what reaches one cluster, looked at from its workloads.
type scene struct {
	name      string
	resources []manifest.Resource
	workloads []*workload
	// route is what leads to the workloads, nil where nothing does: a VirtualService or an HTTPRoute.
	route *manifest.Resource
	// mesh is the HTTPRoute of callers inside the mesh, beside a route at a Gateway.
	mesh   *manifest.Resource
	pulled pulled
}

// newScene finds the workloads of an environment. One of our bases may hold none of its own.
func newScene(name string, resources []manifest.Resource) *scene {
	s := &scene{name: name, resources: resources, workloads: workloads(resources)}
	nameWorkloads(s.workloads)
	s.findRoutes()
	s.findSync()
	return s
}

// findRoutes takes the first VirtualService that leads to the workloads, else the first HTTPRoute at a Gateway and the first
// at a Service.
func (s *scene) findRoutes() {
	var service *manifest.Resource
	for i := range s.resources {
		switch r := &s.resources[i]; {
		case !s.routes(r):
		case r.Kind() == "VirtualService" && (s.route == nil || isHTTPRoute(s.route)):
			s.route = r
		case isHTTPRoute(r) && s.route == nil && parentOf(r, "Gateway") != nil:
			s.route = r
		case isHTTPRoute(r) && service == nil && parentOf(r, "Service") != nil:
			service = r
		}
	}
	switch {
	case s.route == nil:
		s.route = service
	case isHTTPRoute(s.route):
		s.mesh = service
	}
}

func (s *scene) routes(r *manifest.Resource) bool {
	return slices.ContainsFunc(s.rulesOf(r), func(rule rule) bool {
		return slices.ContainsFunc(rule.revisions, func(revision string) bool { return revision != "" })
	})
}

// check refuses what no single document can describe.
func (s *scene) check(from string) error {
	if len(s.workloads) == 0 {
		return fmt.Errorf("%s: nothing in it serves a model with vLLM, but %s; wanted is an InferenceService of format vLLM or huggingface, or a Deployment that runs vllm", from, s.kinds())
	}
	first := s.workloads[0]
	for _, w := range s.workloads[1:] {
		if !s.together(first, w) {
			return fmt.Errorf("%s and %s serve different models, and a document describes one; import them one by one, each with the objects around it", first.placed(), w.placed())
		}
	}
	return nil
}

// kinds lists what there is.
func (s *scene) kinds() string {
	var names []string
	for _, r := range s.resources {
		names = append(names, r.Kind())
	}
	return "has " + strings.Join(distinct(names), ", ")
}

// together says whether two workloads are revisions of one model.
func (s *scene) together(a, b *workload) bool {
	if label := a.podLabels()[spec.ModelLabel]; label != "" || b.podLabels()[spec.ModelLabel] != "" {
		return label == b.podLabels()[spec.ModelLabel] && a.object.Namespace() == b.object.Namespace()
	}
	if a.object.Namespace() != b.object.Namespace() {
		return false
	}
	if s.route != nil && s.reaches(a) && s.reaches(b) || s.serviceOf(a, b) != nil {
		return true
	}
	ids := a.ids()
	return len(ids) > 0 && slices.Equal(ids[:1], b.ids()[:min(len(b.ids()), 1)])
}

// reaches says whether the route leads to a workload, or sends it copies.
func (s *scene) reaches(w *workload) bool {
	return slices.ContainsFunc(s.rules(), func(r rule) bool {
		_, copied := r.mirrors[w.revision]
		return copied || slices.Contains(r.revisions, w.revision)
	})
}

// serviceOf is a Service that selects the pods of all of the workloads.
func (s *scene) serviceOf(all ...*workload) *manifest.Resource {
	for i := range s.resources {
		r := &s.resources[i]
		selector := textMap(dig(r.Data, "spec", "selector"))
		if r.Kind() == "Service" && !slices.ContainsFunc(all, func(w *workload) bool {
			return w.object.Namespace() != r.Namespace() || !selects(selector, w.podLabels()) || w.isPredictor(r)
		}) {
			return r
		}
	}
	return nil
}

// revisionAt is the revision that a host of an object leads to, empty for another host.
func (s *scene) revisionAt(from *manifest.Resource, host string) string {
	name, rest, qualified := strings.Cut(host, ".")
	namespace := from.Namespace()
	if qualified {
		namespace, rest, _ = strings.Cut(rest, ".")
		if rest != "" && rest != "svc" && rest != "svc.cluster.local" {
			return ""
		}
	}
	for _, suffix := range []string{"-predictor", "-kserve-workload-svc"} {
		if made, ok := strings.CutSuffix(name, suffix); ok {
			return s.revisionMade(namespace, name, made)
		}
	}
	for _, w := range s.workloads {
		service := s.service(namespace, name)
		if w.isDeployment() && service != nil && s.only(w, service) {
			return w.revision
		}
		if !w.isDeployment() && w.object.Namespace() == namespace && w.object.Name() == name {
			return w.revision
		}
	}
	return ""
}

// revisionMade is the revision of a Service that KServe makes of an object, which is called made.
func (s *scene) revisionMade(namespace, service, made string) string {
	for _, w := range s.workloads {
		if !w.isDeployment() && w.object.Namespace() == namespace && w.service() == service {
			return w.revision
		}
	}
	return s.unseen(made)
}

// unseen names a revision of one of our models whose objects are elsewhere: a base does not hold those that only some
// environments have.
func (s *scene) unseen(service string) string {
	for _, w := range s.workloads {
		if revision, ok := strings.CutPrefix(service, w.model+"-"); ok && w.ours() {
			return revision
		}
	}
	return ""
}

func (s *scene) service(namespace, name string) *manifest.Resource {
	for i := range s.resources {
		if r := &s.resources[i]; r.Kind() == "Service" && r.Namespace() == namespace && r.Name() == name {
			return r
		}
	}
	return nil
}

// only says whether a Service selects the pods of one workload and of no other.
func (s *scene) only(w *workload, service *manifest.Resource) bool {
	selector := textMap(dig(service.Data, "spec", "selector"))
	for _, other := range s.workloads {
		if selects(selector, other.podLabels()) != (other == w) {
			return false
		}
	}
	return true
}

// each calls f for every object of a kind, whatever its version.
func (s *scene) each(kind, group string, f func(r *manifest.Resource)) {
	for i := range s.resources {
		if r := &s.resources[i]; r.Kind() == kind && strings.HasPrefix(r.APIVersion(), group) {
			f(r)
		}
	}
}

// has says whether there is an object of a kind.
func (s *scene) has(kind string) bool {
	return slices.ContainsFunc(s.resources, func(r manifest.Resource) bool { return r.Kind() == kind })
}

// ours says whether kservegen rendered the workloads.
func (s *scene) ours() bool { return s.workloads[0].ours() }
