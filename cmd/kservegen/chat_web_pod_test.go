//go:build unix

package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"
)

// argsOfPod are those of the page's pods as the reference tree is rendered for an environment.
func argsOfPod(t *testing.T, environment string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "kservegen", "render", "-f", "../../overlays/deepseek-r1-distill-llama-8b-chat/document.yaml", "--env", environment).Output()
	require.NoError(t, err)
	for object := range bytes.SplitSeq(out, []byte("\n---\n")) {
		var deployment appsv1.Deployment
		if bytes.Contains(object, []byte("\nkind: Deployment\n")) {
			require.NoError(t, yaml.UnmarshalStrict(object, &deployment))
			return deployment.Spec.Template.Spec.Containers[0].Args
		}
	}
	require.FailNow(t, "there is no Deployment")
	return nil
}

// TestChatPageOfAPod: the program takes the arguments of the tree's pods. What is of the cluster is said again, for here.
func TestChatPageOfAPod(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "client-secret")
	require.NoError(t, os.WriteFile(secret, []byte("s"), 0o600))
	m := newModel(t)
	for environment, c := range map[string]struct {
		here   []string
		status int
	}{
		"dev":        {[]string{"--users-file=" + usersOf(t)}, http.StatusUnauthorized},
		"production": {[]string{"--oidc-client-secret-file=" + secret, "--oidc-issuer-url=http://127.0.0.1:1"}, http.StatusOK},
	} {
		args := argsOfPod(t, environment)
		require.Equal(t, []string{"chat", "--web"}, args[:2])
		here := append([]string{"--listen=127.0.0.1:0", "--url=" + m.URL, "--kubeconfig=" + kubeconfigOf(t, "https://127.0.0.1:1")}, c.here...)
		link, end := servePage(t, append(args[2:], here...)...)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
		require.NoError(t, err)
		for host, status := range map[string]int{"chat.example.com": c.status, "other.example.com": http.StatusMisdirectedRequest} {
			r.Host = host
			response, err := http.DefaultTransport.RoundTrip(r)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Equal(t, status, response.StatusCode, environment+", "+host)
		}
		assert.Contains(t, end(), "deepseek-r1 at "+m.URL+"/v1, with the shares of llm/deepseek-r1")
	}
}
