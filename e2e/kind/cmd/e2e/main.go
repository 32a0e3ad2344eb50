// Command e2e brings the cluster of the suite up with a tree in it, takes it down, and collects what it said. It runs
// in this module's folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/kservegen/kservegen/e2e/cluster"
	"github.com/kservegen/kservegen/e2e/kind/suite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
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
		fmt.Fprintln(set.Output(), "usage: e2e [-tree DIR] up | down | clean | packages | logs DIR")
		set.PrintDefaults()
	}
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	switch set.Arg(0) {
	case "up":
		return up(ctx, options)
	case "down":
		return suite.Down(ctx, options)
	case "clean":
		return suite.Clean(ctx, options)
	case "packages":
		return packages(ctx, root)
	case "logs":
		if set.NArg() == 2 {
			return suite.Logs(ctx, options, set.Arg(1))
		}
	}
	set.Usage()
	return errors.New("say up, down, clean, packages or logs DIR")
}

// up succeeds also where the tree is one that is validated only.
func up(ctx context.Context, options suite.Options) error {
	s, err := suite.Up(ctx, options)
	if s != nil {
		s.Figures()
	}
	var notRun suite.NotRunError
	if errors.As(err, &notRun) {
		fmt.Println(notRun)
		return nil
	}
	return err
}

// packages prints what apt-get must install. Its error says what no package would mend.
func packages(ctx context.Context, root string) error {
	c, err := cluster.Open(root, os.Stderr)
	if err != nil {
		return err
	}
	missing, err := c.Missing(ctx)
	if err != nil {
		return err
	}
	fmt.Println(strings.Join(missing, " "))
	return nil
}
