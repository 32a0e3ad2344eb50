package gitops_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/gitops"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/schema"
	"github.com/kservegen/kservegen/pkg/spec"
)

// document has two revisions in production and one in dev. %s is the section gitops, without its braces.
const document = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: deepseek-r1, namespace: llm}
spec:
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, source: s3://models/deepseek}
  accelerator: {type: a10g}
  replicas: {min: 2}
  revisions:
  - {name: v1}
  - {name: v2, replicas: {min: 1}}
  traffic:
  - {revision: v1, weight: 90}
  - {revision: v2, weight: 10}
  gitops: {%s}
  environments:
  - {name: dev, traffic: [{revision: v1, weight: 100}]}
  - {name: production}
`

const git = "engine: flux, repository: https://github.com/acme/models"

func load(t testing.TB, text string) *spec.Deployment {
	t.Helper()
	deployments, err := spec.Load("document.yaml", strings.NewReader(text))
	require.NoError(t, err)
	return deployments[0]
}

// objects are those of an environment, by the names of their files, as they stand there.
func objects(t testing.TB, gitopsSection, environment string) map[string]map[string]any {
	t.Helper()
	for _, target := range load(t, fmt.Sprintf(document, gitopsSection)).Environments {
		if target.Environment == environment {
			return data(t, gitops.Objects(target))
		}
	}
	require.Fail(t, "there is no environment "+environment)
	return nil
}

func data(t testing.TB, list []manifest.Object) map[string]map[string]any {
	t.Helper()
	found := map[string]map[string]any{}
	for _, object := range list {
		one, err := manifest.FromTyped(object.Typed)
		require.NoError(t, err)
		found[object.File] = one
	}
	return found
}

func at(object map[string]any, path ...string) any {
	var v any = object
	for _, step := range path {
		fields, _ := v.(map[string]any)
		v = fields[step]
	}
	return v
}

func TestFluxFromGit(t *testing.T) {
	t.Parallel()
	found := objects(t, git+", branch: live, path: clusters/a, flux: {interval: 5m, secret: deploy-key, dependsOn: [kservegen-shared, platform/istio]}", "production")
	require.Len(t, found, 2)
	assert.Equal(t, map[string]any{
		"url": "https://github.com/acme/models", "interval": "5m0s", "ref": map[string]any{"branch": "live"}, "secretRef": map[string]any{"name": "deploy-key"},
	}, found["gitrepository"]["spec"])
	sync := found["sync"]
	assert.Equal(t, "deepseek-r1", at(sync, "metadata", "name"))
	assert.Equal(t, "flux-system", at(sync, "metadata", "namespace"))
	assert.Equal(t, "./clusters/a/deepseek-r1/overlays/production", at(sync, "spec", "path"))
	assert.Equal(t, map[string]any{"kind": "GitRepository", "name": "deepseek-r1"}, at(sync, "spec", "sourceRef"))
	assert.Equal(t, true, at(sync, "spec", "prune"))
	assert.Equal(t, []any{map[string]any{"name": "kservegen-shared"}, map[string]any{"name": "istio", "namespace": "platform"}}, at(sync, "spec", "dependsOn"))
	assert.Equal(t, []any{
		map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": "deepseek-r1-v1-predictor", "namespace": "llm"},
		map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": "deepseek-r1-v2-predictor", "namespace": "llm"},
	}, at(sync, "spec", "healthChecks"))
	for _, field := range []string{"targetNamespace", "commonMetadata", "force", "namePrefix", "postBuild"} {
		assert.Nil(t, at(sync, "spec", field), field)
	}
}

// TestFluxWaitsForWhatRunsThere: dev has one of the revisions.
func TestFluxWaitsForWhatRunsThere(t *testing.T) {
	t.Parallel()
	checks, ok := at(objects(t, git, "dev")["sync"], "spec", "healthChecks").([]any)
	require.True(t, ok)
	require.Len(t, checks, 1)
	assert.Equal(t, "deepseek-r1-v1-predictor", checks[0].(map[string]any)["name"])
}

func TestFluxFromAnArtifact(t *testing.T) {
	t.Parallel()
	for repository, provider := range map[string]any{
		"oci://ghcr.io/acme/models":                                      nil,
		"oci://registry.llm.svc:5000/models":                             nil,
		"oci://123456789012.dkr.ecr.us-east-1.amazonaws.com/models":      "aws",
		"oci://123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/models":  "aws",
		"oci://acme.azurecr.io/models":                                   "azure",
		"oci://europe-docker.pkg.dev/acme/models/trees":                  "gcp",
		"oci://eu.gcr.io/acme/models":                                    "gcp",
		"oci://evil.example.com/123456789012.dkr.ecr.a.amazonaws.com/xy": nil,
	} {
		found := objects(t, "engine: flux, tag: live, path: ., repository: "+repository, "production")
		require.NotNil(t, found["ocirepository"], repository)
		assert.Equal(t, repository, at(found["ocirepository"], "spec", "url"))
		assert.Equal(t, map[string]any{"tag": "live"}, at(found["ocirepository"], "spec", "ref"))
		assert.Equal(t, provider, at(found["ocirepository"], "spec", "provider"), repository)
		assert.Equal(t, "OCIRepository", at(found["sync"], "spec", "sourceRef", "kind"))
		assert.Equal(t, "./deepseek-r1/overlays/production", at(found["sync"], "spec", "path"))
	}
	found := objects(t, "engine: flux, repository: oci://acme.azurecr.io/models, flux: {secret: pull}", "production")
	assert.Nil(t, at(found["ocirepository"], "spec", "provider"), "a Secret is a choice of its own")
}

// TestFluxWaitsAsLongAsAModelLoads: image, download, start-up budget; the longest of all revisions.
func TestFluxWaitsAsLongAsAModelLoads(t *testing.T) {
	t.Parallel()
	timeout := func(spec string) time.Duration {
		text := "apiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\nspec:\n" + spec + "  gitops: {" + git + "}\n"
		object := data(t, gitops.Objects(load(t, text).Environments[0]))["sync"]
		value, err := time.ParseDuration(at(object, "spec", "timeout").(string))
		require.NoError(t, err)
		return value
	}
	const a10g = "  accelerator: {type: a10g}\n"
	mounted := timeout(a10g + "  model: {id: openai/gpt-oss-20b, source: pvc://models/gpt}\n")
	fetched := timeout(a10g + "  model: {id: openai/gpt-oss-20b, source: s3://models/gpt}\n")
	assert.Greater(t, fetched, mounted+time.Minute)
	assert.Greater(t, mounted, 10*time.Minute)
	unknown := timeout("  accelerator: {type: a10g, perReplica: 1}\n  model: {id: acme/unknown, source: hf://acme/unknown}\n")
	assert.Greater(t, unknown, 50*time.Minute)
	assert.Equal(t, 5*time.Minute, timeout("  runtime: {name: simulator}\n  model: {id: acme/unknown}\n"))
	assert.Greater(t, timeout("  runtime: {name: simulator, startupTimeout: 20m}\n  model: {id: acme/unknown}\n"), 20*time.Minute)
	slow := timeout(a10g + "  model: {id: openai/gpt-oss-20b, source: pvc://models/gpt}\n  revisions: [{name: v1}, {name: v2, runtime: {startupTimeout: 3h}}, {name: v3}]\n  traffic: [{revision: v1, weight: 100}, {revision: v2, weight: 0}, {revision: v3, weight: 0}]\n")
	assert.Greater(t, slow, 3*time.Hour)
}

// TestHealthOfADeployment evaluates the expressions as Flux does (fluxcd/pkg/runtime/cel, expression.go and
// status_evaluator.go): failed before current, and otherwise in progress.
func TestHealthOfADeployment(t *testing.T) {
	t.Parallel()
	exprs, ok := at(objects(t, git, "production")["sync"], "spec", "healthCheckExprs").([]any)
	require.True(t, ok)
	require.Len(t, exprs, 1)
	check := exprs[0].(map[string]any)
	assert.Equal(t, "apps/v1", check["apiVersion"])
	assert.Equal(t, "Deployment", check["kind"])

	const v1, v2 = "deepseek-r1-v1-predictor", "deepseek-r1-v2-predictor" // which always have 2 replicas and 1
	condition := func(kind, status, reason string) map[string]any {
		return map[string]any{"type": kind, "status": status, "reason": reason}
	}
	for name, test := range map[string]struct {
		deployment string
		replicas   int64
		status     map[string]any
		want       string
	}{
		"new":                {v1, 2, map[string]any{}, "in progress"},
		"loads":              {v1, 2, map[string]any{"updatedReplicas": int64(2), "unavailableReplicas": int64(2)}, "in progress"},
		"loads for long":     {v1, 2, map[string]any{"updatedReplicas": int64(2), "conditions": []any{condition("Progressing", "False", "ProgressDeadlineExceeded")}}, "in progress"},
		"one of two":         {v1, 2, map[string]any{"updatedReplicas": int64(2), "availableReplicas": int64(1)}, "in progress"},
		"both":               {v1, 2, map[string]any{"updatedReplicas": int64(2), "availableReplicas": int64(2)}, "current"},
		"the other's one":    {v2, 1, map[string]any{"updatedReplicas": int64(1), "availableReplicas": int64(1)}, "current"},
		"is scaled up":       {v1, 6, map[string]any{"updatedReplicas": int64(6), "availableReplicas": int64(2), "conditions": []any{condition("Available", "False", "MinimumReplicasUnavailable")}}, "current"},
		"is replaced":        {v1, 2, map[string]any{"updatedReplicas": int64(1), "availableReplicas": int64(2)}, "in progress"},
		"surges":             {v1, 2, map[string]any{"replicas": int64(4), "updatedReplicas": int64(2), "availableReplicas": int64(2)}, "in progress"},
		"pods are refused":   {v1, 2, map[string]any{"conditions": []any{condition("Progressing", "True", "x"), condition("ReplicaFailure", "True", "FailedCreate")}}, "failed"},
		"pods were refused":  {v1, 2, map[string]any{"updatedReplicas": int64(2), "availableReplicas": int64(2), "conditions": []any{condition("ReplicaFailure", "False", "x")}}, "current"},
		"conditions unknown": {v1, 2, map[string]any{"conditions": []any{}}, "in progress"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, has := test.status["replicas"]; !has && test.status["updatedReplicas"] != nil {
				test.status["replicas"] = test.status["updatedReplicas"]
			}
			object := map[string]any{
				"metadata": map[string]any{"name": test.deployment}, "spec": map[string]any{"replicas": test.replicas}, "status": test.status,
			}
			got := "in progress"
			switch {
			case evaluate(t, check["failed"], object):
				got = "failed"
			case evaluate(t, check["current"], object):
				got = "current"
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func evaluate(t *testing.T, expression any, object map[string]any) bool {
	t.Helper()
	env, err := cel.NewEnv(cel.HomogeneousAggregateLiterals(), cel.EagerlyValidateDeclarations(true), cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true), cel.OptionalTypes(), ext.Strings(), ext.Sets(), ext.Encoders())
	require.NoError(t, err)
	parsed, issues := env.Parse(expression.(string))
	require.NoError(t, issues.Err())
	program, err := env.Program(parsed)
	require.NoError(t, err)
	value, _, err := program.ContextEval(context.Background(), object)
	require.NoError(t, err)
	return value.Value().(bool)
}

// TestHealthAtZero: a revision that may go to zero is current there, one that may not isn't; where a pod starts, it is waited for.
func TestHealthAtZero(t *testing.T) {
	t.Parallel()
	text := strings.Replace(fmt.Sprintf(document, git), "replicas: {min: 2}",
		"replicas: {min: 0, max: 2}\n  scaling: {type: keda}\n  expose: {hosts: [a.example.com], gateway: istio-ingress/llm}", 1)
	exprs := at(data(t, gitops.Objects(load(t, text).Environments[1]))["sync"], "spec", "healthCheckExprs").([]any)
	const sleeps, serves = "deepseek-r1-v1-predictor", "deepseek-r1-v2-predictor"
	for name, test := range map[string]struct {
		deployment string
		replicas   int64
		status     map[string]any
		want       bool
	}{
		"at zero":           {sleeps, 0, map[string]any{"observedGeneration": int64(1)}, true},
		"starts":            {sleeps, 1, map[string]any{"replicas": int64(1), "updatedReplicas": int64(1)}, false},
		"serves":            {sleeps, 1, map[string]any{"replicas": int64(1), "updatedReplicas": int64(1), "availableReplicas": int64(1)}, true},
		"the other at zero": {serves, 0, map[string]any{"observedGeneration": int64(1)}, false},
	} {
		object := map[string]any{"metadata": map[string]any{"name": test.deployment}, "spec": map[string]any{"replicas": test.replicas}, "status": test.status}
		assert.Equal(t, test.want, evaluate(t, exprs[0].(map[string]any)["current"], object), name)
	}
}

func TestHealthOfEqualRevisionsNamesNone(t *testing.T) {
	t.Parallel()
	exprs := at(objects(t, git, "dev")["sync"], "spec", "healthCheckExprs").([]any)
	assert.Contains(t, exprs[0].(map[string]any)["current"], "status.availableReplicas >= 2 &&")
}

// TestHealthOfGroups: a LeaderWorkerSet counts groups, and no pod of it counts alone.
func TestHealthOfGroups(t *testing.T) {
	t.Parallel()
	target := load(t, `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: r1, namespace: llm}
spec:
  model: {id: deepseek-ai/DeepSeek-R1, source: pvc://models/r1}
  serving: LeaderWorkerSet
  accelerator: {type: h100}
  replicas: {min: 2}
  gitops: {`+git+`}
`).Environments[0]
	sync := data(t, gitops.Objects(target))["sync"]
	assert.Equal(t, []any{map[string]any{"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet", "name": "r1-v1", "namespace": "llm"}},
		at(sync, "spec", "healthChecks"))
	check := at(sync, "spec", "healthCheckExprs").([]any)[0].(map[string]any)
	assert.NotContains(t, check, "failed", "it has no condition that says so")
	object := func(ready, updated int64) map[string]any {
		return map[string]any{"metadata": map[string]any{"name": "r1-v1"}, "spec": map[string]any{"replicas": int64(2)},
			"status": map[string]any{"replicas": int64(2), "readyReplicas": ready, "updatedReplicas": updated}}
	}
	assert.True(t, evaluate(t, check["current"], object(2, 2)))
	assert.False(t, evaluate(t, check["current"], object(1, 2)), "a group loads")
	assert.False(t, evaluate(t, check["current"], object(2, 1)), "a group is replaced")
}

func TestArgoCD(t *testing.T) {
	t.Parallel()
	app := objects(t, "engine: argocd, repository: https://github.com/acme/models, tag: v1", "production")["application"]
	require.NotNil(t, app)
	assert.Equal(t, "deepseek-r1-production", at(app, "metadata", "name"))
	assert.Equal(t, "argocd", at(app, "metadata", "namespace"))
	assert.Equal(t, map[string]any{"repoURL": "https://github.com/acme/models", "targetRevision": "v1", "path": "deploy/deepseek-r1/overlays/production"}, at(app, "spec", "source"))
	assert.Equal(t, map[string]any{"server": "https://kubernetes.default.svc", "namespace": "llm"}, at(app, "spec", "destination"))
	assert.Equal(t, map[string]any{"prune": true, "selfHeal": true}, at(app, "spec", "syncPolicy", "automated"))
	assert.Contains(t, at(app, "spec", "syncPolicy", "syncOptions"), "ServerSideApply=true")

	other := objects(t, "engine: argocd, repository: https://github.com/acme/models, argocd: {namespace: gitops, project: llm, cluster: eu-1}", "dev")["application"]
	assert.Equal(t, "gitops", at(other, "metadata", "namespace"))
	assert.Equal(t, "llm", at(other, "spec", "project"))
	assert.Equal(t, map[string]any{"name": "eu-1", "namespace": "llm"}, at(other, "spec", "destination"))
}

// TestArgoCDKeepsClaims: only where there are some.
func TestArgoCDKeepsClaims(t *testing.T) {
	t.Parallel()
	const argo = "  gitops: {engine: argocd, repository: https://github.com/acme/models}\n"
	const claim = "apiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\nspec:\n  accelerator: {type: a10g}\n  model: {id: openai/gpt-oss-20b, source: pvc://models/gpt, volume: {size: 1Ti}}\n" + argo
	patched := func(text string) any {
		return at(data(t, gitops.Objects(load(t, text).Environments[0]))["application"], "spec", "source", "kustomize")
	}
	assert.NotNil(t, patched(claim))
	assert.Nil(t, patched(claim+"  omit: [persistentvolumeclaim]\n"))
	assert.Nil(t, patched(strings.Replace(claim, ", volume: {size: 1Ti}", "", 1)))
}

func TestSharedIsNeverPruned(t *testing.T) {
	t.Parallel()
	for _, engine := range spec.Engines() {
		m := load(t, fmt.Sprintf(document, "engine: "+engine+", repository: https://github.com/acme/models, flux: {dependsOn: [kservegen-shared]}"))
		labels := map[string]string{"a": "b"}
		found := data(t, gitops.Shared("_shared", "dev", *m.Environments[0].GitOps, labels))
		switch engine {
		case spec.EngineFlux:
			assert.Equal(t, false, at(found["sync"], "spec", "prune"))
			assert.Equal(t, "kservegen-shared", at(found["sync"], "metadata", "name"))
			assert.Nil(t, at(found["sync"], "spec", "dependsOn"), "it would wait for itself")
			assert.Nil(t, at(found["sync"], "spec", "healthChecks"))
		default:
			assert.Equal(t, false, at(found["application"], "spec", "syncPolicy", "automated", "prune"))
			assert.Equal(t, "kservegen-shared-dev", at(found["application"], "metadata", "name"))
		}
	}
}

func TestNoEngineNoObjects(t *testing.T) {
	t.Parallel()
	assert.Empty(t, objects(t, "repository: https://github.com/acme/models", "production"))
	assert.Empty(t, gitops.Shared("_shared", "dev", spec.GitOps{}, nil))
}

// TestServersAcceptTheObjects: by the CRDs of Flux and Argo CD, of which the latter also holds our own types.
func TestServersAcceptTheObjects(t *testing.T) {
	t.Parallel()
	catalog, err := schema.New(nil)
	require.NoError(t, err)
	for _, section := range []string{
		git, git + ", branch: live, flux: {interval: 5m, secret: deploy-key, dependsOn: [a, b/c]}",
		"engine: flux, repository: oci://123456789012.dkr.ecr.us-east-1.amazonaws.com/models",
		"engine: argocd, repository: ssh://git@github.com/acme/models", "engine: argocd, repository: oci://ghcr.io/acme/models, argocd: {cluster: eu-1}",
	} {
		m := load(t, fmt.Sprintf(document, section))
		for _, target := range m.Environments {
			list := append(gitops.Objects(target), gitops.Shared("_shared", target.Environment, *target.GitOps, map[string]string{"a": "b"})...)
			for file, object := range data(t, list) {
				problems, err := catalog.Validate(t.Context(), object)
				require.NoErrorf(t, err, "%s: %s", section, file)
				assert.Emptyf(t, problems, "%s: %s", section, file)
			}
		}
	}
}

// TestArgoKeepsWhatHoldsWeights: claims stay when the model goes, and the volumes of file systems that exist with them.
func TestArgoKeepsWhatHoldsWeights(t *testing.T) {
	t.Parallel()
	for volume, want := range map[string]any{
		"storageClass: efs": "PersistentVolumeClaim",
		"fsx: {fileSystemId: fs-0123456789abcdef0, dnsName: fs.example.com, mountName: abcdefgh}": "PersistentVolume|PersistentVolumeClaim",
	} {
		text := strings.Replace(fmt.Sprintf(document, "engine: argocd, repository: https://github.com/acme/models"),
			"source: s3://models/deepseek}", "source: pvc://weights/a, volume: {size: 1200Gi, "+volume+"}}", 1)
		for _, application := range data(t, gitops.Objects(load(t, text).Environments[0])) {
			patch := at(application, "spec", "source", "kustomize", "patches").([]any)[0]
			assert.Equal(t, want, patch.(map[string]any)["target"].(map[string]any)["kind"])
		}
	}
}

// TestDownloadTakesTime: where a Job brings the weights, Flux waits for as long as where the pods do.
func TestDownloadTakesTime(t *testing.T) {
	t.Parallel()
	budget := func(model string) time.Duration {
		text := strings.Replace(fmt.Sprintf(document, git), "source: s3://models/deepseek}", model+"}", 1)
		for _, object := range data(t, gitops.Objects(load(t, text).Environments[0])) {
			if object["kind"] == "Kustomization" {
				value, err := time.ParseDuration(at(object, "spec", "timeout").(string))
				require.NoError(t, err)
				return value
			}
		}
		return 0
	}
	mounted := budget("source: pvc://weights/a")
	assert.Greater(t, budget("source: pvc://weights/a, download: {}"), mounted)
	assert.Equal(t, budget("source: s3://models/deepseek"), budget("source: pvc://weights/a, download: {}"))
}
