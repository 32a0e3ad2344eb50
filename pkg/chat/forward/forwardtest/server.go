// Package forwardtest is the API server's side of a forwarded port, for tests.
package forwardtest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/httpstream/spdy"
	"k8s.io/apimachinery/pkg/util/portforward"
	"k8s.io/apimachinery/pkg/util/proxy"
	streaming "k8s.io/apiserver/pkg/util/proxy"
)

// Server forwards to addresses on this machine, whichever pod is asked for, and counts how.
type Server struct {
	// Ports are addresses by the port of the pod.
	Ports map[string]string

	spdy      *httptest.Server
	websocket http.Handler
	mu        sync.Mutex
	opened    []string
	live      []httpstream.Connection
}

// New makes one. Without webSockets it is as an API server before Kubernetes 1.30, which knows SPDY alone.
func New(t *testing.T, webSockets bool, ports map[string]string) *Server {
	t.Helper()
	s := &Server{Ports: ports}
	s.spdy = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() { s.Drop(); s.spdy.Close() })
	if webSockets {
		location, err := url.Parse(s.spdy.URL)
		require.NoError(t, err)
		s.websocket = streaming.NewTunnelingHandler(proxy.NewUpgradeAwareHandler(location, &http.Transport{}, false, true, refuse{}))
	}
	return s
}

type refuse struct{}

func (refuse) Error(w http.ResponseWriter, _ *http.Request, err error) {
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

// ServeHTTP takes the requests to a pod's portforward.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	by := "SPDY"
	if r.Header.Get("Sec-Websocket-Key") != "" {
		by = "WebSocket"
	}
	if by == "WebSocket" && s.websocket == nil {
		http.Error(w, "unknown", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.opened = append(s.opened, by+" "+r.URL.Path)
	s.mu.Unlock()
	if by == "WebSocket" {
		s.websocket.ServeHTTP(w, r)
		return
	}
	s.serve(w, r)
}

// Opened says how connections were opened, in their order.
func (s *Server) Opened() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.opened...)
}

// Drop ends all connections, as a pod does that goes.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.live {
		_ = c.Close()
	}
	s.live = nil
}

// serve is the kubelet's side.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if _, err := httpstream.Handshake(r, w, []string{portforward.PortForwardV1Name}); err != nil {
		return
	}
	streams := make(chan httpstream.Stream, 100)
	c := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(stream httpstream.Stream, _ <-chan struct{}) error {
		streams <- stream
		return nil
	})
	if c == nil {
		return
	}
	s.mu.Lock()
	s.live = append(s.live, c)
	s.mu.Unlock()
	failures := map[string]httpstream.Stream{}
	for {
		select {
		case stream := <-streams:
			request := stream.Headers().Get(corev1.PortForwardRequestIDHeader)
			if stream.Headers().Get(corev1.StreamType) == corev1.StreamTypeError {
				failures[request] = stream
			} else {
				go s.carry(stream, failures[request])
			}
		case <-c.CloseChan():
			return
		}
	}
}

// carry connects a stream with the address of its port.
func (s *Server) carry(data, failures httpstream.Stream) {
	defer func() { _ = failures.Close() }()
	port := data.Headers().Get(corev1.PortHeader)
	var dialer net.Dialer
	backend, err := dialer.Dial("tcp", s.Ports[port])
	if err != nil {
		fmt.Fprintf(failures, "an error occurred forwarding %s: connection refused", port)
		_ = data.Reset()
		return
	}
	go func() {
		_, _ = io.Copy(backend, data)
		_ = backend.Close()
	}()
	_, _ = io.Copy(data, backend)
	_ = data.Close()
}
