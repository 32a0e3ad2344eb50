// Command cluster brings the cluster of the end-to-end suite up or down. It runs in the repository's root, or in
// this module's folder.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/kservegen/kservegen/e2e/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	if len(args) != 1 || args[0] != "up" && args[0] != "down" {
		return fmt.Errorf("usage: cluster up|down")
	}
	start := time.Now()
	suite, err := cluster.Open(ctx, root, os.Stdout)
	if err != nil {
		return err
	}
	if args[0] == "down" {
		return suite.Down(ctx)
	}
	c, err := suite.Up(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("the cluster is up after %.0f s: export KUBECONFIG=%s\n", time.Since(start).Seconds(), c.Kubeconfig)
	return nil
}
