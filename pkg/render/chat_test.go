package render_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/spec/spectest"
)

const talking = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m, namespace: llm}
spec:
  model: {id: org/m}
  runtime: {name: simulator}
  expose: {api: gateway, hosts: [m.example.com], gateway: gateways/models, path: /m/}
  chat:
    image: registry.example.com/kservegen:v1
    host: chat.example.com
    signIn: {oidc: {issuer: "https://login.example.com", clientId: chat}}
  revisions: [{name: v1}, {name: v2}]
  traffic: [{revision: v1, weight: 90}, {revision: v2, weight: 10}]
  environments:
  - name: none
    chat: {enabled: false}
  - name: test
    chat: {signIn: {basic: {secret: chat-users}}}
  - name: production
    replicas: {min: 2, max: 4}
  - name: bare
    security: {mtls: "off"}
    omit: [serviceaccount, authorizationpolicy, networkpolicy, peerauthentication, poddisruptionbudget]
`

// pageOf lists the kinds of the page's objects in an environment.
func pageOf(t *testing.T, rendered *render.Tree, environment string) []string {
	t.Helper()
	kinds := []string{}
	for _, e := range rendered.Environments {
		for _, object := range e.Objects {
			if e.Name == environment && ofPage(object) {
				assert.Equal(t, "m-chat", manifest.LookupValue(object, "/metadata/name"))
				kinds = append(kinds, object["kind"].(string))
			}
		}
	}
	return kinds
}

// TestPages: an environment without one, one that signs in otherwise, one that grows, and one that leaves objects out.
func TestPages(t *testing.T) {
	t.Parallel()
	rendered := tree(t, talking)
	assert.Empty(t, pageOf(t, rendered, "none"))
	always := []string{"Deployment", "Service", "HTTPRoute", "Role", "RoleBinding"}
	guarded := append([]string{"ServiceAccount", "PeerAuthentication", "AuthorizationPolicy", "NetworkPolicy", "PodDisruptionBudget"}, always...)
	assert.ElementsMatch(t, guarded, pageOf(t, rendered, "test"))
	assert.ElementsMatch(t, append([]string{"RequestAuthentication", "HorizontalPodAutoscaler"}, guarded...), pageOf(t, rendered, "production"))
	assert.ElementsMatch(t, always, pageOf(t, rendered, "bare"))
	for _, environment := range rendered.Environments {
		want, err := environment.Stream()
		require.NoError(t, err)
		require.Equal(t, string(want), string(build(t, contents(rendered), environment.Name)), environment.Name)
	}
	assert.NotContains(t, contents(rendered)["overlays/none/patches/kustomization.yaml"], "m-chat", "no weights are set in the page's route")
	assert.Contains(t, contents(rendered)["overlays/none/patches/kustomization.yaml"], "name: (m|m-mesh)")
}

// TestThePageIsOfNoModel: what selects the model's pods does not select the page's, and nobody but the page has its route.
func TestThePageIsOfNoModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		drawn := spectest.Draw(rt).YAML()
		m := load(rt, drawn)
		for i, environment := range tree(rt, drawn).Environments {
			target, pages := m.Environments[i], 0
			for _, object := range environment.Objects {
				if !ofPage(object) {
					continue
				}
				pages++
				require.Equal(rt, target.ChatName(), manifest.LookupValue(object, "/metadata/name"))
				if object["kind"] == "Deployment" {
					labels, ok := manifest.LookupValue(object, "/spec/template/metadata/labels").(map[string]any)
					require.True(rt, ok)
					require.NotContains(rt, labels, spec.ModelLabel)
					require.Equal(rt, target.Name, labels[spec.ChatLabel])
				}
			}
			require.Equal(rt, target.Chat != nil, pages > 0)
		}
	})
}

// TestSharedHostsOfPages: the gateway serves them beside the models'.
func TestSharedHostsOfPages(t *testing.T) {
	t.Parallel()
	shared, err := render.NewGenerator().Shared([]*spec.Deployment{load(t, talking)})
	require.NoError(t, err)
	for _, environment := range shared.Environments {
		var hosts []any
		for _, object := range environment.Objects {
			if object["kind"] == "Gateway" {
				for _, l := range manifest.LookupValue(object, "/spec/listeners").([]any) {
					hosts = append(hosts, l.(map[string]any)["hostname"])
				}
			}
		}
		want := []any{"chat.example.com", "m.example.com"}
		if environment.Name == "none" {
			want = want[1:]
		}
		assert.Equal(t, want, hosts, environment.Name)
	}
}
