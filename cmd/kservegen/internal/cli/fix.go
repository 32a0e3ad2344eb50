package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/txn"
)

// fix makes the edits of findings in their files and leaves every other byte as it is. It returns how many it made.
func fix(ctx context.Context, s Streams, findings []finding.Finding) (int, error) {
	edits := map[string][]finding.Edit{}
	for _, f := range findings {
		if file := f.Edit.File; file != "" && file != load.StreamName {
			edits[file] = append(edits[file], f.Edit)
		}
	}
	total := 0
	for _, file := range slices.Sorted(maps.Keys(edits)) {
		if tree := lockedBy(file); tree != "" {
			fmt.Fprintf(s.Err, "%s: not edited; it is rendered: change the document of %s\n", file, tree)
			continue
		}
		if info, err := os.Lstat(file); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			fmt.Fprintf(s.Err, "%s: not edited; it is a symbolic link: name the file that it leads to\n", file)
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return total, err
		}
		edited, made := lint.Apply(data, edits[file])
		if made == 0 {
			continue
		}
		change := txn.Change{Path: filepath.Base(file), Data: edited}
		_, err = txn.Commit(ctx, filepath.Dir(file), []txn.Change{change}, txn.Options{})
		if errors.Is(err, txn.ErrRefused) { // the findings are worth more than the edits of one file
			fmt.Fprintf(s.Err, "%s: not edited: %v\n", file, err)
			continue
		}
		if err != nil {
			return total, err
		}
		fmt.Fprintf(s.Err, "%s: %s made\n", file, finding.Plural(made, "edit"))
		total += made
	}
	return total, nil
}

// lockedBy returns the tree that kservegen rendered a file into, empty where a person wrote it.
func lockedBy(file string) string {
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, render.LockFile)); err == nil && filepath.Base(filepath.Dir(file)) != "custom" {
			return dir
		}
		if filepath.Dir(dir) == dir || dir == "." {
			return ""
		}
	}
}
