package cases

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

const reference = "../../../overlays/deepseek-r1-distill-llama-8b-a10g/deepseek-r1/overlays/production"

// TestFluxObjects: what Flux is told leaves the tree alone when it goes, and waits for Deployments only. Kustomize's
// library must not run twice at a time, so that this is not parallel.
func TestFluxObjects(t *testing.T) {
	overlay, err := tree.Read(reference)
	require.NoError(t, err)
	objects, err := fluxObjects("GitRepository", "http://10.89.0.1:1/tree.git", "overlays/production", overlay)
	require.NoError(t, err)
	require.Len(t, objects, 2)
	assert.Equal(t, "GitRepository", objects[0]["kind"])
	assert.Equal(t, map[string]any{"branch": "main"}, objects[0]["spec"].(map[string]any)["ref"])
	spec := objects[1]["spec"].(map[string]any)
	assert.Equal(t, "./overlays/production", spec["path"])
	assert.Equal(t, "Orphan", spec["deletionPolicy"])
	assert.Equal(t, true, spec["prune"])
	assert.NotContains(t, spec, "wait")
	assert.Equal(t, map[string]any{"kind": "GitRepository", "name": fluxName}, spec["sourceRef"])
	assert.Equal(t, []any{
		map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "llm", "name": "deepseek-r1-v1-predictor"},
		map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "llm", "name": "deepseek-r1-v2-predictor"},
	}, spec["healthChecks"])

	objects, err = fluxObjects("OCIRepository", "oci://10.89.0.1:1/tree", "overlays/production", overlay)
	require.NoError(t, err)
	assert.Equal(t, true, objects[0]["spec"].(map[string]any)["insecure"])
	assert.Equal(t, map[string]any{"tag": "latest"}, objects[0]["spec"].(map[string]any)["ref"])
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
