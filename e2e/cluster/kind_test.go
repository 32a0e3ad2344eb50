package cluster

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/yaml"
)

// TestKindConfig changes nothing of kind's defaults but the number of nodes where its own node image is used.
func TestKindConfig(t *testing.T) {
	t.Parallel()
	read := func(s *Suite) v1alpha4.Cluster {
		content, err := s.kindConfig()
		require.NoError(t, err)
		var c v1alpha4.Cluster
		require.NoError(t, yaml.UnmarshalStrict(content, &c))
		assert.Len(t, c.Nodes, 3, "a drain needs a second worker")
		return c
	}
	own := read(&Suite{way: inDocker})
	assert.False(t, own.Networking.DisableDefaultCNI)
	assert.Empty(t, own.KubeadmConfigPatches)
	assert.Empty(t, own.FeatureGates)
	source := read(&Suite{way: fromSource})
	assert.True(t, source.Networking.DisableDefaultCNI)
	assert.True(t, source.FeatureGates["KubeletInUserNamespace"])
	require.Len(t, source.KubeadmConfigPatches, 1)
	assert.YAMLEq(t, "kind: KubeletConfiguration\nfailCgroupV1: false", source.KubeadmConfigPatches[0])
}
