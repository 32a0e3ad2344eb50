package install

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// TestVolume is bound to its claim by name, and has what the controller compares before it binds: size, mode, class.
func TestVolume(t *testing.T) {
	t.Parallel()
	class := "fsx-lustre"
	brought := tree.Claim{Namespace: "llm", Name: "models", Brought: true, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadOnlyMany}, StorageClassName: &class,
		Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1200Gi")}},
	}}
	v := volume(brought)
	assert.Equal(t, "llm/models", v.Spec.ClaimRef.Namespace+"/"+v.Spec.ClaimRef.Name)
	assert.Equal(t, class, v.Spec.StorageClassName)
	assert.Equal(t, brought.Spec.AccessModes, v.Spec.AccessModes)
	assert.Equal(t, "1200Gi", v.Spec.Capacity.Storage().String())
	named := brought
	named.Spec.VolumeName = "of-the-platform"
	assert.Equal(t, "of-the-platform", volume(named).Name)
	missing := tree.Claim{Namespace: "llm", Name: "models"}
	claim := granted(missing)
	v = volume(missing)
	assert.Equal(t, v.Name, claim.Spec.VolumeName)
	assert.Equal(t, *claim.Spec.StorageClassName, v.Spec.StorageClassName)
	assert.Equal(t, claim.Spec.AccessModes, v.Spec.AccessModes)
	assert.Equal(t, *claim.Spec.Resources.Requests.Storage(), *v.Spec.Capacity.Storage())
}

// TestFill stays inside of the claim's folder.
func TestFill(t *testing.T) {
	t.Parallel()
	var commands []string
	i := Installer{Log: io.Discard, OnNode: func(_ context.Context, node string, command ...string) (string, error) {
		commands = append(commands, node+" "+command[0]+" "+command[len(command)-1])
		return "", nil
	}}
	require.NoError(t, i.fill(t.Context(), "worker", tree.Claim{Namespace: "llm", Name: "models", Models: []string{"a/b", "", "../../etc"}}))
	const folder = "/var/lib/kservegen/claims/llm/models"
	assert.Equal(t, []string{
		"worker install " + folder, "worker sh " + folder + "/a/b", "worker sh " + folder, "worker sh " + folder + "/etc",
	}, commands)
}

// TestHolder has the keys that were asked for.
func TestHolder(t *testing.T) {
	t.Parallel()
	assert.Equal(t, map[string]any{"HF_TOKEN": "bW9jaw=="}, holder(tree.Granted{Kind: "Secret", Namespace: "a", Name: "b", Keys: []string{"HF_TOKEN"}})["data"])
	assert.Equal(t, map[string]any{"A": "mock"}, holder(tree.Granted{Kind: "ConfigMap", Namespace: "a", Name: "b", Keys: []string{"A"}})["data"])
	assert.NotContains(t, holder(tree.Granted{Kind: "ServiceAccount", Namespace: "a", Name: "b"}), "data")
	pull := holder(tree.Granted{Kind: "Secret", Namespace: "a", Name: "b", Pull: true})
	assert.Equal(t, "kubernetes.io/dockerconfigjson", pull["type"])
	assert.Contains(t, pull["data"], ".dockerconfigjson")
}
