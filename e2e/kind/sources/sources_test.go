package sources_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/kind/sources"
)

const loopback = "127.0.0.1"

// folder has one file in a folder of its own.
func folder(t *testing.T, content string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "overlays", "production"), 0o755))
	write(t, dir, content)
	return dir
}

func write(t *testing.T, dir, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlays", "production", "traffic.yaml"), []byte(content), 0o644))
}

func read(t *testing.T, dir string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "overlays", "production", "traffic.yaml"))
	require.NoError(t, err)
	return string(content)
}

// TestGit is cloned and pulled from as Flux does, a part of the history or all of it, and lets nobody push.
func TestGit(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := folder(t, "90")
	repository, err := sources.NewGit(ctx, dir, loopback)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, repository.Close()) })
	first, err := repository.Publish(ctx)
	require.NoError(t, err)
	require.Regexp(t, `^main@sha1:[0-9a-f]{40}$`, first)

	clone := t.TempDir()
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", append([]string{"-C", clone, "-c", "user.name=a", "-c", "user.email=a@example.org"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := git("clone", "--quiet", "--depth=1", "--branch="+sources.Branch, repository.URL(), ".")
	require.NoError(t, err, out)
	assert.Equal(t, "90", read(t, clone))

	_, err = repository.Publish(ctx)
	require.ErrorContains(t, err, "nothing to commit")
	for _, share := range []string{"50", "0"} {
		write(t, dir, share)
		_, err = repository.Publish(ctx)
		require.NoError(t, err)
		out, err = git("pull", "--quiet", "--ff-only")
		require.NoError(t, err, out)
		assert.Equal(t, share, read(t, clone))
	}

	reverted, err := repository.Revert(ctx, 2)
	require.NoError(t, err)
	assert.NotEqual(t, first, reverted)
	assert.Equal(t, "90", read(t, dir))
	out, err = git("pull", "--quiet", "--ff-only")
	require.NoError(t, err, out)
	assert.Equal(t, "90", read(t, clone))

	out, err = git("push", "origin", "HEAD:other")
	require.Error(t, err, out)
	assert.Contains(t, out, "403")
}

// TestOCI is pulled as Flux does: the first layer is a packed tar of the folder.
func TestOCI(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := folder(t, "90")
	artifacts, err := sources.NewOCI(ctx, dir, loopback)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, artifacts.Close()) })
	first, err := artifacts.Publish(ctx)
	require.NoError(t, err)
	again, err := artifacts.Publish(ctx)
	require.NoError(t, err)
	assert.Equal(t, first, again, "nothing has changed")
	write(t, dir, "50")
	second, err := artifacts.Publish(ctx)
	require.NoError(t, err)
	assert.NotEqual(t, first, second)

	place, err := name.NewTag(strings.TrimPrefix(artifacts.URL(), "oci://")+":"+sources.Tag, name.Insecure)
	require.NoError(t, err)
	pulled, err := remote.Image(place, remote.WithContext(ctx))
	require.NoError(t, err)
	digest, err := pulled.Digest()
	require.NoError(t, err)
	assert.Equal(t, sources.Tag+"@"+digest.String(), second)
	manifest, err := pulled.Manifest()
	require.NoError(t, err)
	assert.Equal(t, "application/vnd.cncf.flux.config.v1+json", string(manifest.Config.MediaType))
	require.Len(t, manifest.Layers, 1)
	assert.Equal(t, "application/vnd.cncf.flux.content.v1.tar+gzip", string(manifest.Layers[0].MediaType))
	layers, err := pulled.Layers()
	require.NoError(t, err)
	packed, err := layers[0].Compressed()
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"overlays/production/traffic.yaml": "50"}, unpack(t, packed))

	other, err := random.Image(16, 1)
	require.NoError(t, err)
	require.Error(t, remote.Write(place, other), "nobody may push")
	require.NoError(t, packed.Close())
}

// unpack are the files of an archive.
func unpack(t *testing.T, packed io.Reader) map[string]string {
	t.Helper()
	plain, err := gzip.NewReader(packed)
	require.NoError(t, err)
	archive := tar.NewReader(plain)
	files := map[string]string{}
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		if header.Typeflag == tar.TypeReg {
			content, err := io.ReadAll(archive)
			require.NoError(t, err)
			files[header.Name] = string(content)
		}
	}
}

// TestClose leaves nothing that answers, and an address that isn't this machine's is told.
func TestClose(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	artifacts, err := sources.NewOCI(ctx, t.TempDir(), loopback)
	require.NoError(t, err)
	at, err := url.Parse(artifacts.URL())
	require.NoError(t, err)
	host, _, err := net.SplitHostPort(at.Host)
	require.NoError(t, err)
	assert.Equal(t, loopback, host, "and at no other address")
	response, err := http.Get("http://" + at.Host + "/v2/")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, artifacts.Close())
	_, err = http.Get("http://" + at.Host + "/v2/") //nolint:bodyclose // there is none
	require.Error(t, err)

	_, err = sources.NewOCI(ctx, t.TempDir(), "192.0.2.1")
	require.ErrorContains(t, err, "serving to pods")
}
