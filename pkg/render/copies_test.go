package render_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/spec/spectest"
)

// routes are the objects that share the requests of an environment.
func routes(t *render.Tree, target spec.Target) []map[string]any {
	if target.RoutedByKServe() || target.OmitsRoutes() {
		return nil
	}
	var found []map[string]any
	for _, environment := range t.Environments {
		for _, object := range environment.Objects {
			if environment.Name == target.Environment && object["kind"] == target.RouteKind() && !ofPage(object) {
				found = append(found, object)
			}
		}
	}
	return found
}

// TestCopiesAsRendered: what a route has is what SetCopies gives it, other copies can be read again, and taking them back gives the
// rendered route.
func TestCopiesAsRendered(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		drawn := spectest.Draw(rt).YAML()
		rendered := tree(rt, drawn)
		for _, target := range load(rt, drawn).Environments {
			revision, percent := rapid.IntRange(0, len(target.Revisions)-1).Draw(rt, "revision"), rapid.IntRange(0, 100).Draw(rt, "percent")
			other := target
			other.Revisions = slices.Clone(target.Revisions)
			other.Revisions[revision].Mirror = percent
			for _, route := range routes(rendered, target) {
				changed := manifest.DeepCopy(route)
				require.NoError(rt, render.SetCopies(changed, target))
				require.Equal(rt, route, changed)
				require.NoError(rt, render.SetCopies(changed, other))
				for _, r := range other.Revisions {
					require.Equal(rt, r.Mirror, render.Copies(changed, target, r.Name), r.Name)
				}
				require.NoError(rt, render.SetCopies(changed, target))
				require.Equal(rt, route, changed)
			}
		}
	})
}

const copying = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m}
spec:
  model: {id: org/m}
  runtime: {name: simulator}
  expose: {api: gateway, hosts: [m.example.com], gateway: gateways/models, path: /m/}
  revisions: [{name: v1}, {name: v2}]
  traffic: [{revision: v1, weight: 100}, {revision: v2, weight: 0, mirror: 20}]
`

// TestOthersFiltersStay where a person put them, and copies that go elsewhere are theirs.
func TestOthersFiltersStay(t *testing.T) {
	t.Parallel()
	target := load(t, copying).Environments[0]
	route := routes(tree(t, copying), target)[0]
	rule := route["spec"].(map[string]any)["rules"].([]any)[0].(map[string]any)
	elsewhere := map[string]any{"type": "RequestMirror", "requestMirror": map[string]any{"backendRef": map[string]any{"name": "log"}}}
	header := map[string]any{"type": "RequestHeaderModifier", "requestHeaderModifier": map[string]any{"remove": []any{"x"}}}
	filters := append(rule["filters"].([]any), header, elsewhere) //nolint:gocritic // compared below
	rule["filters"] = slices.Clone(filters)
	require.NoError(t, render.SetCopies(route, target))
	assert.Equal(t, filters, rule["filters"])
	none := target
	none.Revisions = slices.Clone(target.Revisions)
	none.Revisions[1].Mirror = 0
	require.NoError(t, render.SetCopies(route, none))
	assert.Equal(t, []any{filters[0], header, elsewhere}, rule["filters"])
	assert.Zero(t, render.Copies(route, target, "v2"))

	rule["name"] = "other"
	require.EqualError(t, render.SetCopies(route, target), "it has no rule weights, which is rendered")
}
