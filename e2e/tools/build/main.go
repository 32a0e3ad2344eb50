// Command build makes the named tools, or those of a set, unless they are in the cache. It runs in the
// repository's root.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/kservegen/kservegen/e2e/tools"
	"github.com/kservegen/kservegen/e2e/tools/host"
)

func main() {
	sets := flag.String("set", string(tools.EnvTest), fmt.Sprintf("which tools, where none is named: of %v, separated by commas", tools.Sets()))
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *sets, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, sets string, names []string) error {
	root, err := filepath.Abs(filepath.Join("e2e", "tools"))
	if err != nil {
		return err
	}
	wanted, err := choose(sets, names)
	if err != nil {
		return err
	}
	if err := tools.Supported(wanted); err != nil {
		return err
	}
	if err := host.Check(tools.Needs(root, wanted)); err != nil {
		return err
	}
	return tools.Ensure(ctx, root, wanted, os.Stdout)
}

func choose(sets string, names []string) ([]tools.Tool, error) {
	var wanted []tools.Tool
	for _, name := range names {
		tool, err := tools.Find(name)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, tool)
	}
	if len(names) > 0 {
		return wanted, nil
	}
	var known []tools.Set
	for name := range strings.SplitSeq(sets, ",") {
		if !slices.Contains(tools.Sets(), tools.Set(name)) {
			return nil, fmt.Errorf("no set of tools is named %q: there are %v", name, tools.Sets())
		}
		known = append(known, tools.Set(name))
	}
	return tools.Of(known...), nil
}
