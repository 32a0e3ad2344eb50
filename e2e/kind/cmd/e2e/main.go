// Command e2e brings the cluster of the suite up with a tree in it, and takes it down. It runs in this module's
// folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/kservegen/kservegen/e2e/kind/suite"
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
	options := suite.Options{Root: root, Out: os.Stdout}
	set := flag.NewFlagSet("e2e", flag.ContinueOnError)
	set.StringVar(&options.Tree, "tree", suite.DefaultTree(root), "the folder of the kustomization")
	set.Usage = func() {
		fmt.Fprintln(set.Output(), "usage: e2e [-tree DIR] up|down")
		set.PrintDefaults()
	}
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	switch set.Arg(0) {
	case "up":
		_, err := suite.Up(ctx, options)
		return err
	case "down":
		return suite.Down(ctx, options)
	}
	set.Usage()
	return errors.New("say up or down")
}
