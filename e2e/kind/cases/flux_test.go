package cases

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/tree"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

const reference = "../../../overlays/deepseek-r1-distill-llama-8b-a10g/deepseek-r1/overlays/production"

// told renders the reference tree's document as pulled from somewhere, and returns what render makes for Flux of it and
// what the cases apply instead, by kind. Kustomize's library must not run twice at a time, so that its tests are not
// parallel.
func told(t *testing.T, repository string, ref map[string]any) (rendered, applied map[string]map[string]any) {
	t.Helper()
	overlay, err := tree.Read(reference)
	require.NoError(t, err)
	e := &Env{Tree: overlay}
	made, err := render.NewGenerator().Tree(loadedFrom(t, e, repository, ref)[0])
	require.NoError(t, err)
	dir := t.TempDir()
	written(t, dir, made)
	model, err := e.model()
	require.NoError(t, err)
	objects, err := forTest(dir, model+"/flux/"+e.environment())
	require.NoError(t, err)
	assert.Equal(t, "Kustomization", objects[len(objects)-1]["kind"], "the source comes first, or Flux waits for it")
	return byKind(made.Environments[len(made.Environments)-1].Sync), byKind(objects)
}

// loadedFrom is the tree's document as pulled from somewhere, once what documents share is ready.
func loadedFrom(t *testing.T, e *Env, repository string, ref map[string]any) []*spec.Deployment {
	t.Helper()
	d, err := e.ownDocument()
	require.NoError(t, err)
	content, err := yaml.Marshal(d.pulledFrom(repository, ref, spec.SharedSync))
	require.NoError(t, err)
	loaded, err := spec.Load("document.yaml", bytes.NewReader(content))
	require.NoError(t, err, string(content))
	return loaded
}

func byKind(objects []map[string]any) map[string]map[string]any {
	found := map[string]map[string]any{}
	for _, object := range objects {
		found[object["kind"].(string)] = object
	}
	return found
}

// TestFluxObjects: what the cases apply is what render makes, but for what a test must change. It leaves the tree alone
// when it goes, and waits for Deployments only, by the expressions and for the time of render.
func TestFluxObjects(t *testing.T) {
	rendered, applied := told(t, "http://10.89.0.1:1/tree.git", map[string]any{"branch": "main"})
	require.Len(t, applied, 2)
	assert.Equal(t, rendered["GitRepository"], applied["GitRepository"])
	assert.Equal(t, map[string]any{
		"url": "http://10.89.0.1:1/tree.git", "interval": "20s", "ref": map[string]any{"branch": "main"},
	}, applied["GitRepository"]["spec"])

	sync := applied["Kustomization"]["spec"].(map[string]any)
	assert.Equal(t, "20s", sync["interval"])
	assert.Equal(t, "Orphan", sync["deletionPolicy"])
	assert.Equal(t, "./deepseek-r1/overlays/production", sync["path"])
	assert.Equal(t, true, sync["prune"])
	assert.Equal(t, false, sync["wait"])
	assert.Equal(t, map[string]any{"kind": "GitRepository", "name": "deepseek-r1"}, sync["sourceRef"])
	assert.Equal(t, []any{
		map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "llm", "name": "deepseek-r1-v1-predictor"},
		map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "llm", "name": "deepseek-r1-v2-predictor"},
	}, sync["healthChecks"])
	assert.Equal(t, []any{map[string]any{"name": "kservegen-shared"}}, sync["dependsOn"])
	assert.NotEmpty(t, sync["healthCheckExprs"])
	assert.NotEmpty(t, sync["timeout"])
	sync["interval"] = "10m0s"
	delete(sync, "deletionPolicy")
	assert.Equal(t, rendered["Kustomization"], applied["Kustomization"], "and nothing else was changed")
	for _, object := range applied {
		metadata := object["metadata"].(map[string]any)
		assert.Equal(t, install.FluxNamespace, metadata["namespace"])
		selector, err := labels.Parse(syncLabels)
		require.NoError(t, err)
		own, _, err := unstructured.NestedStringMap(object, "metadata", "labels")
		require.NoError(t, err)
		assert.True(t, selector.Matches(labels.Set(own)), "it is found when it is to be deleted")
	}
}

// TestFluxObjectsOfAnArtifact is the same from a registry, which may speak plain HTTP.
func TestFluxObjectsOfAnArtifact(t *testing.T) {
	rendered, applied := told(t, "oci://10.89.0.1:1/tree", map[string]any{"tag": "latest"})
	require.Len(t, applied, 2)
	sync := applied["OCIRepository"]["spec"].(map[string]any)
	assert.Equal(t, map[string]any{
		"url": "oci://10.89.0.1:1/tree", "interval": "20s", "ref": map[string]any{"tag": "latest"}, "insecure": true,
	}, sync)
	delete(sync, "insecure")
	assert.Equal(t, rendered["OCIRepository"], applied["OCIRepository"])
	assert.Equal(t, map[string]any{"kind": "OCIRepository", "name": "deepseek-r1"}, applied["Kustomization"]["spec"].(map[string]any)["sourceRef"])
}

// TestPulledFrom takes the place of what a document says of its own repository, for all environments.
func TestPulledFrom(t *testing.T) {
	t.Parallel()
	d := document{Spec: map[string]any{
		"gitops":       map[string]any{"engine": "argocd", "repository": "https://github.com/acme/models", "flux": map[string]any{"dependsOn": []any{"kserve"}, "secret": "key"}},
		"environments": []any{map[string]any{"name": "dev", "gitops": nil}, map[string]any{"name": "production", "gitops": map[string]any{"branch": "live"}}},
	}}
	assert.Equal(t, map[string]any{
		"gitops": map[string]any{
			"engine": "flux", "repository": "oci://10.89.0.1:1/tree", "tag": "latest", "path": ".",
			"flux": map[string]any{"namespace": "flux-system", "interval": "20s"},
		},
		"environments": []any{map[string]any{"name": "dev"}, map[string]any{"name": "production"}},
	}, d.pulledFrom("oci://10.89.0.1:1/tree", map[string]any{"tag": "latest"}).Spec)
}

// TestWithoutDocument: a tree without its document beside it has nothing to render for Flux.
func TestWithoutDocument(t *testing.T) {
	t.Parallel()
	e := &Env{Tree: &tree.Tree{Dir: filepath.Join(t.TempDir(), "deploy", "m", "overlays", "production")}}
	_, err := e.ownDocument()
	var lacks LacksError
	require.ErrorAs(t, err, &lacks)
	assert.Equal(t, "production", e.environment())
	model, err := e.model()
	require.NoError(t, err)
	assert.Equal(t, "m", model)
}

// TestManagers tells Flux's server-side apply from all that kubectl writes by.
func TestManagers(t *testing.T) {
	t.Parallel()
	entry := func(manager string, operation metav1.ManagedFieldsOperationType) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Operation: operation}
	}
	assert.Equal(t, map[string]bool{"kustomize-controller": true}, managers([]metav1.ManagedFieldsEntry{
		entry("kustomize-controller", metav1.ManagedFieldsOperationApply), entry("manager", metav1.ManagedFieldsOperationUpdate),
	}))
	assert.Equal(t, map[string]bool{"kubectl": true}, managers([]metav1.ManagedFieldsEntry{
		entry("kubectl-client-side-apply", metav1.ManagedFieldsOperationUpdate), entry("kustomize-controller", metav1.ManagedFieldsOperationUpdate),
	}))
}

// TestQualifiedKind is what kubectl knows a kind by that several groups have.
func TestQualifiedKind(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "Service", qualifiedKind(map[string]any{"apiVersion": "v1", "kind": "Service"}))
	assert.Equal(t, "Gateway.v1.networking.istio.io", qualifiedKind(map[string]any{"apiVersion": "networking.istio.io/v1", "kind": "Gateway"}))
}

// TestEmptied keeps the repository and nothing else.
func TestEmptied(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, dir := range []string{".git", "base", "overlays/production"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "kservegen.lock"), nil, 0o600))
	require.NoError(t, emptied(root))
	left, err := os.ReadDir(root)
	require.NoError(t, err)
	require.Len(t, left, 1)
	assert.Equal(t, ".git", left[0].Name())
}
