package web

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBodiesThatDoNotCome: neither who reads a body nor who refuses without a look waits for one forever.
func TestBodiesThatDoNotCome(t *testing.T) {
	t.Parallel()
	const within = 200 * time.Millisecond
	for name, handler := range map[string]http.HandlerFunc{
		"refused": func(w http.ResponseWriter, _ *http.Request) { Refuse(w, http.StatusForbidden, "no", "no") },
		"read": func(w http.ResponseWriter, r *http.Request) {
			_, ok := readBody(w, r, 5, within)
			assert.False(t, ok)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(timely(within, handler))
			t.Cleanup(server.Close)
			connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(server.URL, "http://"))
			require.NoError(t, err)
			t.Cleanup(func() { _ = connection.Close() })
			_, err = io.WriteString(connection, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{")
			require.NoError(t, err)
			require.NoError(t, connection.SetReadDeadline(time.Now().Add(10*time.Second)))
			answer, err := io.ReadAll(connection)
			require.NoError(t, err, "the connection is open after 10 s")
			assert.Contains(t, string(answer), "HTTP/1.1 4")
		})
	}
}

// dated remembers until when a body may come.
type dated struct {
	*httptest.ResponseRecorder
	until time.Time
}

// SetReadDeadline is that of http.ResponseController.
func (d *dated) SetReadDeadline(until time.Time) error {
	d.until = until
	return nil
}

// TestEveryBodyIsTimely: whatever is asked, and by whomever.
func TestEveryBodyIsTimely(t *testing.T) {
	t.Parallel()
	handler, err := New(Config{Upstream: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}})
	require.NoError(t, err)
	for _, asked := range []string{"POST /", "GET /healthz", "GET /api/about", "POST /api/chat", "POST /none"} {
		method, path, _ := strings.Cut(asked, " ")
		for _, host := range []string{"localhost", "evil.example"} {
			w := &dated{ResponseRecorder: httptest.NewRecorder()}
			r := httptest.NewRequestWithContext(t.Context(), method, fmt.Sprintf("http://%s%s", host, path), strings.NewReader("{}"))
			handler.ServeHTTP(w, r)
			assert.WithinDuration(t, time.Now().Add(bodyTime), w.until, 10*time.Second, asked)
		}
	}
}

// TestBrowserThatDoesNotRead: who stops to read does not keep what an answer takes.
func TestBrowserThatDoesNotRead(t *testing.T) {
	t.Parallel()
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for piece := strings.Repeat("x", 1<<20); ; {
			if _, err := io.WriteString(w, piece); err != nil {
				return
			}
		}
	}))
	t.Cleanup(model.Close)
	upstream, err := url.Parse(model.URL)
	require.NoError(t, err)
	handler, err := New(Config{Upstream: upstream, Patience: 500 * time.Millisecond})
	require.NoError(t, err)
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(server.URL, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	_, err = io.WriteString(connection, "POST /api/chat HTTP/1.1\r\nHost: localhost\r\nX-Kservegen-Chat: 1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
	require.NoError(t, err)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		_ = connection.Close()
		t.Fatal("the answer is still being written")
	}
}
