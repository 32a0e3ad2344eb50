package render

import (
	"fmt"
	"slices"

	"github.com/kservegen/kservegen/pkg/istio"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/traffic"
)

// SetCopies puts the copies that the revisions of an environment get into one of its routes, as they would be rendered, in the place
// of those that it has. Copies that go to others stay, behind these.
func SetCopies(route map[string]any, t spec.Target) error {
	fresh, err := built(t, nameOf(route))
	if err != nil {
		return err
	}
	api := copiesOf(t)
	for _, want := range api.rulesOf(fresh) {
		rule := api.rule(route, want["name"])
		if rule == nil {
			return fmt.Errorf("it has no rule %v, which is rendered", want["name"])
		}
		api.replace(rule, want)
	}
	return nil
}

// Copies returns the percentage of the requests that a route sends copies of to a revision, 0 for none. Of rules that differ it is
// the greatest one.
func Copies(route map[string]any, t spec.Target, revision string) int {
	api, most := copiesOf(t), 0
	for _, rule := range traffic.Rules(t) {
		for _, entry := range entries(api.rule(route, rule.Name)[api.list]) {
			if manifest.LookupValue(entry, api.to) == api.name(revision) {
				most = max(most, percentOf(manifest.LookupValue(entry, api.percent)))
			}
		}
	}
	return most
}

// percentOf reads one. Both APIs copy all requests where none is given.
func percentOf(v any) int {
	switch percent := v.(type) {
	case nil:
		return everything
	case int64:
		return int(percent)
	case float64:
		return int(percent)
	}
	return 0
}

// everything is the percentage of all requests.
const everything = 100

// built is a route of an environment as it is without traffic.yaml.
func built(t spec.Target, name any) (map[string]any, error) {
	p := &planner{target: t, byFile: map[string]planned{}}
	p.routes()
	for _, object := range p.objects {
		route, err := manifest.FromTyped(object.Typed)
		if err != nil || nameOf(route) == name {
			return route, err
		}
	}
	return nil, fmt.Errorf("%s has no %s %v", t.Name, t.RouteKind(), name)
}

func nameOf(object map[string]any) any { return manifest.LookupValue(object, "/metadata/name") }

// copiesAPI is where an API has copies in its rules.
type copiesAPI struct {
	// rules of a route, list of a rule, and in an entry of it the Service and the percentage, as JSON pointers but for the list.
	rules, list, to, percent string
	// name of a revision's Service.
	name  func(revision string) string
	names []string
}

func copiesOf(t spec.Target) copiesAPI {
	api := copiesAPI{
		rules: "/spec/http", list: "mirrors", to: "/destination/host", percent: "/percentage/value",
		name: func(revision string) string { return istio.PredictorHost(t, revision) },
	}
	if t.RouteKind() == "HTTPRoute" {
		api = copiesAPI{rules: "/spec/rules", list: "filters", to: "/requestMirror/backendRef/name", percent: "/requestMirror/percent", name: t.Predictor}
	}
	for _, r := range t.Revisions {
		api.names = append(api.names, api.name(r.Name))
	}
	return api
}

func (c copiesAPI) rulesOf(route map[string]any) []map[string]any {
	return entries(manifest.LookupValue(route, c.rules))
}

// rule finds one by its name; nil where there is none.
func (c copiesAPI) rule(route map[string]any, name any) map[string]any {
	for _, rule := range c.rulesOf(route) {
		if rule["name"] == name {
			return rule
		}
	}
	return nil
}

// own reports an entry that leads to one of the revisions.
func (c copiesAPI) own(entry any) bool {
	fields, _ := entry.(map[string]any)
	name, _ := manifest.LookupValue(fields, c.to).(string)
	return slices.Contains(c.names, name)
}

// replace gives a rule the copies of another one, at the place where that has them.
func (c copiesAPI) replace(rule, from map[string]any) {
	has, _ := rule[c.list].([]any)
	want, _ := from[c.list].([]any)
	kept := slices.DeleteFunc(slices.Clone(has), c.own)
	if at := slices.IndexFunc(want, c.own); at >= 0 {
		copies := slices.DeleteFunc(slices.Clone(want), func(entry any) bool { return !c.own(entry) })
		kept = slices.Insert(kept, min(at, len(kept)), copies...)
	}
	rule[c.list] = kept
	if len(kept) == 0 {
		delete(rule, c.list)
	}
}

// entries are those of a list that are mappings.
func entries(list any) []map[string]any {
	items, _ := list.([]any)
	var found []map[string]any
	for _, item := range items {
		if fields, ok := item.(map[string]any); ok {
			found = append(found, fields)
		}
	}
	return found
}
