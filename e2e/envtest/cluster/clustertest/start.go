// Package clustertest brings a cluster up for the length of a test.
package clustertest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/envtest/cluster"
)

// Start brings one up in a folder of its own. Where the test fails, the logs stay.
func Start(t *testing.T, name string, o cluster.Options) *cluster.Cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", name+"-")
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the logs of the servers are in %s", filepath.Join(dir, "logs"))
			return
		}
		require.NoError(t, os.RemoveAll(dir))
	})
	o.Dir = dir
	c, err := cluster.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Stop()) })
	return c
}
