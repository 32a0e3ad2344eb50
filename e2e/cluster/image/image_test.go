package image_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/cluster/image"
)

// TestArchive has the bytes, owners and permissions that were asked for, under every name.
func TestArchive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	require.NoError(t, os.WriteFile(program, []byte("bytes"), 0o600))
	archive, err := image.Image{
		Name: "registry.example/a/b:1", Aliases: []string{"localhost/c:2"},
		Files: []image.File{
			image.Program("/usr/bin/program", program),
			image.Dir("/tmp", fs.ModeSticky|0o777, 0),
			{Path: "/etc/text", Content: []byte("words"), UID: 1000},
			{Path: "/sbin", Link: "usr/bin"},
		},
		Config: v1.Config{Entrypoint: []string{"/usr/bin/program"}, User: "1000"},
	}.Archive(dir)
	require.NoError(t, err)
	for _, tag := range []string{"registry.example/a/b:1", "localhost/c:2"} {
		read := open(t, archive, tag)
		config, err := read.ConfigFile()
		require.NoError(t, err)
		assert.Equal(t, "1000", config.Config.User)
		assert.Equal(t, []string{"/usr/bin/program"}, config.Config.Entrypoint)
		assert.Contains(t, config.Config.Env[0], "PATH=")
		headers, contents := files(t, read)
		assert.Equal(t, "bytes", contents["usr/bin/program"])
		assert.Equal(t, int64(0o755), headers["usr/bin/program"].Mode)
		assert.Equal(t, int64(0o755), headers["usr/bin/"].Mode, "engines differ in folders that no entry has")
		assert.Equal(t, int64(0o1777), headers["tmp/"].Mode)
		assert.Equal(t, "words", contents["etc/text"])
		assert.Equal(t, int64(0o644), headers["etc/text"].Mode)
		assert.Equal(t, 1000, headers["etc/text"].Uid)
		assert.Equal(t, "usr/bin", headers["sbin"].Linkname)
	}
}

// TestBase leaves the folders and links of the base as they are.
func TestBase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var base bytes.Buffer
	w := tar.NewWriter(&base)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "./bin", Typeflag: tar.TypeSymlink, Linkname: "usr/bin", Mode: 0o777}))
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "./tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}))
	require.NoError(t, w.Close())
	layer := filepath.Join(dir, "base.tar")
	require.NoError(t, os.WriteFile(layer, base.Bytes(), 0o600))
	archive, err := image.Image{
		Name: "localhost/a:1", Base: layer,
		Files: []image.File{{Path: "/bin/a"}, {Path: "/tmp/b"}, {Path: "/opt/c"}},
	}.Archive(dir)
	require.NoError(t, err)
	headers, _ := files(t, open(t, archive, "localhost/a:1"))
	assert.Equal(t, int64(0o1777), headers["./tmp/"].Mode)
	assert.NotContains(t, headers, "tmp/")
	assert.NotContains(t, headers, "bin/")
	assert.Contains(t, headers, "opt/")
}

// TestName changes with whatever is in the image, and only then; what is there is not written again.
func TestName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := filepath.Join(dir, "source")
	write := func(content string, mode fs.FileMode) string {
		require.NoError(t, os.WriteFile(source, []byte(content), 0o600))
		archive, err := image.Image{Name: "localhost/a:1", Files: []image.File{{Path: "/a", Source: source, Mode: mode}}}.Archive(dir)
		require.NoError(t, err)
		return archive
	}
	first := write("one", 0o644)
	require.NoError(t, os.WriteFile(first, []byte("kept"), 0o600))
	assert.Equal(t, first, write("one", 0o644))
	content, err := os.ReadFile(first)
	require.NoError(t, err)
	assert.Equal(t, "kept", string(content))
	assert.NotEqual(t, first, write("two", 0o644))
	assert.NotEqual(t, first, write("one", 0o755))
	_, err = image.Image{Name: "localhost/a:1", Files: []image.File{{Path: "/a", Source: filepath.Join(dir, "none")}}}.Archive(dir)
	require.ErrorContains(t, err, "image localhost/a:1")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func open(t *testing.T, archive, tag string) v1.Image {
	t.Helper()
	parsed, err := name.NewTag(tag)
	require.NoError(t, err)
	read, err := tarball.ImageFromPath(archive, &parsed)
	require.NoError(t, err)
	return read
}

func files(t *testing.T, read v1.Image) (map[string]*tar.Header, map[string]string) {
	t.Helper()
	headers, contents := map[string]*tar.Header{}, map[string]string{}
	layers, err := read.Layers()
	require.NoError(t, err)
	for _, layer := range layers {
		content, err := layer.Uncompressed()
		require.NoError(t, err)
		reader := tar.NewReader(content)
		for {
			header, err := reader.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			body, err := io.ReadAll(reader)
			require.NoError(t, err)
			headers[header.Name], contents[header.Name] = header, string(body)
		}
		require.NoError(t, content.Close())
	}
	return headers, contents
}
