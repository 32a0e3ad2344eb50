package routing

import (
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// revisionHeader is what answers say their revision by (pkg/spec, RevisionHeader).
const revisionHeader = "x-llm-revision"

func sameRevisionTwice() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0332", Name: "two-destinations-one-revision", Level: finding.Warning,
			Summary: "Answers of two destinations say that they are of one revision.",
			Why: "A response header tells callers, dashboards and kservegen chat which revision answered. Where a destination was copied with its header, " +
				"a canary's answers are counted as those of the revision that it is compared with, and a bad one looks as good.",
			How:   "Let the header of each destination name its own revision.",
			Refs:  []string{"istio/api: networking/v1alpha3/virtual_service.proto, HTTPRouteDestination.headers", "gateway-api: apis/v1/httproute_types.go, HTTPBackendRef.Filters"},
			Kinds: []rule.Kind{rule.VirtualService, rule.HTTPRoute},
		},
		Check: func(c *rule.Context) {
			for _, object := range c.Objects(rule.VirtualService) {
				said := map[string]string{}
				for to := range object.All("spec", "http", "*", "route", "*") {
					service, _, _ := strings.Cut(to.Field("destination", "host").Text(), ".")
					where := strings.TrimSpace(service + " " + to.Field("destination", "subset").Text())
					checkRevealed(c, said, where, setByIstio(to))
				}
			}
			for _, object := range c.Objects(rule.HTTPRoute) {
				said := map[string]string{}
				for to := range object.All("spec", "rules", "*", "backendRefs", "*") {
					checkRevealed(c, said, to.Field("name").Text(), revealedBy(to))
				}
			}
		},
	}
}

// setByIstio is the value of the header that a destination sets.
func setByIstio(destination rule.Value) rule.Value {
	for name, value := range destination.Field("headers", "response", "set").Entries() {
		if strings.EqualFold(name, revisionHeader) {
			return value
		}
	}
	return rule.Value{}
}

// revealedBy is the value of the header that a backend's filters set.
func revealedBy(backend rule.Value) rule.Value {
	for header := range backend.All("filters", "*", "responseHeaderModifier", "set", "*") {
		if strings.EqualFold(header.Field("name").Text(), revisionHeader) {
			return header.Field("value")
		}
	}
	return rule.Value{}
}

// checkRevealed holds what a destination says beside what others did.
func checkRevealed(c *rule.Context, said map[string]string, where string, value rule.Value) {
	revision := value.Text()
	if revision == "" {
		return
	}
	if other, there := said[revision]; there && other != where {
		c.Report(value, "%s says that it is %s, as %s does", where, revision, other)
		return
	}
	said[revision] = where
}
