// Command cluster brings the cluster of the end-to-end suite up or down. It runs in this module's folder.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
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
	if len(args) == 0 {
		args = []string{""}
	}
	start := time.Now()
	suite, err := cluster.Open(ctx, root, os.Stderr)
	if err != nil {
		return err
	}
	switch args[0] {
	case "up":
		return up(ctx, suite, start)
	case "down":
		return suite.Down(ctx)
	case "packages":
		fmt.Println(strings.Join(suite.Missing(), " "))
		return nil
	case "logs":
		if len(args) == 2 {
			return suite.Logs(ctx, args[1])
		}
	}
	return errors.New("usage: cluster up | down | packages | logs FOLDER")
}

func up(ctx context.Context, suite *cluster.Suite, start time.Time) error {
	if err := suite.Build(ctx); err != nil {
		return err
	}
	c, err := suite.Up(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("the cluster is up after %.0f s: export KUBECONFIG=%s\n", time.Since(start).Seconds(), c.Kubeconfig)
	return nil
}
