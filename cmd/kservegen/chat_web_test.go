//go:build unix

package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// servePage starts `kservegen chat --web` and returns its link, and what ends it and returns what it said besides.
func servePage(t *testing.T, args ...string) (link string, end func() (said string)) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "kservegen", append([]string{"chat", "--web"}, args...)...)
	cmd.Env = append(os.Environ(), "KSERVEGEN_CHAT_TOKEN=of-the-model")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	link, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(link), func() string {
		require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		require.NoError(t, cmd.Wait())
		return said.String()
	}
}

func askPage(t *testing.T, base, token string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"api/chat", strings.NewReader(`{"messages":[{"role":"user","content":"hi"}]}`))
	require.NoError(t, err)
	request.Header.Set("X-Kservegen-Chat", "1")
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

// TestChatPage: the page asks with the model's credential, which it does not have, and beyond this machine with one of its own.
func TestChatPage(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	link, end := servePage(t, "--url", m.URL, "--listen", "127.0.0.1:0")
	status, body := askPage(t, link, "")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "echo: hi")
	assert.NotContains(t, body, "of-the-model")
	assert.Equal(t, "Bearer of-the-model", m.requests()[0].header.Get("Authorization"))
	assert.NotContains(t, end(), "plain HTTP")

	link, end = servePage(t, "--url", m.URL, "--listen", "0.0.0.0:0")
	base, token, found := strings.Cut(link, "#token=")
	require.True(t, found, link)
	status, _ = askPage(t, base, "")
	assert.Equal(t, http.StatusUnauthorized, status)
	status, _ = askPage(t, base, token)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, end(), "the page and its token go over plain HTTP", "who reads along has the token")
}

func TestChatPageUsage(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"--once is for the terminal":         {"--web", "--once"},
		"--revision is for the terminal":     {"--web", "--revision", "v2"},
		"--listen and --listen-host are for": {"--listen", "127.0.0.1:1"},
		"no such name as \"https://a.b\"":    {"--web", "--model", "m", "--listen", "127.0.0.1:0", "--listen-host", "https://a.b"},
		"not host:port":                      {"--web", "--model", "m", "--listen", "8080"},
	} {
		out, err := exec.CommandContext(t.Context(), "kservegen", append([]string{"chat", "--url", "http://127.0.0.1:1"}, args...)...).CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		assert.Equal(t, 2, exit.ExitCode(), string(out))
		assert.Contains(t, string(out), want)
	}
}
