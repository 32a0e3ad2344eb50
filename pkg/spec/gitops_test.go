package spec_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

func TestGitOpsDefaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		line string
		want spec.GitOps
	}{
		"Git": {
			"gitops: {engine: flux, repository: ssh://git@github.com/acme/models}",
			spec.GitOps{Engine: "flux", Repository: "ssh://git@github.com/acme/models", Branch: "main", Path: "deploy"},
		},
		"a tag": {
			"gitops: {engine: argocd, repository: 'http://git.llm.svc:8080/m.git', tag: v1.2+3, path: ./clusters/a/}",
			spec.GitOps{Engine: "argocd", Repository: "http://git.llm.svc:8080/m.git", Tag: "v1.2+3", Path: "clusters/a"},
		},
		"OCI": {
			"gitops: {repository: 'oci://registry.llm.svc:5000/models', path: .}",
			spec.GitOps{Repository: "oci://registry.llm.svc:5000/models", Tag: "latest", Path: "."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.want.Flux.Namespace = "flux-system"
			test.want.ArgoCD = spec.ArgoCD{Namespace: "argocd", Project: "default"}
			assert.Equal(t, &test.want, load(t, document(test.line)).Environments[0].GitOps)
		})
	}
	assert.Nil(t, load(t, document()).Environments[0].GitOps)
}

func TestEnvironmentsSayWhereTheyAreSyncedFrom(t *testing.T) {
	t.Parallel()
	m := load(t, document("gitops: {engine: flux}", "environments:",
		"- {name: dev, gitops: null}",
		"- {name: staging, gitops: {repository: 'https://a.example.com/m', branch: staging}}",
		"- {name: production, gitops: {repository: 'oci://b.example.com/m', tag: production, path: .}}"))
	assert.Nil(t, m.Environments[0].GitOps)
	assert.Equal(t, "staging", m.Environments[1].GitOps.Revision())
	assert.Equal(t, "production", m.Environments[2].GitOps.Revision())
	assert.Equal(t, "deploy/x/overlays/staging", m.Environments[1].GitOps.Overlay("x", "staging"))
	assert.Equal(t, "x/overlays/production", m.Environments[2].GitOps.Overlay("x", "production"))
	assert.True(t, m.Environments[2].GitOps.IsOCI())
}

func TestEngines(t *testing.T) {
	t.Parallel()
	engines := func(m *spec.Deployment) []string {
		var list []string
		for _, target := range m.Environments {
			if target.GitOps != nil {
				list = append(list, target.GitOps.Engine)
			}
		}
		return list
	}
	two := []string{
		"gitops: {repository: 'https://a.example.com/m'}", "environments:", "- {name: a, gitops: {engine: flux}}", "- {name: b}", "- {name: c, gitops: null}",
	}
	m := load(t, document(two...))
	assert.Equal(t, []string{"flux", ""}, engines(m))
	m.DefaultEngine("argocd")
	assert.Equal(t, []string{"flux", "argocd"}, engines(m), "what the document says stays")
	require.NoError(t, m.UseEngine("argocd"))
	assert.Equal(t, []string{"argocd", "argocd"}, engines(m))
	require.NoError(t, m.UseEngine(""))
	assert.Equal(t, []string{"", ""}, engines(m))

	without := load(t, document())
	without.DefaultEngine("flux")
	assert.Empty(t, engines(without))
	require.NoError(t, without.UseEngine(""))
	require.EqualError(t, without.UseEngine("flux"),
		"document.yaml:4:3: spec.gitops: is missing; flux must know where to pull from: gitops: {repository: https://github.com/acme/models}")
}

func TestDocumentsThatAreSyncedTogether(t *testing.T) {
	t.Parallel()
	check := func(shared bool, documents ...string) error {
		var all []*spec.Deployment
		for _, text := range documents {
			all = append(all, load(t, text))
		}
		return spec.CheckSync(all, shared)
	}
	argo := "gitops: {engine: argocd, repository: 'https://a.example.com/m'}"
	flux := "gitops: {engine: flux, repository: 'https://a.example.com/m'}"
	require.ErrorContains(t, check(false, named("name: a", argo, "environments: [{name: b-c}]"), named("name: a-b", argo, "environments: [{name: c}]")),
		"metadata.name: environment c would be Application a-b-c, and so is one of model a (document.yaml:1); rename one")
	require.NoError(t, check(true, named("name: a", flux, "environments: [{name: b-c}]"), named("name: a-b", flux, "environments: [{name: c}]")))

	require.ErrorContains(t, check(false, named("name: flux-system", flux)), "metadata.name: the Flux objects are called by the model, and there is a flux-system already")
	require.NoError(t, check(false, named("name: flux-system", argo)))
	long := "environments: [{name: an-environment-with-a-name-that-is-just-about-too-long}]"
	require.ErrorContains(t, check(false, named("name: deepseek-r1", argo, long)),
		`spec.gitops: the Application "deepseek-r1-an-environment-with-a-name-that-is-just-about-too-long" is 66 characters, and a label holds 63`)
	require.NoError(t, check(false, named("name: deepseek-r1", flux, long)))

	other := "gitops: {engine: flux, repository: 'https://b.example.com/m'}"
	require.NoError(t, check(false, named("name: a", flux), named("name: b", other)))
	require.ErrorContains(t, check(true, named("name: a", flux), named("name: b", other)),
		"spec.gitops: environment default is synced otherwise than that of model a (document.yaml:1)")
	require.NoError(t, check(true, named("name: a", flux), named("name: b"), named("name: c", "gitops: {engine: flux, repository: 'https://a.example.com/m', flux: {dependsOn: [x], interval: 5m}}")))
}
