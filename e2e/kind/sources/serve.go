// Package sources serves a folder from this process as a GitOps engine pulls it: a repository by Git's own HTTP server,
// or an artifact in a registry. Both listen at one address of this machine, in plain HTTP, and let nobody write.
package sources

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// server answers until close.
type server struct {
	// address is where, as 10.89.0.1:40123.
	address string
	http    *http.Server
	ended   chan error
}

// serve listens at a free port of that address of this machine, and of no other.
func serve(ctx context.Context, host string, handler http.Handler) (*server, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("serving to pods: %w", err)
	}
	s := &server{
		address: listener.Addr().String(), ended: make(chan error, 1),
		http: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second},
	}
	go func() { s.ended <- s.http.Serve(listener) }()
	return s, nil
}

// Close ends what is being answered, too: nobody waits for it any more.
func (s *server) Close() error {
	err := s.http.Close()
	if ended := <-s.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
