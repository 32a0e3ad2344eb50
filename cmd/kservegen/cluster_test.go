package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/cmd/kservegen/internal/cli"
)

// cluster is what an API server with two revisions of a model says. The second answers once ready is set.
type cluster struct {
	ready  atomic.Bool
	weight atomic.Int64 // of the first
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	labels := func(revision string) map[string]any {
		return map[string]any{"name": "canary-" + revision, "generation": 1, "labels": map[string]any{"kservegen.dev/model": "canary", "kservegen.dev/revision": revision}}
	}
	deployment := func(available int) map[string]any {
		return map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": labels("v"), "spec": map[string]any{"replicas": 1}, "status": map[string]any{"observedGeneration": 1, "availableReplicas": available}}
	}
	answer := map[string]any{"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
	list := func(apiVersion, kind string, items ...any) map[string]any {
		return map[string]any{"apiVersion": apiVersion, "kind": kind + "List", "items": items}
	}
	object := func(apiVersion, kind string, metadata, spec map[string]any) map[string]any {
		return map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": metadata, "spec": spec}
	}
	switch _, path, _ := strings.Cut(r.URL.Path, "/namespaces/llm/"); path {
	case "inferenceservices":
		const version = "serving.kserve.io/v1beta1"
		answer = list(version, "InferenceService", object(version, "InferenceService", labels("v1"), nil), object(version, "InferenceService", labels("v2"), nil))
	case "deployments/canary-v1-predictor":
		answer = deployment(1)
	case "deployments/canary-v2-predictor":
		answer = deployment(map[bool]int{true: 1}[c.ready.Load()])
	case "pods":
		answer = list("v1", "Pod", map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": labels("v2"), "status": map[string]any{
			"containerStatuses": []any{map[string]any{"state": map[string]any{"waiting": map[string]any{"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}}}},
		}})
	case "virtualservices":
		const version = "networking.istio.io/v1"
		route := func(revision string, weight int64) any {
			return map[string]any{"weight": weight, "destination": map[string]any{"host": "canary-" + revision + "-predictor.llm.svc.cluster.local"}}
		}
		first := c.weight.Load()
		answer = list(version, "VirtualService", object(version, "VirtualService", labels(""), map[string]any{"http": []any{
			map[string]any{"name": "weights", "route": []any{route("v1", first), route("v2", 100-first)}},
		}}))
	}
	if answer["kind"] == "Status" {
		w.WriteHeader(http.StatusNotFound)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// kubeconfig describes a cluster.
func kubeconfig(t *testing.T, url string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(path, []byte(fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test}}]
clusters: [{name: test, cluster: {server: %q}}]
`, url)), 0o600))
	return path
}

// deployed is a copy of the canary's document, rendered.
func deployed(t *testing.T) (document, trees string) {
	t.Helper()
	dir := t.TempDir()
	document, trees = filepath.Join(dir, "canary.yaml"), filepath.Join(dir, "deploy")
	data, err := os.ReadFile(filepath.Join("testdata", "documents", "canary.yaml"))
	require.NoError(t, err)
	text := strings.Replace(string(data), "weight: 10}", "weight: 10, testers: {header: x-llm-track, value: v2}}", 1)
	text = strings.Replace(text, "weight: 90}", "weight: 90, testers: {header: x-llm-track, value: v1}}", 1)
	require.NoError(t, os.WriteFile(document, []byte(text), 0o600))
	code, _, stderr := call(t, "", "render", "-f", document, "-o", trees)
	require.Equal(t, 0, code, stderr)
	return document, trees
}

// TestStepsAskTheCluster: a revision gets more only when it answers, and the way back waits for nothing.
func TestStepsAskTheCluster(t *testing.T) {
	t.Parallel()
	c := &cluster{}
	c.weight.Store(90)
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	config := kubeconfig(t, server.URL)
	document, trees := deployed(t)
	canary := func(args ...string) (int, string) {
		code, _, stderr := call(t, "", append([]string{"canary"}, append(args, "-f", document, "-d", trees, "--kubeconfig", config)...)...)
		return code, stderr
	}
	before, err := os.ReadFile(document)
	require.NoError(t, err)
	code, stderr := canary("set", "v2=20")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "dev: v2 does not answer: pod canary-v2: CrashLoopBackOff: back-off 5m0s; nothing was changed")
	after, err := os.ReadFile(document)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after))
	code, stderr = canary("set", "v2=5")
	assert.Equal(t, 0, code, "the other one answers: %s", stderr)
	code, stderr = canary("abort")
	assert.Equal(t, 0, code, stderr)
	c.ready.Store(true)
	code, stderr = canary("promote")
	assert.Equal(t, 0, code, stderr)
	code, stderr = canary("finish", "v1")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "v1 still gets 90 % of the requests in the cluster: apply what was promoted first")
	c.weight.Store(0)
	code, stderr = canary("finish", "v1")
	assert.Equal(t, 0, code, stderr)
}

// TestStatusSideBySide: document, tree and cluster, and why a revision does not answer.
func TestStatusSideBySide(t *testing.T) {
	t.Parallel()
	c := &cluster{}
	c.weight.Store(100)
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	config := kubeconfig(t, server.URL)
	document, trees := deployed(t)
	code, stdout, stderr := call(t, "", "status", "-f", document, "-d", trees, "--env", "dev", "--kubeconfig", config)
	require.Equal(t, 0, code, stderr)
	assert.Equal(t, `canary in namespace llm, environment dev, cluster test
revision  document  tree  cluster  replicas  ready
v1        90        90    100      1/1       yes
v2        10        10    0        0/1       no: pod canary-v2: CrashLoopBackOff: back-off 5m0s
the cluster does not have the weights of the tree: it is not pushed, not applied, or of another environment
`, stdout)
	code, stdout, stderr = call(t, "", "status", "-n", "llm", "canary", "--kubeconfig", config, "-o", "json")
	require.Equal(t, 0, code, stderr)
	assert.Contains(t, stdout, `"routes": "VirtualService"`)
	assert.Contains(t, stdout, `"reason": "pod canary-v2: CrashLoopBackOff: back-off 5m0s"`)
	assert.Contains(t, stdout, `"document": null`)
}

// TestProbeAsksEachRevision: one request each, by its testers' header, to the document's host. One that fails is exit code 1.
func TestProbeAsksEachRevision(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		assert.Equal(t, "/v1/completions", r.URL.Path)
		assert.Equal(t, "Bearer secret", r.Header.Get("Authorization"))
		if r.Header.Get("x-llm-track") == "v2" {
			http.Error(w, "the engine is dead", http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(gateway.Close)
	document, trees := deployed(t)
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("secret\n"), 0o600))
	probe := []string{"status", "-f", document, "-d", trees, "--env", "dev", "--offline", "--probe", "--url", gateway.URL, "--token-file", token}
	code, stdout, stderr := call(t, "", probe...)
	assert.Equal(t, 1, code, stderr)
	assert.Regexp(t, `(?m)^v1 .* \d+ ms$`, stdout)
	assert.Regexp(t, `(?m)^v2 .* failed: 503 Service Unavailable: the engine is dead$`, stdout)
	assert.EqualValues(t, 2, asked.Load())
}

// TestWatchEnds: it goes on until it is interrupted, prints what has changed alone, and that is no failure.
func TestWatchEnds(t *testing.T) {
	t.Parallel()
	document, trees := deployed(t)
	ctx, cancel := context.WithCancel(t.Context())
	out := &stopping{cancel: cancel}
	streams := cli.Streams{In: strings.NewReader(""), Out: out, Err: out}
	code := cli.Main(ctx, []string{"status", "-f", document, "-d", trees, "--env", "dev", "--offline", "--watch"}, streams)
	assert.Equal(t, 0, code)
	assert.Equal(t, 1, strings.Count(out.String(), "revision"))
}

// stopping interrupts as soon as something was printed.
type stopping struct {
	strings.Builder
	cancel context.CancelFunc
}

func (s *stopping) Write(p []byte) (int, error) {
	defer s.cancel()
	return s.Builder.Write(p)
}

func (s *stopping) WriteString(p string) (int, error) { return s.Write([]byte(p)) }
