// Package forward reaches a port of a pod through the API server, as kubectl port-forward does, without a port on this
// machine that others here could use.
package forward

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// Pod is where connections lead.
type Pod struct {
	Namespace, Name string
	Port            int
}

// Find says which pod takes connections now.
type Find func(context.Context) (Pod, error)

// Tunnel carries connections to a pod, and to another one where that is gone.
type Tunnel struct {
	config *rest.Config
	find   Find

	end   sync.Once
	ended chan struct{}

	mu         sync.Mutex
	pod        Pod
	connection httpstream.Connection
	requests   int
}

// New makes a tunnel. It connects with the first connection that it carries.
func New(config *rest.Config, find Find) *Tunnel {
	config = rest.CopyConfig(config)
	config.Timeout = 0 // an answer takes as long as it takes
	return &Tunnel{config: config, find: find, ended: make(chan struct{})}
}

// Pod is the one that the last connection went to.
func (t *Tunnel) Pod() Pod {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pod
}

// Close ends all connections, and there will be no other.
func (t *Tunnel) Close() error {
	t.end.Do(func() { close(t.ended) }) // who is connecting lets go of the lock
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.connection == nil {
		return nil
	}
	return t.connection.Close()
}

// DialContext connects to the pod, whatever the address.
func (t *Tunnel) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-t.ended:
			cancel(net.ErrClosed)
		case <-ctx.Done():
		}
	}()
	return within(ctx, func() (net.Conn, error) { return t.dial(ctx) })
}

// within runs what knows no context, and gives it up where the context ends: what it opens later is closed.
func within[T io.Closer](ctx context.Context, open func() (T, error)) (T, error) {
	type opened struct {
		it  T
		err error
	}
	result := make(chan opened, 1)
	go func() {
		it, err := open()
		result <- opened{it, err}
	}()
	select {
	case o := <-result:
		return o.it, o.err
	case <-ctx.Done():
		go func() {
			if o := <-result; o.err == nil {
				_ = o.it.Close()
			}
		}()
		var none T
		return none, context.Cause(ctx)
	}
}

// dial opens a stream, on a new connection where the old one turns out to be dead: its end may not have come here yet.
func (t *Tunnel) dial(ctx context.Context) (net.Conn, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	used := t.connection != nil
	for {
		if err := t.connect(ctx); err != nil {
			return nil, err
		}
		t.requests++
		conn, err := t.stream()
		if err == nil || !used || ctx.Err() != nil {
			return conn, err
		}
		used = false
	}
}

// connect finds a pod and connects to it, unless a connection is there.
func (t *Tunnel) connect(ctx context.Context) error {
	if t.connection != nil && !gone(t.connection) {
		return nil
	}
	t.connection = nil
	select {
	case <-t.ended:
		return net.ErrClosed
	default:
	}
	pod, err := t.find(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, openPatience, fmt.Errorf("the API server did not answer within %s", openPatience))
	defer cancel()
	connection, err := within(ctx, func() (httpstream.Connection, error) { return t.open(pod) })
	if err != nil {
		return fmt.Errorf("forwarding to pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	t.pod, t.connection = pod, connection
	return nil
}

// openPatience is how long the API server may take for a connection. net/http dials on where a request is given up.
const openPatience = 30 * time.Second

// streamPatience is how long the other side may take to accept a stream.
const streamPatience = 10 * time.Second

// stream opens one on the connection, which is given up where that fails.
func (t *Tunnel) stream() (net.Conn, error) {
	type opened struct {
		conn net.Conn
		err  error
	}
	result := make(chan opened, 1)
	connection, pod, request := t.connection, t.pod, t.requests
	go func() {
		conn, err := stream(connection, pod, request)
		result <- opened{conn, err}
	}()
	err := errors.New("the connection has ended")
	select {
	case o := <-result:
		if o.err == nil {
			return o.conn, nil
		}
		err = o.err
	case <-connection.CloseChan():
	case <-time.After(streamPatience):
		err = fmt.Errorf("no answer within %s", streamPatience)
	}
	t.connection = nil
	go func() { _ = connection.Close() }()
	if said := (*portError)(nil); errors.As(err, &said) {
		return nil, err
	}
	return nil, fmt.Errorf("forwarding to pod %s/%s: %w", pod.Namespace, pod.Name, err)
}

func gone(c httpstream.Connection) bool {
	select {
	case <-c.CloseChan():
		return true
	default:
		return false
	}
}

// open connects by a WebSocket, or by SPDY where the API server, or a proxy before it, knows none: Kubernetes before 1.31
// (KEP-4006).
func (t *Tunnel) open(pod Pod) (httpstream.Connection, error) {
	base, _, err := rest.DefaultServerUrlFor(t.config)
	if err != nil {
		return nil, err
	}
	url := base.JoinPath("api", "v1", "namespaces", pod.Namespace, "pods", pod.Name, "portforward")
	transport, upgrader, err := spdy.RoundTripperFor(t.config)
	if err != nil {
		return nil, err
	}
	old := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	tunnelling, err := portforward.NewSPDYOverWebsocketDialer(url, t.config)
	if err != nil {
		return nil, err
	}
	dialer := portforward.NewFallbackDialer(tunnelling, old, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	connection, protocol, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
	if err == nil && protocol != portforward.PortForwardProtocolV1Name {
		_ = connection.Close()
		return nil, fmt.Errorf("the API server forwards by %q, which is not known here", protocol)
	}
	return connection, err
}

// stream opens one connection to the pod: a stream for its data, and one on which the kubelet says what went wrong.
func stream(c httpstream.Connection, pod Pod, request int) (net.Conn, error) {
	headers := http.Header{}
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	headers.Set(corev1.PortHeader, strconv.Itoa(pod.Port))
	headers.Set(corev1.PortForwardRequestIDHeader, strconv.Itoa(request))
	failures, err := c.CreateStream(headers)
	if err != nil {
		return nil, err
	}
	_ = failures.Close() // nothing is written to it
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := c.CreateStream(headers)
	if err != nil {
		err = cmp.Or(atOnce(failures, pod), err)
		_ = failures.Reset()
		return nil, err
	}
	conn := &conn{Stream: data, connection: c, failures: failures, pod: pod, failed: make(chan struct{})}
	go conn.listen()
	return conn, nil
}

// portError is what the kubelet says of a pod's port.
type portError struct {
	pod  Pod
	said string
}

func (e *portError) Error() string {
	return fmt.Sprintf("forwarding to port %d of pod %s/%s: %s", e.pod.Port, e.pod.Namespace, e.pod.Name, e.said)
}

// failure waits for what the kubelet says; nil where it ends without a word. It may end by a reset behind the words.
func failure(failures io.Reader, pod Pod) error {
	said, _ := io.ReadAll(io.LimitReader(failures, 4<<10))
	if said = bytes.TrimSpace(said); len(said) == 0 {
		return nil
	}
	return &portError{pod, string(said)}
}

// atOnce is why a stream for data was refused: where nobody listens, the kubelet may reset it before it has answered for it.
func atOnce(failures io.Reader, pod Pod) error {
	said := make(chan error, 1)
	go func() { said <- failure(failures, pod) }()
	select {
	case err := <-said:
		return err
	case <-time.After(failureGrace):
		return nil
	}
}

// conn is a stream as a connection.
type conn struct {
	httpstream.Stream
	connection httpstream.Connection
	failures   httpstream.Stream
	pod        Pod
	failed     chan struct{}
	failure    error
}

// listen waits for what the kubelet says. Where a pod is gone its connection is not, and has to be ended for another pod to
// be found; kubectl does the same.
func (c *conn) listen() {
	defer close(c.failed)
	if c.failure = failure(c.failures, c.pod); c.failure != nil {
		go func() { _ = c.connection.Close() }()
	}
}

// failureGrace is how long after the end of data the reason may come.
const failureGrace = 2 * time.Second

// Read returns why the pod could not be reached, where that is why nothing comes.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Stream.Read(p)
	if err == nil || n > 0 {
		return n, err
	}
	select {
	case <-c.failed:
	case <-time.After(failureGrace):
		return n, err
	}
	if c.failure != nil {
		return n, c.failure
	}
	return n, err
}

// Close ends the connection. A reset discards what nobody reads, which would hold up the other streams.
func (c *conn) Close() error {
	err := errors.Join(c.Stream.Reset(), c.failures.Reset())
	c.connection.RemoveStreams(c.Stream, c.failures)
	return err
}

// addr is the pod's.
type addr struct{ Pod }

func (addr) Network() string  { return "pod" }
func (a addr) String() string { return fmt.Sprintf("%s.%s:%d", a.Name, a.Namespace, a.Port) }

func (c *conn) LocalAddr() net.Addr  { return addr{} }
func (c *conn) RemoteAddr() net.Addr { return addr{c.pod} }

// Deadlines are not known to streams. net/http ends requests by closing.
func (c *conn) SetDeadline(time.Time) error      { return nil }
func (c *conn) SetReadDeadline(time.Time) error  { return nil }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }
