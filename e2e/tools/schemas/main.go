// Command schemas writes pkg/schema/data from pinned Go modules: what API servers know about the kinds that
// kservegen validates, without the prose. See sources.yaml for the modules and pkg/schema for the reader.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	out := flag.String("out", "../../../pkg/schema/data", "directory to write; what is in it is replaced")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *out); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) error {
	releases, err := readSources("sources.yaml")
	if err != nil {
		return err
	}
	amendments, err := readAmendments("native.yaml")
	if err != nil {
		return err
	}
	w := newWriter(out)
	for _, r := range releases {
		dir, err := download(ctx, r)
		if err != nil {
			return err
		}
		var resources []resource
		if len(r.OpenAPI) > 0 {
			resources, err = readOpenAPI(dir, r.OpenAPI, amendments)
		} else {
			resources, err = readCRDs(dir, r.CRDs)
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", r.Module, r.Tag, err)
		}
		for _, resource := range resources {
			if err := w.add(r, resource); err != nil {
				return err
			}
		}
	}
	if err := amendments.unused(); err != nil {
		return err
	}
	return w.finish()
}
