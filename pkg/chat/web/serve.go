package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// minToken, in characters, is more than anyone guesses over a network.
	minToken = 16
	// idle is longer than an Envoy keeps a connection that nobody uses, an hour (idle_timeout of its HttpProtocolOptions): one that
	// closes here first may do so just as a question comes, which nobody sends again.
	idle = 65 * time.Minute
	// maxHeader, in bytes, is plenty for a browser, whose cookies are of 4 KiB at most.
	maxHeader = 16 << 10
)

// NewToken is a token that nobody guesses: 128 bits or more.
func NewToken() string { return rand.Text() }

// Local reports that an address, as 127.0.0.1:8080, is of this machine alone.
func Local(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && Loopback(host)
}

// Listen opens the address, as 127.0.0.1:8080; port 0 takes any that is free. Whatever is not of this machine alone
// demands a token or a sign-in: who reaches the address could talk to the model, with the credentials of whoever started
// the chat.
func Listen(ctx context.Context, address string, c Config) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("the address to listen on, %q, is not host:port as 127.0.0.1:8080", address)
	}
	if c.Token != "" && len(c.Token) < minToken {
		return nil, fmt.Errorf("the page's token has %d characters; give it at least %d", len(c.Token), minToken)
	}
	if !Loopback(host) && c.Token == "" && c.SignIn == nil {
		return nil, fmt.Errorf("%s is reached from other machines, so a token or a sign-in is needed; or listen on 127.0.0.1", address)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

// Link is the address that a person opens. The token is in the fragment, which browsers keep to themselves: it is in no
// request line and no log. It is as good as the token itself.
func Link(l net.Listener, token string) string {
	link := url.URL{Scheme: "http", Host: reachable(l.Addr().String()), Path: "/"}
	if token != "" {
		link.Fragment = "token=" + token
	}
	return link.String()
}

// reachable turns the address of all interfaces into one that can be opened on this machine.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err == nil && net.ParseIP(host).IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// Serve answers until the context ends; then it takes no more requests, and lets answers that run come to their end within
// grace. There is no write timeout, since a long answer is no mistake.
func Serve(ctx context.Context, l net.Listener, handler http.Handler, grace time.Duration) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: idle, MaxHeaderBytes: maxHeader}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(wait); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}
