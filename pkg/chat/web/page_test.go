package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPacked: what travels is small, and is the file.
func TestPacked(t *testing.T) {
	t.Parallel()
	base := serve(t, silent, nil)
	files, err := filepath.Glob("static/*")
	require.NoError(t, err)
	weight := 0
	for _, file := range files {
		address := base + "/" + filepath.Base(file)
		response, body := do(t, request(t, "GET", address, "", map[string]string{"Accept-Encoding": "br, gzip"}))
		assert.Equal(t, "gzip", response.Header.Get("Content-Encoding"), file)
		assert.Equal(t, "Accept-Encoding", response.Header.Get("Vary"))
		weight += len(body)
		unpacked, err := gzip.NewReader(strings.NewReader(body))
		require.NoError(t, err)
		got, err := io.ReadAll(unpacked)
		require.NoError(t, err)
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), file)

		for _, coding := range []string{"identity", "gzip;q=0, br", "br"} {
			plain, asItIs := do(t, request(t, "GET", address, "", map[string]string{"Accept-Encoding": coding}))
			assert.Empty(t, plain.Header.Get("Content-Encoding"), coding)
			assert.Equal(t, string(want), asItIs, file)
			assert.NotEqual(t, response.Header.Get("Etag"), plain.Header.Get("Etag"), "they are two representations")
		}
		again, _ := do(t, request(t, "GET", address, "", map[string]string{"Accept-Encoding": "gzip", "If-None-Match": response.Header.Get("Etag")}))
		assert.Equal(t, http.StatusNotModified, again.StatusCode, file)
	}
	t.Logf("the page travels in %d bytes", weight)
	assert.Less(t, weight, 50<<10)
}
