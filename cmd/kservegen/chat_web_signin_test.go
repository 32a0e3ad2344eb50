//go:build unix

package main

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/kservegen/kservegen/pkg/rollout/apitest"
)

// usersOf is a file of one user, alice, whose password is right.
func usersOf(t *testing.T) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("right"), 10)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "htpasswd")
	require.NoError(t, os.WriteFile(file, append([]byte("alice:"), hash...), 0o600))
	return file
}

// getPage asks the page as alice, or as nobody without a password.
func getPage(t *testing.T, method, address, password string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(`{"messages":[{"role":"user","content":"hi"}]}`))
	require.NoError(t, err)
	r.Header.Set("X-Kservegen-Chat", "1")
	r.Header.Set("Content-Type", "application/json")
	if password != "" {
		r.SetBasicAuth("alice", password)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}

// TestChatPageOfUsers: beyond this machine a sign-in takes the place of the token, and each user's questions are counted.
func TestChatPageOfUsers(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	link, end := servePage(t, "--url", m.URL, "--listen", "0.0.0.0:0", "--users-file", usersOf(t), "--requests-per-minute", "1")
	assert.NotContains(t, link, "#")
	response, _ := getPage(t, "GET", link+"healthz", "")
	assert.Equal(t, http.StatusOK, response.StatusCode)
	response, _ = getPage(t, "GET", link, "")
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	response, _ = getPage(t, "GET", link, "guess")
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	response, body := getPage(t, "GET", link+"api/about", "right")
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Contains(t, body, `"signIn":{"kind":"basic","id":"alice","user":"alice"}`)
	for range 20 {
		response, body = getPage(t, "POST", link+"api/chat", "right")
		require.Equal(t, http.StatusOK, response.StatusCode, body)
	}
	response, _ = getPage(t, "POST", link+"api/chat", "right")
	assert.Equal(t, http.StatusTooManyRequests, response.StatusCode)
	assert.NotEmpty(t, response.Header.Get("Retry-After"))
	assert.Equal(t, "Bearer of-the-model", m.requests()[0].header.Get("Authorization"), "and not that of alice")
	said := end()
	assert.Contains(t, said, "the page and what people sign in with go over plain HTTP: unless TLS, a mesh or a tunnel is before it")
	assert.Contains(t, said, `kservegen: sign-in of "alice" from 127.0.0.1 failed: the password is wrong`)
	assert.NotContains(t, said, "guess")
}

// TestChatPageOfAnIssuer: the page is there while its issuer is not.
func TestChatPageOfAnIssuer(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	away := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(away.Close)
	link, end := servePage(t, "--url", m.URL, "--listen", "127.0.0.1:0", "--oidc-issuer-url", away.URL, "--oidc-client-id", "chat")
	response, _ := getPage(t, "GET", link, "")
	assert.Equal(t, http.StatusOK, response.StatusCode)
	response, body := getPage(t, "GET", link+"api/about", "")
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.Contains(t, body, `"code":"signed_out"`)
	response, body = getPage(t, "GET", link+"auth/login", "")
	assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	assert.Contains(t, body, "the issuer does not answer")
	assert.Contains(t, end(), "kservegen: issuer "+away.URL+" cannot be asked")
}

// TestChatPageShares: the page asks a URL, and shows what the cluster's route says.
func TestChatPageShares(t *testing.T) {
	t.Parallel()
	m, cluster := newModel(t), apitest.New(t)
	cluster.PutYAML(t, "/apis/networking.istio.io/v1/namespaces/llm/virtualservices/deepseek-r1", `
kind: VirtualService
apiVersion: networking.istio.io/v1
spec:
  http:
  - {name: testers-v2, match: [{headers: {x-llm-track: {exact: v2}}}], route: [{destination: {host: deepseek-r1-v2-predictor.llm.svc.cluster.local}}]}
  - {name: weights, route: [{destination: {host: deepseek-r1-v1-predictor.llm.svc.cluster.local}, weight: 75}, {destination: {host: deepseek-r1-v2-predictor.llm.svc.cluster.local}, weight: 25}]}`)
	link, end := servePage(t, "--url", m.URL, "--model", "deepseek-r1", "--model-deployment", "deepseek-r1", "-n", "llm", "--kubeconfig", kubeconfigOf(t, cluster.Config.Host), "--listen", "127.0.0.1:0")
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		_, body := getPage(t, "GET", link+"api/about", "")
		assert.JSONEq(c, `{"name":"deepseek-r1","model":"deepseek-r1","revisions":[{"name":"v1","weight":75,"chosen":false},{"name":"v2","weight":25,"chosen":true}]}`, body)
	}, 20*time.Second, 20*time.Millisecond)
	response, _ := getPage(t, "POST", link+"api/chat?revision=v2", "")
	assert.Equal(t, "v2", response.Header.Get("X-Llm-Revision"))
	assert.Contains(t, end(), "with the shares of llm/deepseek-r1")
	assert.Empty(t, cluster.Writes())
}

// TestChatPageEnds: when a pod is told to end, answers that run may go on for longer than a person at a terminal waits, who
// asks twice.
func TestChatPageEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		takes  time.Duration
		signal os.Signal
		again  time.Duration
		whole  bool
	}{
		"a pod":    {5 * time.Second, syscall.SIGTERM, time.Hour, true},
		"a person": {time.Hour, os.Interrupt, 200 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started := make(chan struct{})
			m := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.(http.Flusher).Flush()
				close(started)
				select {
				case <-time.After(c.takes):
					_, _ = io.WriteString(w, "whole")
				case <-r.Context().Done():
				}
			}))
			t.Cleanup(m.Close)
			cmd := exec.CommandContext(t.Context(), "kservegen", "chat", "--web", "--url", m.URL, "--model", "m", "--listen", "127.0.0.1:0", "--users-file", usersOf(t))
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			link, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			answer := make(chan string, 1)
			go func() { answer <- answerOf(t, strings.TrimSpace(link)) }()
			<-started
			require.NoError(t, cmd.Process.Signal(c.signal))
			for got, ended := "", false; !ended; {
				select {
				case got = <-answer:
					assert.Equal(t, c.whole, got == "whole", got)
					ended = true
				case <-time.After(c.again):
					require.NoError(t, cmd.Process.Signal(c.signal))
				}
			}
			if ended := cmd.Wait(); c.whole {
				require.NoError(t, ended)
			}
		})
	}
}

// answerOf is as much of an answer as came.
func answerOf(t *testing.T, link string) string {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, link+"api/chat", strings.NewReader("{}"))
	if err != nil {
		return err.Error()
	}
	r.Header = http.Header{"X-Kservegen-Chat": {"1"}, "Content-Type": {"application/json"}}
	r.SetBasicAuth("alice", "right")
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body) // which may be cut
	return string(body)
}

func TestChatPageSignInUsage(t *testing.T) {
	t.Parallel()
	users := usersOf(t)
	bad := filepath.Join(t.TempDir(), "bad")
	require.NoError(t, os.WriteFile(bad, []byte("alice:hunter2"), 0o600))
	for want, args := range map[string][]string{
		"--users-file is for the page; add --web":                    {"--users-file", users},
		"--oidc-issuer-url is for the page":                          {"--oidc-issuer-url", "https://x"},
		"--requests-per-minute is for the page":                      {"--requests-per-minute", "5"},
		"two ways to sign in":                                        {"--web", "--users-file", users, "--oidc-issuer-url", "https://x", "--oidc-client-id", "c"},
		"go with --oidc-issuer-url":                                  {"--web", "--oidc-client-id", "c"},
		"--oidc-scopes go with":                                      {"--web", "--users-file", users, "--oidc-scopes", "openid"},
		"by which client ID?":                                        {"--web", "--oidc-issuer-url", "https://x"},
		"--users-file is empty":                                      {"--web", "--users-file", ""},
		"--oidc-issuer-url is empty":                                 {"--web", "--oidc-issuer-url", "", "--oidc-client-id", "c"},
		"nobody signs in; give --users-file or --oidc-issuer-url":    {"--web", "--requests-per-minute", "5"},
		"--requests-per-minute 0 is below 1":                         {"--web", "--users-file", users, "--requests-per-minute", "0"},
		"--users-file: open " + users + "x: no such file":            {"--web", "--model", "m", "--users-file", users + "x"},
		bad + `:1: user "alice" has a password in plain text`:        {"--web", "--model", "m", "--users-file", bad},
		"is reached by plain HTTP":                                   {"--web", "--model", "m", "--oidc-issuer-url", "http://issuer.example.com", "--oidc-client-id", "c"},
		"lack openid":                                                {"--web", "--model", "m", "--oidc-issuer-url", "https://issuer.example.com", "--oidc-client-id", "c", "--oidc-scopes", "email"},
		"two ways to a model; give one (the page of --web takes":     {"--model-deployment", "m", "-n", "llm"},
		"--model-deployment m is in which namespace? -n NAMESPACE":   {"--web", "--model-deployment", "m"},
		"-n goes with --model-deployment":                            {"--web", "-n", "llm"},
		"--kubeconfig and --context are for a way through the clust": {"--web", "--context", "kind"},
	} {
		out, err := exec.CommandContext(t.Context(), "kservegen", append([]string{"chat", "--url", "http://127.0.0.1:1"}, args...)...).CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, string(out))
		assert.Equal(t, 2, exit.ExitCode(), string(out))
		assert.Contains(t, string(out), want)
		assert.NotContains(t, string(out), "hunter2")
	}
}
