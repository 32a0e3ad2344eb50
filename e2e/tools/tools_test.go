package tools_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/tools"
)

// TestMissing says in one line what to do.
func TestMissing(t *testing.T) {
	t.Setenv("KSERVEGEN_CACHE", t.TempDir())
	t.Setenv("KUBEBUILDER_ASSETS", "")
	for _, tool := range tools.All() {
		_, err := tool.Installed(".")
		require.ErrorContains(t, err, tool.Name)
		require.ErrorContains(t, err, "`make ")
		assert.NotContains(t, err.Error(), "\n")
	}
	_, err := tools.Find("helm")
	require.ErrorContains(t, err, "no tool is named helm: there are etcd")
}

// TestPath names what is built by what goes into it.
func TestPath(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("KSERVEGEN_CACHE", cache)
	t.Setenv("KUBEBUILDER_ASSETS", "")
	tool, err := tools.Find("etcd")
	require.NoError(t, err)
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "etcd"), 0o755))
	write := func(name, content string) string {
		require.NoError(t, os.WriteFile(filepath.Join(root, "etcd", name), []byte(content), 0o644))
		path, _ := tool.Path(root) // go.sum is missing at first
		return path
	}
	write("go.mod", "module a")
	first := write("go.sum", "sum")
	assert.Equal(t, filepath.Join(cache, "tools"), filepath.Dir(first))
	assert.NotEqual(t, first, write("go.mod", "module b"))
	assert.Equal(t, first, write("go.mod", "module a"))
	assert.NotEqual(t, first, write("go.sum", "other"))
}

// TestFolder is one, wherever a suite runs.
func TestFolder(t *testing.T) {
	t.Setenv("KSERVEGEN_CACHE", "cache")
	_, err := tools.Folder("tools")
	require.ErrorContains(t, err, `KSERVEGEN_CACHE is "cache": make it an absolute path`)
}

// TestSets keeps what takes minutes away from those who don't need it.
func TestSets(t *testing.T) {
	names := func(sets ...tools.Set) []string {
		var names []string
		for _, tool := range tools.Of(sets...) {
			names = append(names, tool.Name)
		}
		return names
	}
	assert.Equal(t, []string{"etcd", "kube-apiserver", "kserve-manager", "pilot-discovery", "karpenter-kwok"}, names(tools.EnvTest))
	assert.NotContains(t, names(tools.Cluster), "kubelet")
	assert.Len(t, names(tools.Sets()...), len(tools.All()), "each tool is there for something, once")
}

// TestKeys has a place of its own for every program.
func TestKeys(t *testing.T) {
	t.Setenv("KSERVEGEN_CACHE", t.TempDir())
	t.Setenv("KUBEBUILDER_ASSETS", "")
	seen := map[string]string{}
	for _, tool := range tools.All() {
		path, err := tool.Path(".")
		require.NoError(t, err)
		assert.NotContains(t, seen, path)
		seen[path] = tool.Name
	}
}

// TestPinned is built for a cluster, even where KUBEBUILDER_ASSETS has one of another version.
func TestPinned(t *testing.T) {
	assets := t.TempDir()
	t.Setenv("KUBEBUILDER_ASSETS", assets)
	server, err := tools.Find("kube-apiserver")
	require.NoError(t, err)
	path, err := server.Pinned().Path(".")
	require.NoError(t, err)
	assert.NotEqual(t, assets, filepath.Dir(path))
}

// TestNeeds asks for a compiler only where something is to be compiled by it.
func TestNeeds(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("KSERVEGEN_CACHE", cache)
	runc, err := tools.Find("runc")
	require.NoError(t, err)
	etcd, err := tools.Find("etcd")
	require.NoError(t, err)
	assert.Empty(t, tools.Needs(".", []tools.Tool{etcd}))
	assert.NotEmpty(t, tools.Needs(".", []tools.Tool{etcd, runc}))
	path, err := runc.Path(".")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, nil, 0o755))
	assert.Empty(t, tools.Needs(".", []tools.Tool{runc}))
}

// TestAssets takes the API server that is there already, and never builds one into a folder that isn't ours.
func TestAssets(t *testing.T) {
	assets := t.TempDir()
	t.Setenv("KSERVEGEN_CACHE", t.TempDir())
	t.Setenv("KUBEBUILDER_ASSETS", assets)
	server, err := tools.Find("kube-apiserver")
	require.NoError(t, err)
	require.ErrorContains(t, server.Build(t.Context(), ".", &bytes.Buffer{}), "KUBEBUILDER_ASSETS has no kube-apiserver")
	want := filepath.Join(assets, "kube-apiserver")
	require.NoError(t, os.WriteFile(want, nil, 0o755))
	got, err := server.Installed(".")
	require.NoError(t, err)
	assert.Equal(t, want, got)
	require.NoError(t, server.Build(t.Context(), ".", &bytes.Buffer{}))
	manager, err := tools.Find("kserve-manager")
	require.NoError(t, err)
	_, err = manager.Installed(".")
	require.Error(t, err, "kubebuilder has none")
}
