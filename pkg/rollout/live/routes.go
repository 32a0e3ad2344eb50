package live

import (
	"context"
	"math"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kservegen/kservegen/pkg/spec"
)

// testersRule begins the name of a rule that leads testers to a revision (pkg/traffic).
const testersRule = "testers-"

// behind is what a name has behind that of its model, without what Services are called besides.
func behind(name, model string) string {
	name = strings.TrimPrefix(name, model+"-")
	for _, suffix := range []string{"-predictor", "-kserve-workload-svc"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return name
}

// routes are those of a kind that lead to revisions. That of the chat's page has the model's label, and leads to the page.
func (c *Cluster) routes(ctx context.Context, k kind, namespace string, labels map[string]string) ([]object, error) {
	objects, err := c.list(ctx, k, namespace, labels)
	return slices.DeleteFunc(objects, func(o object) bool { return o.GetLabels()["app.kubernetes.io/component"] == spec.ComponentChat }), err
}

// routes reads the shares from a VirtualService, or else from the HTTPRoutes.
func (r *reading) routes(ctx context.Context) error {
	for _, k := range []kind{virtualServices(), httpRoutes()} {
		objects, err := r.cluster.routes(ctx, k, r.namespace, r.labels())
		if err != nil {
			return err
		}
		for _, o := range objects {
			r.kind = o.GetKind()
			r.rules(o.items("spec", "http"), "route")
			r.rules(o.items("spec", "rules"), "backendRefs")
		}
	}
	return nil
}

// rules reads those of one route. The last one has the weights; what it asks for selects the model and not a revision.
func (r *reading) rules(rules []map[string]any, list string) {
	if len(rules) == 0 {
		return
	}
	last := rules[len(rules)-1]
	for _, rule := range rules {
		name, _ := rule["name"].(string)
		if revision, ok := strings.CutPrefix(name, testersRule); ok {
			r.revision(revision).Testers = testersOf(rule, last)
		}
	}
	backends, _, _ := unstructured.NestedSlice(last, list)
	for _, backend := range mappings(backends) {
		host, _, _ := unstructured.NestedString(backend, "destination", "host")
		if host == "" {
			host, _ = backend["name"].(string)
		}
		service, _, _ := strings.Cut(host, ".")
		weight := weightOf(backend["weight"])
		r.revision(behind(service, r.model)).Weight = &weight
	}
	r.copies(last)
}

// copies reads who gets some of the requests of a rule, as either API writes it: a VirtualService's share is a number of its
// own, and both send every request where none is given.
func (r *reading) copies(rule map[string]any) {
	mirrors, _, _ := unstructured.NestedSlice(rule, "mirrors")
	for _, mirror := range mappings(mirrors) {
		host, _, _ := unstructured.NestedString(mirror, "destination", "host")
		percent, found, _ := unstructured.NestedFieldNoCopy(mirror, "percentage", "value")
		r.copied(host, percent, found)
	}
	filters, _, _ := unstructured.NestedSlice(rule, "filters")
	for _, filter := range mappings(filters) {
		name, is, _ := unstructured.NestedString(filter, "requestMirror", "backendRef", "name")
		percent, found, _ := unstructured.NestedFieldNoCopy(filter, "requestMirror", "percent")
		if is {
			r.copied(name, percent, found)
		}
	}
}

func (r *reading) copied(host string, percent any, given bool) {
	service, _, _ := strings.Cut(host, ".")
	mirror := 100
	switch value := percent.(type) {
	case int64:
		mirror = int(value)
	case float64:
		mirror = int(math.Ceil(value))
	default:
		if given {
			mirror = 0
		}
	}
	r.revision(behind(service, r.model)).Mirror = mirror
}

// weightOf reads a weight. Both APIs leave out one of a single backend.
func weightOf(v any) int {
	if weight, ok := v.(int64); ok {
		return int(weight)
	}
	return 100
}

// headersOf are the exact header matches of a rule, as either API writes them.
func headersOf(rule map[string]any) []spec.HeaderMatch {
	var headers []spec.HeaderMatch
	add := func(name, value any) {
		n, _ := name.(string)
		v, _ := value.(string)
		if n != "" && v != "" {
			headers = append(headers, spec.HeaderMatch{Header: n, Value: v})
		}
	}
	matches, _, _ := unstructured.NestedSlice(rule, "match")
	for _, match := range mappings(matches) {
		named, _ := match["headers"].(map[string]any)
		for name, how := range named {
			how, _ := how.(map[string]any)
			add(name, how["exact"])
		}
	}
	matches, _, _ = unstructured.NestedSlice(rule, "matches")
	for _, match := range mappings(matches) {
		list, _ := match["headers"].([]any)
		for _, header := range mappings(list) {
			add(header["name"], header["value"])
		}
	}
	return headers
}

// testersOf is the header that a rule asks for besides those of another one.
func testersOf(rule, other map[string]any) *spec.HeaderMatch {
	common := headersOf(other)
	for _, header := range headersOf(rule) {
		if !slices.Contains(common, header) {
			return &header
		}
	}
	return nil
}

// canaryWeights are the shares in an InferenceService of all revisions, by revision. The predictor has what the canaries leave.
func canaryWeights(o object) map[string]int {
	weights := map[string]int{}
	rest := 100
	for _, canary := range o.items("spec", "canary") {
		name, _, _ := unstructured.NestedString(canary, "predictor", "name")
		percent, _, _ := unstructured.NestedInt64(canary, "trafficPercent")
		weights[name] = int(percent)
		rest -= int(percent)
	}
	stable, _, _ := unstructured.NestedString(o.Object, "spec", "predictor", "name")
	weights[stable] = rest
	return weights
}

// groupWeight is the share of an LLMInferenceService in its group.
func groupWeight(o object) (int, bool) {
	weight, found, _ := unstructured.NestedInt64(o.Object, "spec", "router", "route", "weight")
	return int(weight), found
}
