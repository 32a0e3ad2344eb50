package cluster

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docker puts a program of that name before all others.
func docker(t *testing.T, script string) {
	t.Helper()
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "docker"), []byte("#!/bin/sh\n"+script), 0o755))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func open(t *testing.T) (*Suite, *bytes.Buffer) {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	var out bytes.Buffer
	s, err := Open(root, &out)
	require.NoError(t, err)
	return s, &out
}

// TestOpen asks no Docker, and keeps to the way of the cluster that is there.
func TestOpen(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("KSERVEGEN_CACHE", cache)
	docker(t, "touch "+filepath.Join(cache, "asked")+"\n")
	s, out := open(t)
	assert.Empty(t, out.String())
	_, err := s.Running(t.Context())
	require.ErrorContains(t, err, "no cluster runs")
	require.NoError(t, s.Down(t.Context()), "there is none")
	for _, w := range []way{inDocker, fromSource} {
		require.NoError(t, os.WriteFile(s.wayFile(w), nil, 0o644))
		kept, out := open(t)
		require.NoError(t, kept.choose(t.Context()))
		assert.Equal(t, w, kept.way)
		assert.Contains(t, out.String(), "since the cluster that is there is")
	}
	assert.NoFileExists(t, filepath.Join(cache, "asked"))
}

// TestChoose takes Docker only where it has the node image or can pull it.
func TestChoose(t *testing.T) {
	for script, want := range map[string]string{
		"exit 0":            "since Docker has it",
		"exit 1":            "since Docker doesn't answer",
		`[ "$1" != image ]`: "since Docker has it",
		`[ "$1" = info ]`:   "since Docker can't pull kindest/node",
	} {
		t.Run(script, func(t *testing.T) {
			t.Setenv("KSERVEGEN_CACHE", t.TempDir())
			docker(t, script)
			s, out := open(t)
			require.NoError(t, s.choose(t.Context()))
			assert.Contains(t, out.String(), want)
			assert.Equal(t, want == "since Docker has it", s.way == inDocker)
		})
	}
}

// TestDownFails keeps what is known of a cluster that can't be removed: here kind is not built.
func TestDownFails(t *testing.T) {
	t.Setenv("KSERVEGEN_CACHE", t.TempDir())
	s, _ := open(t)
	kubeconfig := filepath.Join(s.dir, "kubeconfig")
	for _, path := range []string{kubeconfig, s.wayFile(inDocker)} {
		require.NoError(t, os.WriteFile(path, nil, 0o644))
	}
	s, _ = open(t)
	require.ErrorContains(t, s.Down(t.Context()), "removing the cluster: kind is not at")
	assert.FileExists(t, kubeconfig)
	assert.FileExists(t, s.wayFile(inDocker))
}
