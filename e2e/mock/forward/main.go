// Command forward passes TCP connections on to one address. In a pod with a sidecar it lets a client from outside
// the mesh ask as that pod would: the sidecar sees the pod's own request.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("forward", flag.ContinueOnError)
	listen := set.String("listen", ":8080", "the address for clients")
	to := set.String("to", "", "where each connection goes, as host:port")
	if err := set.Parse(args); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *listen)
	if err != nil {
		return err
	}
	return serve(ctx, listener, *to)
}

// serve passes on every connection until the listener is closed.
func serve(ctx context.Context, listener net.Listener, to string) error {
	for {
		client, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			if err := pass(ctx, client, to); err != nil {
				fmt.Fprintf(os.Stderr, "%s to %s: %v\n", client.RemoteAddr(), to, err)
			}
		}()
	}
}

// pass copies both ways until one side ends, and ends the other: a client that goes away is seen by the server.
func pass(ctx context.Context, client net.Conn, to string) error {
	defer client.Close()
	// The name is that of a Service, which may come later than this program.
	server, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", to)
	if err != nil {
		return err
	}
	defer server.Close()
	ended := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			_, _ = io.Copy(way[0], way[1]) // a connection that breaks off is the end of it, too
			ended <- struct{}{}
		}()
	}
	<-ended
	return nil
}
