package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forwarded is the address of a forwarder to a server.
func forwarded(t *testing.T, to string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- serve(t.Context(), listener, to) }()
	t.Cleanup(func() {
		assert.NoError(t, listener.Close())
		assert.ErrorIs(t, <-ended, net.ErrClosed)
	})
	return listener.Addr().String()
}

// TestForward keeps the name that was asked for, and passes a stream on piece by piece.
func TestForward(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host)
		assert.NoError(t, http.NewResponseController(w).Flush())
		<-more
		fmt.Fprint(w, " end")
	}))
	t.Cleanup(server.Close)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+forwarded(t, server.Listener.Addr().String()), nil)
	require.NoError(t, err)
	request.Host = "llm.example.com"
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	start := make([]byte, len("llm.example.com"))
	_, err = io.ReadFull(response.Body, start)
	require.NoError(t, err)
	assert.Equal(t, "llm.example.com", string(start))
	close(more)
	rest, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, " end", string(rest))
	require.NoError(t, response.Body.Close())
}

// TestEnds closes each side when the other goes, also where there is no other.
func TestEnds(t *testing.T) {
	t.Parallel()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	address := forwarded(t, server.Addr().String())
	for _, clientGoes := range []bool{true, false} {
		client, err := net.Dial("tcp", address)
		require.NoError(t, err)
		accepted, err := server.Accept()
		require.NoError(t, err)
		goes, stays := client, accepted
		if !clientGoes {
			goes, stays = accepted, client
		}
		require.NoError(t, goes.Close())
		require.NoError(t, stays.SetReadDeadline(time.Now().Add(10*time.Second)))
		_, err = stays.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, stays.Close())
	}
	nobody, err := net.Dial("tcp", forwarded(t, "127.0.0.1:1"))
	require.NoError(t, err)
	require.NoError(t, nobody.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err = nobody.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, nobody.Close())
}
