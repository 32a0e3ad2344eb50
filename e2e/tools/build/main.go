// Command build makes the named tools, or all of them, unless they are in the cache. It runs in the
// repository's root.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/kservegen/kservegen/e2e/tools"
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

func run(ctx context.Context, names []string) error {
	root, err := filepath.Abs(filepath.Join("e2e", "tools"))
	if err != nil {
		return err
	}
	wanted := tools.All()
	if len(names) > 0 {
		wanted = nil
	}
	for _, name := range names {
		tool, err := tools.Find(name)
		if err != nil {
			return err
		}
		wanted = append(wanted, tool)
	}
	for _, tool := range wanted {
		if err := tool.Build(ctx, root, os.Stdout); err != nil {
			return err
		}
	}
	return nil
}
