package host_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/tools/host"
)

// TestCheck names everything that is missing at once, in one command.
func TestCheck(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	wanted := append(host.Base(), host.Node()...)
	err := host.Check(wanted)
	require.ErrorContains(t, err, "debootstrap, podman,")
	require.ErrorContains(t, err, "apt-get install -y --no-install-recommends debootstrap podman")
	assert.NotContains(t, err.Error(), "\n")
	for _, name := range []string{"podman", "pip3"} {
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o755))
	}
	err = host.Check(wanted)
	require.ErrorContains(t, err, "debootstrap")
	assert.NotContains(t, err.Error(), "podman,")
	require.NoError(t, host.Check(host.Wheel()))
}
