// Command kservegen renders Kustomize trees that serve large language models with vLLM on KServe and Istio.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/kservegen/kservegen/cmd/kservegen/internal/cli"
)

func main() {
	os.Exit(run())
}

// gcPercent trades memory for time: a run lives for a second, and collecting less often saves a tenth of the CPU
// of a thousand documents.
const gcPercent = 400

func run() int {
	debug.SetGCPercent(gcPercent)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Main(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
}
