package node

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/cluster/image"
)

// TestKindFiles makes executable what kind's Dockerfile makes executable, since a module zip keeps no modes.
func TestKindFiles(t *testing.T) {
	t.Parallel()
	files, err := Builder{Kind: kind(t)}.kindFiles()
	require.NoError(t, err)
	modes := map[string]string{}
	for _, f := range files {
		modes[f.Path] = f.Mode.String()
	}
	assert.Equal(t, map[string]string{
		"/usr/local/bin/entrypoint":              "-rwxr-xr-x",
		"/kind/bin/mount-product-files.sh":       "-rwxr-xr-x",
		"/etc/containerd/config.toml":            "-rw-r--r--",
		"/etc/systemd/system/containerd.service": "-rw-r--r--",
	}, modes, "and no folder, which could replace a link of the base")
}

// TestKey is the same wherever kind's files and the programs lie, and another for other files.
func TestKey(t *testing.T) {
	t.Parallel()
	key := func(b Builder, programs string) string {
		b.Tool = func(name string) (string, error) { return filepath.Join(programs, name+"-0123"), nil }
		name, err := b.key("/cache/base-0123.tar.gz", []string{"/cache/pause-0123.tar"})
		require.NoError(t, err)
		return name
	}
	here := Builder{Kind: kind(t), Version: "v1"}
	there := Builder{Kind: kind(t), Version: "v1"}
	assert.Equal(t, key(here, "/here"), key(there, "/there"))
	require.NoError(t, os.WriteFile(filepath.Join(there.Kind, "kind", "bin", "mount-product-files.sh"), []byte("#!/bin/sh"), 0o600))
	assert.NotEqual(t, key(here, "/here"), key(there, "/here"))
}

// TestComponents start the program of the image's name, where kubeadm's manifests look for it.
func TestComponents(t *testing.T) {
	t.Parallel()
	b := Builder{Kind: kind(t), Pause: "/built/pause", Tool: func(name string) (string, error) { return "/built/" + name, nil }}
	for name, want := range map[string]image.Image{
		"registry.k8s.io/kube-proxy:v1":      {Base: "base.tar", Files: []image.File{image.Program("/usr/local/bin/kube-proxy", "/built/kube-proxy")}},
		"registry.k8s.io/coredns/coredns:v1": {Files: []image.File{image.Program("/coredns", "/built/coredns")}},
		"registry.k8s.io/pause:3.10.2": {
			Aliases: []string{"registry.k8s.io/pause:3.10"}, Files: []image.File{image.Program("/pause", "/built/pause")},
		},
		"registry.k8s.io/pause:3.10": {Files: []image.File{image.Program("/pause", "/built/pause")}},
	} {
		got, err := b.component(name, "base.tar")
		require.NoError(t, err)
		want.Name = name
		want.Config.Entrypoint = []string{want.Files[0].Path}
		assert.Equal(t, want, got)
	}
}

// kind is a folder with as much of kind's as decides.
func kind(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"usr/local/bin/entrypoint":              "#!/bin/bash",
		"kind/bin/mount-product-files.sh":       "#!/bin/bash",
		"etc/containerd/config.toml":            "  sandbox_image = \"registry.k8s.io/pause:3.10\"\n",
		"etc/systemd/system/containerd.service": "[Unit]",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return dir
}
