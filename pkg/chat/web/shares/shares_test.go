package shares_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/chat/web"
	"github.com/kservegen/kservegen/pkg/chat/web/shares"
	"github.com/kservegen/kservegen/pkg/rollout/apitest"
	"github.com/kservegen/kservegen/pkg/rollout/live"
)

const (
	virtualService = "/apis/networking.istio.io/v1/namespaces/llm/virtualservices/deepseek-r1"
	httpRoute      = "/apis/gateway.networking.k8s.io/v1/namespaces/llm/httproutes/deepseek-r1"
)

// world is a cluster, and what the page knows of it.
type world struct {
	server *apitest.Server
	shares *shares.Shares
	// forbid has the beginnings of the paths that may not be read; away is the status of all.
	forbid string
	away   atomic.Int64
	passed atomic.Int64

	mu   sync.Mutex
	read []string
	said []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{server: apitest.New(t)}
	w.server.Before = func(r *http.Request) int {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.read = append(w.read, r.Method+" "+r.URL.Path)
		if w.forbid != "" && strings.HasPrefix(r.URL.Path, w.forbid) {
			return http.StatusForbidden
		}
		return int(w.away.Load())
	}
	cluster, err := live.New(w.server.Config)
	require.NoError(t, err)
	now := func() time.Time { return time.Unix(1_800_000_000+w.passed.Load(), 0) }
	w.shares = shares.New(cluster, "llm", "deepseek-r1", func(line string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.said = append(w.said, line)
	}, now)
	return w
}

func (w *world) lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string{}, w.said...)
}

// route is the reference tree's VirtualService, with weights.
func route(t *testing.T, v1, v2 int) string {
	t.Helper()
	data, err := os.ReadFile("../../../../overlays/deepseek-r1-distill-llama-8b-a10g/deepseek-r1/base/virtualservice.yaml")
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(data), "weight: "))
	return strings.NewReplacer("weight: 100", fmt.Sprintf("weight: %d", v1), "weight: 0", fmt.Sprintf("weight: %d", v2)).Replace(string(data))
}

func known(v1, v2 int) []web.Revision {
	return []web.Revision{{Name: "v1", Weight: v1}, {Name: "v2", Header: "x-llm-track", Value: "v2", Weight: v2}}
}

// TestSteps: the steps of a canary show, by nothing but the route's name.
func TestSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	assert.Empty(t, w.shares.Revisions())
	assert.Empty(t, w.shares.Unread(), "nothing was tried yet")
	w.server.PutYAML(t, virtualService, route(t, 90, 10))
	w.shares.Read(t.Context())
	assert.Equal(t, known(90, 10), w.shares.Revisions())
	w.server.PutYAML(t, virtualService, route(t, 50, 50))
	w.shares.Read(t.Context())
	assert.Equal(t, known(50, 50), w.shares.Revisions())
	assert.Equal(t, []string{"GET " + virtualService, "GET " + virtualService}, w.read)
	assert.Empty(t, w.lines())
}

// TestRoutesOfTheGatewayAPI: callers inside the mesh go by the route of the Service, or by that of the gateway where there is one.
// The VirtualService may not be read there.
func TestRoutesOfTheGatewayAPI(t *testing.T) {
	t.Parallel()
	rules := func(v1, v2 int) string {
		return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
spec: {rules: [
  {name: testers-v2, matches: [{headers: [{name: x-llm-track, value: v2, type: Exact}]}], backendRefs: [{name: deepseek-r1-v2-predictor, weight: 100}]},
  {name: weights, backendRefs: [{name: deepseek-r1-v1-predictor, weight: %d}, {name: deepseek-r1-v2-predictor, weight: %d}]}]}`, v1, v2)
	}
	w := newWorld(t)
	w.forbid = "/apis/networking.istio.io/"
	w.server.PutYAML(t, httpRoute, rules(80, 20))
	w.shares.Read(t.Context())
	assert.Equal(t, known(80, 20), w.shares.Revisions())
	w.server.PutYAML(t, httpRoute+"-mesh", rules(70, 30))
	w.shares.Read(t.Context())
	assert.Equal(t, known(70, 30), w.shares.Revisions())
	for _, path := range w.read {
		assert.Contains(t, path, "/namespaces/llm/")
		assert.Contains(t, path, "s/deepseek-r1", "an object by its name, and no list")
	}
	assert.Empty(t, w.lines())
}

// TestAway: names stay, weights are forgotten after a minute, and one line says so.
func TestAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.PutYAML(t, virtualService, route(t, 90, 10))
	w.shares.Read(t.Context())
	w.away.Store(http.StatusInternalServerError)
	for range 3 {
		w.passed.Add(20)
		w.shares.Read(t.Context())
		assert.Equal(t, known(90, 10), w.shares.Revisions())
		assert.Empty(t, w.shares.Unread(), "what was read last still counts")
	}
	w.passed.Add(1)
	assert.Equal(t, known(0, 0), w.shares.Revisions())
	assert.Equal(t, "deepseek-r1", w.shares.Unread())
	require.Len(t, w.lines(), 1)
	assert.Contains(t, w.lines()[0], "the shares of llm/deepseek-r1 cannot be read, and are not shown: reading virtualservices llm/deepseek-r1")
	w.away.Store(0)
	w.shares.Read(t.Context())
	assert.Equal(t, known(90, 10), w.shares.Revisions())
	assert.Empty(t, w.shares.Unread())
	assert.Equal(t, "the shares of llm/deepseek-r1 are read again", w.lines()[1])
}

func TestNothingThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shares.Read(t.Context())
	assert.Contains(t, w.lines()[0], "namespace llm has no VirtualService deepseek-r1 and no HTTPRoute deepseek-r1-mesh or deepseek-r1")
	w = newWorld(t)
	w.away.Store(http.StatusForbidden)
	w.shares.Read(t.Context())
	assert.NotContains(t, w.lines()[0], "\n")
	assert.Contains(t, w.lines()[0], "Forbidden")
	assert.Empty(t, w.shares.Revisions())
	assert.Equal(t, "deepseek-r1", w.shares.Unread(), "the first failure is enough where nothing was read before")
	w.away.Store(0)
	w.server.PutYAML(t, virtualService, route(t, 90, 10))
	w.shares.Read(t.Context())
	assert.Empty(t, w.shares.Unread())
}

// TestNoWeights: a route that was read and tells no shares is read all the same.
func TestNoWeights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.PutYAML(t, virtualService, "apiVersion: networking.istio.io/v1\nkind: VirtualService\n"+
		"spec: {http: [{name: weights, route: [{destination: {host: deepseek-r1-v1-predictor.llm.svc.cluster.local}}]}]}")
	w.shares.Read(t.Context())
	assert.Empty(t, w.lines())
	assert.Empty(t, w.shares.Unread())
}

func TestWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.PutYAML(t, virtualService, route(t, 90, 10))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		w.shares.Watch(ctx, time.Millisecond)
		close(ended)
	}()
	sees := func(want []web.Revision) {
		require.EventuallyWithT(t, func(c *assert.CollectT) { assert.Equal(c, want, w.shares.Revisions()) }, 10*time.Second, time.Millisecond)
	}
	sees(known(90, 10))
	w.server.PutYAML(t, virtualService, route(t, 0, 100))
	sees(known(0, 100))
	cancel()
	<-ended
	assert.Empty(t, w.lines(), "its end is no failure")
}
