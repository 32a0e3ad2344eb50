package load_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/kind/load"
)

// TestBinomial compares with values that can be counted by hand.
func TestBinomial(t *testing.T) {
	t.Parallel()
	assert.InDelta(t, 0.5, load.Binomial(1, 0, 0.5), 1e-12)
	assert.InDelta(t, 11.0/16, load.Binomial(4, 2, 0.5), 1e-12)
	assert.InDelta(t, 0.9*0.9, load.Binomial(2, 0, 0.1), 1e-12)
	assert.InDelta(t, 1, load.TwoSided(10, 5, 0.5), 1e-12)
	assert.InDelta(t, 1, load.TwoSided(10, 0, 0), 1e-12)
	assert.Zero(t, load.TwoSided(10, 1, 0))
	assert.InDelta(t, 1, load.TwoSided(10, 10, 1), 1e-12)
	assert.InDelta(t, 2.0/1024, load.TwoSided(10, 10, 0.5), 1e-12)
	// 2.5 points off a tenth of 2,000 is rare where the split is right, half a point is not.
	assert.Less(t, load.TwoSided(2000, 250, 0.1), 0.001)
	assert.Greater(t, load.TwoSided(2000, 210, 0.1), 0.1)
}

func serve(t *testing.T, handler http.HandlerFunc) *load.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return load.NewClient(server.URL, "llm.example.com", "m", 4)
}

// TestChat tells whole answers from those that failed or broke off.
func TestChat(t *testing.T) {
	t.Parallel()
	const whole = `{"model":"m","choices":[{"message":{"content":"hi"},"finish_reason":"length"}]}`
	for name, c := range map[string]struct {
		stream         bool
		status         int
		body           string
		failed, cut    bool
		events, length int
	}{
		"whole":                {status: 200, body: whole},
		"says nothing":         {status: 200, body: `{"model":"m","choices":[]}`, failed: true, cut: true},
		"ended early":          {status: 200, body: `{"model":"m","choices":[{"message":{"content":"hi"},"finish_reason":"abort"}]}`, failed: true, cut: true},
		"an aborted stream":    {stream: true, status: 200, body: "data: {\"choices\":[{\"finish_reason\":\"abort\"}]}\n\ndata: [DONE]\n\n", failed: true, cut: true, events: 1},
		"an error in a stream": {stream: true, status: 200, body: "data: {\"error\":{\"code\":500}}\n\ndata: [DONE]\n\n", failed: true, cut: true},
		"half an answer":       {status: 200, body: whole[:10], failed: true, cut: true},
		"refused":              {status: 503, body: "no healthy upstream", failed: true},
		"a whole stream":       {stream: true, status: 200, body: "data: {\"model\":\"m\"}\n\ndata: {\"choices\":[{\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n", events: 2},
		"a stream without end": {stream: true, status: 200, body: "data: {\"model\":\"m\"}\n\n", failed: true, cut: true, events: 1},
		"an empty stream":      {stream: true, status: 200, failed: true, cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "llm.example.com", r.Host)
				w.Header().Set("x-inference-pod", "v1-a")
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			})
			answer := client.Chat(t.Context(), load.Request{Stream: c.stream, Tokens: 3})
			assert.Equal(t, c.failed, answer.Failed(), answer.Err)
			assert.Equal(t, c.cut, answer.Cut())
			assert.Equal(t, c.events, answer.Events)
			assert.Equal(t, "v1-a", answer.Pod)
		})
	}
}

// TestWay asks below the model's prefix and with its header; what a request adds comes on top.
func TestWay(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var paths []string
	client := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		paths = append(paths, r.Method+" "+r.URL.Path)
		assert.Equal(t, "a", r.Header.Get("x-model"))
		assert.Equal(t, "v2", r.Header.Get("x-llm-track"))
	})
	client.Prefix, client.Header = "/gpt-oss", map[string]string{"x-model": "a"}
	own := map[string]string{"x-llm-track": "v2"}
	client.Chat(t.Context(), load.Request{Tokens: 1, Header: own})
	for _, path := range []string{"/v1/models", "/health", "/"} {
		_, _, err := client.Get(t.Context(), path, own)
		require.NoError(t, err)
	}
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, []string{"POST /gpt-oss/v1/chat/completions", "GET /gpt-oss/v1/models", "GET /gpt-oss/health", "GET /gpt-oss/"}, paths)
}

// TestRun sends exactly the plan, and counts failures by their reason.
func TestRun(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", http.StatusServiceUnavailable) })
	answers := client.Run(t.Context(), load.Plan{Requests: 25, Lanes: 4, StreamEvery: 5})
	assert.Len(t, answers, 25)
	assert.Len(t, answers.Streams(), 5)
	require.EqualError(t, answers.Err(), "25 of 25 requests failed, 0 cut in the middle: 25 x status 503: busy")
}

// TestStop lets the requests that run end: they are no failures.
func TestStop(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{}, 100)
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		time.Sleep(20 * time.Millisecond)
		if errors.Is(r.Context().Err(), context.Canceled) {
			t.Error("a running request was cancelled")
		}
		fmt.Fprint(w, `{"model":"m","choices":[{"message":{"content":"hi"},"finish_reason":"length"}]}`)
	})
	running := client.Start(t.Context(), load.Plan{Lanes: 2}, time.Minute)
	<-begun
	answers := running.Stop()
	require.NotEmpty(t, answers)
	require.NoError(t, answers.Err())
}
