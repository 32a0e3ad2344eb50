package importer

import (
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// predictorPath is where an InferenceService has its predictor, and canaryPath where it has that of a canary.
const predictorPath = "/spec/predictor"

func canaryPath(i int) string { return fmt.Sprintf("/spec/canary/%d/predictor", i) }

// defaultGateway is the Gateway that KServe's own ConfigMap names (kserveIngressGateway).
const defaultGateway = "kserve/kserve-ingress-gateway"

// canaries are the revisions that an InferenceService of ours has beside its stable one. A base holds those whose runtimes
// only some environments have, and then nothing else of them.
func canaries(r *manifest.Resource, resources []manifest.Resource) []*workload {
	var list []*workload
	if !(&workload{object: r}).ours() {
		return nil
	}
	for i, canary := range items(dig(r.Data, "spec", "canary")) {
		if w := predictor(r, canaryPath(i), fields(dig(canary, "predictor")), resources); w.runtime != nil {
			list = append(list, w)
		}
	}
	return list
}

// llm is the container of an LLMInferenceService on one node.
func llm(r *manifest.Resource) *workload {
	const at = "/spec/template"
	pod := fields(dig(r.Data, "spec", "template"))
	i := indexOfContainer(pod, func(c map[string]any) bool { return c["name"] == "main" })
	if i < 0 {
		return nil
	}
	return &workload{
		object: r, pod: view{{r, at, pod}}, container: view{containerPart(r, at, pod, i)},
		storage: text(dig(r.Data, "spec", "model", "uri")),
	}
}

func (w *workload) isLLM() bool { return w.object.Kind() == spec.ServingLLMInferenceService }

// service is the name of the Service that KServe makes of a workload, and controller that of what has its replicas.
func (w *workload) service() string {
	if w.isLLM() {
		return w.object.Name() + "-kserve-workload-svc"
	}
	if name := text(dig(w.predictor, "name")); name != "" {
		return w.object.Name() + "-" + name + "-predictor"
	}
	return w.object.Name() + "-predictor"
}

func (w *workload) controller() string {
	switch {
	case w.isDeployment() || w.isLeaderWorkerSet():
		return w.object.Name()
	case w.isLLM():
		return w.object.Name() + "-kserve"
	}
	return w.service()
}

// scaleAs fills in the replicas that a base doesn't say: an LLMInferenceService has none where an autoscaler of its own
// scales, and that one is in an overlay.
func (d *draft) scaleAs(drafts []*draft) {
	for revision, part := range d.parts {
		for _, other := range drafts {
			replicas := fields(other.parts[revision]["replicas"])
			if part["replicas"] == nil && number(replicas["max"], 1) > number(replicas["min"], 1) {
				part["replicas"] = replicas
			}
		}
	}
}

// serving infers spec.serving.
func (s *scene) serving() string {
	if w := s.workloads[0]; w.isLLM() || w.isLeaderWorkerSet() {
		return w.object.Kind()
	}
	return ""
}

// byKServe says whether KServe makes the routes between our revisions.
func (s *scene) byKServe() bool {
	if len(s.workloads) == 0 || !s.ours() {
		return false
	}
	w := s.workloads[0]
	return dig(w.object.Data, "spec", "router", "route", "group") != nil || !w.isLLM() && text(dig(w.predictor, "name")) != ""
}

// kserveRule is what KServe makes of the weights in its own objects.
func (s *scene) kserveRule() rule {
	r := rule{kind: weightsRule, data: map[string]any{}, mirrors: map[string]int{}}
	add := func(revision string, weight any) {
		r.revisions = append(r.revisions, revision)
		r.weights = append(r.weights, number(weight, 0))
	}
	first := s.workloads[0]
	if first.isLLM() {
		for _, w := range s.workloads {
			add(w.revision, dig(w.object.Data, "spec", "router", "route", "weight"))
		}
		return r
	}
	rest := 100
	add(text(dig(first.predictor, "name")), nil)
	for _, canary := range items(dig(first.object.Data, "spec", "canary")) {
		add(text(dig(canary, "predictor", "name")), dig(canary, "trafficPercent"))
		rest -= number(dig(canary, "trafficPercent"), 0)
	}
	r.weights[0] = rest
	return r
}

// exposedByKServe infers spec.expose. Which gateway an InferenceService is at stands in KServe's ConfigMap; which namespace
// that is in, in whom the model lets in.
func (s *scene) exposedByKServe() map[string]any {
	expose := map[string]any{"api": spec.APIKServe}
	put(expose, s.gateway(), "gateway")
	for _, account := range s.principals(isGateway) {
		_, name, _ := strings.Cut(account, "/")
		put(expose, name, "gatewayServiceAccount")
	}
	router := dig(s.workloads[0].object.Data, "spec", "router", "route", "http", "spec")
	put(expose, items(dig(router, "hostnames")), "hosts")
	for _, r := range items(dig(router, "rules")) {
		for _, match := range items(dig(r, "matches")) {
			if how, path := pathMatch(match); how == prefixMatch && path != "/" && rewritesPath(fields(r)) {
				put(expose, path+"/", "path")
			}
			for _, header := range items(dig(match, "headers")) {
				put(expose, map[string]any{"header": text(dig(header, "name")), "value": text(dig(header, "value"))}, "header")
			}
		}
	}
	return expose
}

// gatewayOfKServe is the one that an LLMInferenceService names, else that of KServe's installation.
func (s *scene) gatewayOfKServe() string {
	for _, ref := range items(dig(s.workloads[0].object.Data, "spec", "router", "gateway", "refs")) {
		return text(dig(ref, "namespace")) + "/" + text(dig(ref, "name"))
	}
	_, name, _ := strings.Cut(defaultGateway, "/")
	for _, namespace := range s.gatewayNamespaces() {
		return namespace + "/" + name
	}
	return defaultGateway
}

// gatewayNamespaces are those that the policy for the gateway lets in, or whose accounts it does.
func (s *scene) gatewayNamespaces() []string {
	var list []string
	s.each("AuthorizationPolicy", "security.istio.io/", func(r *manifest.Resource) {
		for _, rule := range items(dig(r.Data, "spec", "rules")) {
			for _, from := range items(dig(rule, "from")) {
				if s.selectsUs(r) && isGateway(r) {
					list = append(list, texts(dig(from, "source", "namespaces"))...)
				}
			}
		}
	})
	for _, account := range s.principals(isGateway) {
		namespace, _, _ := strings.Cut(account, "/")
		list = append(list, namespace)
	}
	return list
}

// release is the KServe that our runtimes are said to be for, empty where they say none.
func (s *scene) release() string {
	for _, w := range s.workloads {
		if w.runtime != nil {
			return text(dig(w.runtime.Data, "metadata", "annotations", spec.KServeAnnotation))
		}
	}
	return ""
}
