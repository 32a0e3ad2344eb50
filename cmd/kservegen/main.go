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
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	defer stop()
	streams := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	// Kustomize prints its warnings there (api/internal/target/kusttarget.go, Load), once a build; KG0910 says them with
	// their lines. Go writes a panic to the descriptor, which stays.
	if silent, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stderr = silent
	}
	return cli.Main(ctx, os.Args[1:], streams)
}

// endings are the signals that interrupt a command: a terminal that is closed, too, unless nohup or a shell has it ignored.
func endings() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}
