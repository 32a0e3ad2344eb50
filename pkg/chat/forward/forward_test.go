package forward_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"github.com/kservegen/kservegen/pkg/chat/forward"
	"github.com/kservegen/kservegen/pkg/chat/forward/forwardtest"
)

// through is a client of a server behind a tunnel, and what the API server saw.
func through(t *testing.T, webSockets bool, handler http.HandlerFunc) (*http.Client, *forward.Tunnel, *forwardtest.Server) {
	t.Helper()
	pod := httptest.NewServer(handler)
	t.Cleanup(pod.Close)
	kubelet := forwardtest.New(t, webSockets, map[string]string{"8080": pod.Listener.Addr().String(), "9": "127.0.0.1:1"})
	api := httptest.NewServer(kubelet)
	t.Cleanup(api.Close)
	found := 0
	tunnel := forward.New(&rest.Config{Host: api.URL, Timeout: time.Millisecond}, func(context.Context) (forward.Pod, error) {
		found++
		return forward.Pod{Namespace: "ingress", Name: "gateway-" + strings.Repeat("i", found), Port: 8080}, nil
	})
	t.Cleanup(func() { _ = tunnel.Close() })
	return &http.Client{Transport: &http.Transport{DialContext: tunnel.DialContext}}, tunnel, kubelet
}

func get(t *testing.T, client *http.Client) (string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://deepseek.example.com/x", nil)
	require.NoError(t, err)
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func TestTunnel(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		webSockets bool
		opened     string
	}{
		{"by WebSocket", true, "WebSocket /api/v1/namespaces/ingress/pods/gateway-i/portforward"},
		{"by SPDY, where the API server is old", false, "SPDY /api/v1/namespaces/ingress/pods/gateway-i/portforward"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			big := strings.Repeat("x", 1<<20)
			client, tunnel, kubelet := through(t, test.webSockets, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, r.Host+big)
			})
			var all sync.WaitGroup
			for range 5 {
				all.Go(func() {
					if body, err := get(t, client); assert.NoError(t, err) {
						assert.Equal(t, "deepseek.example.com"+big, body)
					}
				})
			}
			all.Wait()
			assert.Equal(t, []string{test.opened}, kubelet.Opened(), "one connection carries all")
			assert.Equal(t, forward.Pod{Namespace: "ingress", Name: "gateway-i", Port: 8080}, tunnel.Pod())
		})
	}
}

// TestPodGoes: the next request goes to another pod.
func TestPodGoes(t *testing.T) {
	t.Parallel()
	client, tunnel, kubelet := through(t, true, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
	})
	_, err := get(t, client)
	require.NoError(t, err)
	kubelet.Drop()
	client.CloseIdleConnections()
	require.Eventually(t, func() bool {
		body, err := get(t, client)
		return err == nil && body == "hello"
	}, 20*time.Second, 50*time.Millisecond)
	assert.Equal(t, "gateway-ii", tunnel.Pod().Name)
}

func TestPodIsCutInMidAnswer(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	client, _, kubelet := through(t, true, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half of")
		w.(http.Flusher).Flush()
		<-begun
		<-r.Context().Done()
	})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://deepseek.example.com/x", nil)
	require.NoError(t, err)
	response, err := client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	half := make([]byte, len("half of"))
	_, err = io.ReadFull(response.Body, half)
	require.NoError(t, err)
	close(begun)
	kubelet.Drop()
	_, err = io.ReadAll(response.Body)
	require.Error(t, err)
}

func TestNobodyListensInThePod(t *testing.T) {
	t.Parallel()
	kubelet := forwardtest.New(t, true, map[string]string{"8080": "127.0.0.1:1"})
	api := httptest.NewServer(kubelet)
	t.Cleanup(api.Close)
	tunnel := forward.New(&rest.Config{Host: api.URL}, func(context.Context) (forward.Pod, error) {
		return forward.Pod{Namespace: "ingress", Name: "gateway", Port: 8080}, nil
	})
	_, err := get(t, &http.Client{Transport: &http.Transport{DialContext: tunnel.DialContext}})
	require.ErrorContains(t, err, "forwarding to port 8080 of pod ingress/gateway: an error occurred forwarding 8080: connection refused")
	require.NoError(t, tunnel.Close())
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","message":"pods \"gateway\" is forbidden: may not create pods/portforward","code":403}`)
	}))
	t.Cleanup(api.Close)
	tunnel := forward.New(&rest.Config{Host: api.URL}, func(context.Context) (forward.Pod, error) {
		return forward.Pod{Namespace: "ingress", Name: "gateway", Port: 8080}, nil
	})
	_, err := tunnel.DialContext(t.Context(), "tcp", "")
	require.ErrorContains(t, err, "forwarding to pod ingress/gateway")
	require.ErrorContains(t, err, "may not create pods/portforward")
}

func TestNoPod(t *testing.T) {
	t.Parallel()
	none := errors.New("no ready pod")
	tunnel := forward.New(&rest.Config{Host: "http://127.0.0.1:1"}, func(context.Context) (forward.Pod, error) { return forward.Pod{}, none })
	_, err := tunnel.DialContext(t.Context(), "tcp", "")
	require.ErrorIs(t, err, none)
}

// TestDialIsGivenUp: an API server that does not answer holds nobody for longer than the context.
func TestDialIsGivenUp(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	api := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-gone }))
	t.Cleanup(api.Close)
	t.Cleanup(func() { close(gone) })
	tunnel := forward.New(&rest.Config{Host: api.URL}, func(context.Context) (forward.Pod, error) { return forward.Pod{Port: 1}, nil })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := tunnel.DialContext(ctx, "tcp", "")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// TestAnAPIServerThatNeverAnswers: neither the end of the program nor the next connection waits for one that hangs.
func TestAnAPIServerThatNeverAnswers(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	pod := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }))
	t.Cleanup(pod.Close)
	kubelet := forwardtest.New(t, true, map[string]string{"8080": pod.Listener.Addr().String()})
	asked := make(chan struct{}, 10)
	var hanging atomic.Bool
	hanging.Store(true)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hanging.Load() {
			asked <- struct{}{}
			<-hang
			return
		}
		kubelet.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	t.Cleanup(func() { close(hang) })
	tunnel := forward.New(&rest.Config{Host: api.URL}, func(context.Context) (forward.Pod, error) {
		return forward.Pod{Namespace: "ingress", Name: "gateway", Port: 8080}, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	dialled := make(chan error, 1)
	go func() {
		_, err := tunnel.DialContext(ctx, "tcp", "x:1")
		dialled <- err
	}()
	<-asked
	cancel()
	require.ErrorIs(t, <-dialled, context.Canceled)
	hanging.Store(false)
	body, err := get(t, &http.Client{Transport: &http.Transport{DialContext: tunnel.DialContext}, Timeout: 5 * time.Second})
	require.NoError(t, err)
	assert.Equal(t, "here", body)

	hanging.Store(true)
	kubelet.Drop()
	go func() { _, _ = tunnel.DialContext(t.Context(), "tcp", "x:1") }()
	<-asked
	closed := make(chan error, 1)
	go func() { closed <- tunnel.Close() }()
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Fatal("the end waits for an API server that never answers")
	}
	_, err = tunnel.DialContext(t.Context(), "tcp", "x:1")
	require.ErrorIs(t, err, net.ErrClosed)
}
