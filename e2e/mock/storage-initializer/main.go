// Command storage-initializer stands in for KServe's: it leaves a model's folder behind without fetching one.
// KServe calls it with a source and a destination (cmd/storage-initializer in kserve's python/storage-initializer).
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run takes pairs of source and destination.
func run(args []string) error {
	if len(args) == 0 || len(args)%2 != 0 {
		return fmt.Errorf("storage-initializer takes pairs of a source and a destination, not %q", args)
	}
	for i := 0; i < len(args); i += 2 {
		source, destination := args[i], args[i+1]
		if err := os.MkdirAll(destination, 0o755); err != nil {
			return err
		}
		content := fmt.Sprintf("{\"mock\": true, \"source\": %q}\n", source)
		if err := os.WriteFile(filepath.Join(destination, "config.json"), []byte(content), 0o644); err != nil {
			return err
		}
		fmt.Printf("mock: %s has a config.json and no weights; nothing was fetched from %s\n", destination, source)
	}
	return nil
}
