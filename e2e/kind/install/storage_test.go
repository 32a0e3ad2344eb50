package install

import (
	"context"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
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
	held := func(g tree.Granted) map[string]any {
		g.Namespace, g.Name = "a", "b"
		o, err := holder(g)
		require.NoError(t, err)
		return o
	}
	assert.Equal(t, map[string]any{"HF_TOKEN": "bW9jaw=="}, held(tree.Granted{Kind: "Secret", Keys: []string{"HF_TOKEN"}})["data"])
	assert.Equal(t, map[string]any{"A": "mock"}, held(tree.Granted{Kind: "ConfigMap", Keys: []string{"A"}})["data"])
	assert.NotContains(t, held(tree.Granted{Kind: "ServiceAccount"}), "data")
	pull := held(tree.Granted{Kind: "Secret", Pull: true})
	assert.Equal(t, "kubernetes.io/dockerconfigjson", pull["type"])
	assert.Contains(t, pull["data"], ".dockerconfigjson")
}

// TestUsers can sign in with their password, and with no other.
func TestUsers(t *testing.T) {
	t.Parallel()
	o, err := holder(tree.Granted{Kind: "Secret", Namespace: "a", Name: "b", Keys: []string{UsersKey}})
	require.NoError(t, err)
	text, err := base64.StdEncoding.DecodeString(o["data"].(map[string]any)[UsersKey].(string))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Len(t, lines, len(ChatUsers()))
	for i, line := range lines {
		user, hash, _ := strings.Cut(line, ":")
		assert.Equal(t, ChatUsers()[i], user)
		require.NoError(t, bcrypt.CompareHashAndPassword([]byte(hash), []byte(ChatPassword)))
		require.Error(t, bcrypt.CompareHashAndPassword([]byte(hash), []byte("mock")))
	}
}
