package routing

import (
	"iter"
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func weightRange() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0301", Name: "weight-out-of-range", Level: finding.Error,
			Summary: "A route's weight is between 0 and 100.",
			Why: "Neither the CRD nor istiod's webhook knows a greatest weight: Istio splits by weight over the sum of all, so 150 is another share than the file says. " +
				"istiod's webhook refuses a negative weight; where it does not run, the weight becomes a huge unsigned number or is dropped.",
			How:   "Write weights from 0 to 100 that sum to 100.",
			Refs:  []string{"istio: pilot/pkg/networking/core/route/route.go", "istio: pkg/config/validation/validation.go (validateWeight)"},
			Kinds: []rule.Kind{rule.VirtualService},
		},
		Check: func(c *rule.Context) {
			for _, virtual := range c.Objects(rule.VirtualService) {
				for _, protocol := range []string{"http", "tls", "tcp"} {
					for weight := range virtual.All("spec", protocol, "*", "route", "*", "weight") {
						if n := weight.IntOr(0); n < 0 || n > 100 {
							c.Report(weight, "weight %d is not between 0 and 100", n)
						}
					}
				}
			}
		},
	}
}

func weightSum() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0302", Name: "weights-do-not-sum", Level: finding.Error,
			Summary: "The weights of a route with several destinations sum to 100.",
			Why: "Istio splits by weight over the sum of all weights, so 50 and 10 is 83 to 17. A destination without a weight has 0. " +
				"A sum of 0 is refused.",
			How:   "Write a weight at every destination, 100 in all.",
			Refs:  []string{"istio: pkg/config/validation/validation.go (total destination weight)", "argoproj/argo-rollouts#3141"},
			Kinds: []rule.Kind{rule.VirtualService},
		},
		Check: func(c *rule.Context) {
			for _, http := range httpRoutes(c) {
				routes := http.Field("route")
				var weights []string
				sum, negative := int64(0), false
				for route := range routes.Items() {
					weight := route.Field("weight").IntOr(0)
					weights = append(weights, strconv.FormatInt(weight, 10))
					sum += max(min(weight, 1<<32), -1<<32)
					negative = negative || weight < 0
				}
				// One destination gets all, whatever its weight. A negative weight has a rule of its own.
				if routes.Len() > 1 && sum != 100 && !negative {
					c.Report(patchedWeight(routes), "the weights %s sum to %d, so a weight isn't the share that it says",
						strings.Join(weights, ", "), sum)
				}
			}
		},
	}
}

func backendShares() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0327", Name: "backends-do-not-share", Level: finding.Error,
			Summary: "The weights of an HTTPRoute's backends are the shares that they say.",
			Why: "An HTTPRoute splits by weight over the sum of all weights: small numbers are ratios, and larger ones that don't sum to 100 are other percentages than they look like, so 90 and 20 is 82 to 18. " +
				"A backend without a weight has 1, not 0. Where all have 0, or there is none, every request is answered with 500.",
			How:   "Give every rule a backend, and every backend a weight, 100 in all.",
			Refs:  []string{"gateway-api: apis/v1/httproute_types.go (BackendRef.weight)"},
			Kinds: []rule.Kind{rule.HTTPRoute},
		},
		Check: func(c *rule.Context) {
			for _, object := range c.Objects(rule.HTTPRoute) {
				for _, route := range rule.RoutesOf(object) {
					checkBackends(c, route.Rule)
				}
			}
		},
	}
}

// ratio is the greatest weight that is read as one: 9 to 1, but 90 of 100.
const ratio = 10

func checkBackends(c *rule.Context, entry rule.Value) {
	backends := entry.Field("backendRefs")
	var weights []string
	sum, greatest, said := int64(0), int64(0), 0
	for backend := range backends.Items() {
		weight := backend.Field("weight").IntOr(1)
		if backend.Field("weight").Found() {
			said++
		}
		weights = append(weights, strconv.FormatInt(weight, 10))
		sum += min(weight, 1<<32)
		greatest = max(greatest, weight)
	}
	switch {
	case len(weights) == 0 && entry.IsMap() && !redirects(entry):
		c.Report(entry, "the rule leads nowhere: every request gets 500")
	case len(weights) > 0 && sum == 0:
		c.Report(patchedWeight(backends), "no backend has a weight over 0: every request gets 500")
	case said > 0 && said < len(weights):
		c.Report(backends, "a backend without a weight has 1: the weights are %s", strings.Join(weights, ", "))
	case len(weights) > 1 && greatest > ratio && sum != 100:
		c.Report(patchedWeight(backends), "the weights %s sum to %d, so a weight isn't the share that it says", strings.Join(weights, ", "), sum)
	}
}

// redirects says whether a rule answers by itself.
func redirects(entry rule.Value) bool {
	for filter := range entry.Field("filters").Items() {
		if kind := filter.Field("type").Text(); kind == "RequestRedirect" || kind == "ExtensionRef" {
			return true
		}
	}
	return false
}

// patchedWeight is the first weight that stands in another file than its routes: an overlay wrote it, and there the
// sum went wrong. Without one it is the routes themselves.
func patchedWeight(routes rule.Value) rule.Value {
	file := routes.Place().File
	for route := range routes.Items() {
		if weight := route.Field("weight"); weight.Found() && weight.Place().File != file {
			return weight
		}
	}
	return routes
}

func fullMirror() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0315", Name: "mirror-of-everything", Level: finding.Warning,
			Summary: "A mirror of model traffic says its percentage.",
			Why: "Without one, every request is sent to the mirror as well. A mirrored generation costs as much of a GPU as a real one, " +
				"and nobody reads its answer.",
			How:   "Set the percentage of the mirror (mirrorPercentage of the single mirror field), or the percent of an HTTPRoute's requestMirror.",
			Refs:  []string{"istio: VirtualService, HTTPMirrorPolicy", "gateway-api: geps/gep-3171"},
			Kinds: rule.WorkloadKinds(rule.RouteKinds(rule.Service, rule.ServiceEntry)...),
		},
		Check: func(c *rule.Context) {
			for _, route := range c.Routes() {
				if !leadsToModel(c, route) {
					continue
				}
				for mirror := range unlimited(route.Rule) {
					c.Report(mirror, "every generation is repeated on the mirror")
				}
			}
		},
	}
}

// unlimited are the mirrors of a route of either kind that say no share.
func unlimited(http rule.Value) iter.Seq[rule.Value] {
	return func(yield func(rule.Value) bool) {
		if mirror := http.Field("mirror"); mirror.Found() && !http.Field("mirrorPercentage").Found() && !http.Field("mirrorPercent").Found() && !yield(mirror) {
			return
		}
		for mirror := range http.Field("mirrors").Items() {
			if !mirror.Field("percentage").Found() && !yield(mirror) {
				return
			}
		}
		for mirror := range http.All("filters", "*", "requestMirror") {
			if mirror.Found() && !mirror.Field("percent").Found() && !mirror.Field("fraction").Found() && !yield(mirror) {
				return
			}
		}
	}
}
