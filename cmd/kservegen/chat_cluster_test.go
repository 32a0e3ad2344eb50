//go:build unix

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/chat/forward/forwardtest"
)

// clusterOf is a kubeconfig of an API server that has a model behind a gateway, and forwards to it.
func clusterOf(t *testing.T, m *model) (kubeconfig string, kubelet *forwardtest.Server) {
	t.Helper()
	kubelet = forwardtest.New(t, true, map[string]string{"8080": m.Listener.Addr().String()})
	objects := map[string]string{
		"/apis/networking.istio.io/v1/namespaces/llm/virtualservices": `
kind: VirtualServiceList
apiVersion: networking.istio.io/v1
items:
- kind: VirtualService
  apiVersion: networking.istio.io/v1
  metadata: {name: deepseek-r1, namespace: llm, labels: {kservegen.dev/model: deepseek-r1}}
  spec:
    hosts: [deepseek.example.com, deepseek-r1.llm.svc.cluster.local]
    gateways: [ingress/llm, mesh]
    http:
    - {name: testers-v2, match: [{headers: {x-llm-track: {exact: v2}}}], route: [{destination: {host: deepseek-r1-v2-predictor.llm.svc.cluster.local}}]}
    - {name: weights, route: [{destination: {host: deepseek-r1-v1-predictor.llm.svc.cluster.local}, weight: 90}, {destination: {host: deepseek-r1-v2-predictor.llm.svc.cluster.local}, weight: 10}]}`,
		"/apis/networking.istio.io/v1/namespaces/ingress/gateways/llm": `
kind: Gateway
apiVersion: networking.istio.io/v1
metadata: {name: llm, namespace: ingress}
spec: {selector: {istio: gw}, servers: [{hosts: [deepseek.example.com], port: {number: 80, protocol: HTTP}}]}`,
		"/api/v1/namespaces/ingress/services": `
kind: ServiceList
apiVersion: v1
items: [{kind: Service, apiVersion: v1, metadata: {name: gw, namespace: ingress}, spec: {selector: {istio: gw}, ports: [{port: 80, targetPort: 8080}]}}]`,
		"/api/v1/namespaces/ingress/pods": `
kind: PodList
apiVersion: v1
items: [{kind: Pod, apiVersion: v1, metadata: {name: gw-1, namespace: ingress, labels: {istio: gw}}, status: {conditions: [{type: Ready, status: "True"}]}}]`,
	}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, there := objects[r.URL.Path]
		switch {
		case strings.HasSuffix(r.URL.Path, "/portforward"):
			kubelet.ServeHTTP(w, r)
			return
		case !there:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`)
			return
		}
		data, err := yaml.YAMLToJSON([]byte(text))
		assert.NoError(t, err)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(data)
	}))
	t.Cleanup(api.Close)
	return kubeconfigOf(t, api.URL), kubelet
}

// kubeconfigOf is the file by which an API server is found.
func kubeconfigOf(t *testing.T, server string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `apiVersion: v1
kind: Config
current-context: kind
clusters: [{name: kind, cluster: {server: %q}}]
contexts: [{name: kind, context: {cluster: kind, user: kind}}]
users: [{name: kind, user: {}}]
`, server), 0o600))
	return file
}

func TestChatThroughTheCluster(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	kubeconfig, kubelet := clusterOf(t, m)
	code, out, errs := call(t, "revision", "chat", "--model-deployment", "deepseek-r1", "-n", "llm", "--kubeconfig", kubeconfig, "--revision", "v2", "--once")
	assert.Zero(t, code, errs)
	assert.Equal(t, "I am v2\n", out)
	assert.Equal(t, []string{"WebSocket /api/v1/namespaces/ingress/pods/gw-1/portforward"}, kubelet.Opened())

	code, out, errs = call(t, "/revision\n", "chat", "--model-deployment", "deepseek-r1", "-n", "llm", "--kubeconfig", kubeconfig)
	assert.Zero(t, code, errs)
	assert.Equal(t, "v1: no testers' header, so it answers by its weight alone\nv2: by x-llm-track: v2\n", out)

	document := filepath.Join(t.TempDir(), "deepseek.yaml")
	require.NoError(t, os.WriteFile(document, []byte(twoRevisions), 0o600))
	code, out, errs = call(t, "hello", "chat", "-f", document, "--kubeconfig", kubeconfig, "--once")
	assert.Zero(t, code, errs)
	assert.Equal(t, "echo: hello\n", out)
	assert.Equal(t, "deepseek.example.com", m.requests()[0].host)
}

func TestChatWithoutAWayThroughTheCluster(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	kubeconfig, _ := clusterOf(t, m)
	code, _, errs := call(t, "hello", "chat", "--model-deployment", "deepseek-r1", "-n", "other", "--kubeconfig", kubeconfig, "--once")
	assert.Equal(t, 3, code)
	assert.Contains(t, errs, "model deepseek-r1 in namespace other has no VirtualService and no HTTPRoute at a gateway")
	code, _, errs = call(t, "hello", "chat", "--model-deployment", "deepseek-r1", "-n", "llm", "--kubeconfig", filepath.Join(t.TempDir(), "none"), "--once")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "finding the cluster")
}
