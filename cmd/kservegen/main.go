// Command kservegen renders Kustomize trees that serve large language models with vLLM on KServe and Istio.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/kservegen/kservegen/cmd/kservegen/internal/cli"
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Main(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
}
