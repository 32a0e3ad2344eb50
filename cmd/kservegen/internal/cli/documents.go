package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// documentFlags is the group of flags that names ModelDeployments.
type documentFlags struct {
	files []string
}

func (f *documentFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.files, "filename", "f", nil, "document, directory of documents, or - for standard input; may be repeated")
	_ = cmd.MarkFlagFilename("filename", "yaml", "yml")
}

// load reads every document and checks them together. All problems of all files come back at once.
func (f *documentFlags) load(ctx context.Context, in io.Reader) ([]*spec.Deployment, error) {
	deployments, err := f.loadBy(ctx, in, spec.Load)
	if err != nil {
		return nil, err
	}
	return deployments, spec.CheckTogether(deployments)
}

// loader reads a file as spec.Load does.
type loader func(file string, r io.Reader) ([]*spec.Deployment, error)

// loadBy reads every document, and does not check them together.
func (f *documentFlags) loadBy(ctx context.Context, in io.Reader, load loader) ([]*spec.Deployment, error) {
	if len(f.files) == 0 {
		return nil, usagef("no document; name one with -f FILE")
	}
	paths, err := expand(f.files)
	if err != nil {
		return nil, err
	}
	var (
		deployments []*spec.Deployment
		problems    manifest.Problems
	)
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		loaded, err := loadOne(ctx, path, in, load)
		var found manifest.Problems
		if err != nil && !errors.As(err, &found) {
			return nil, err
		}
		problems = append(problems, found...)
		deployments = append(deployments, loaded...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return deployments, nil
}

func loadOne(ctx context.Context, path string, in io.Reader, load loader) ([]*spec.Deployment, error) {
	name := path
	if path == "-" {
		name = "stdin"
	}
	data, err := interruptible(ctx, func() ([]byte, error) { return read(path, in) })
	if err != nil {
		return nil, err
	}
	return load(name, bytes.NewReader(data))
}

// read returns what spec.Load may need of a document, and a byte more where there is more.
func read(path string, in io.Reader) ([]byte, error) {
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, usageError{err}
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, manifest.DefaultLimits().Bytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return data, nil
}

// interruptible ends with ctx although f does not: nothing else stops a read of a terminal or a pipe. What is left of
// f ends with the process.
func interruptible[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// expand lists the documents of directories, in the order of their names, without those below them. Files of a
// directory that do not mention our API are not ours and are passed over.
func expand(names []string) ([]string, error) {
	var paths []string
	for _, name := range names {
		info, err := os.Stat(name)
		switch {
		case name == "-":
			paths = append(paths, name)
		case err != nil:
			return nil, usageError{err}
		case info.IsDir():
			found, err := documentsOf(name)
			if err != nil {
				return nil, err
			}
			paths = append(paths, found...)
		default:
			paths = append(paths, name)
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(paths, func(path string) bool {
		again := seen[filepath.Clean(path)]
		seen[filepath.Clean(path)] = true
		return again
	}), nil
}

func documentsOf(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, usageError{err}
	}
	var paths []string
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if extension := filepath.Ext(path); extension != ".yaml" && extension != ".yml" {
			continue
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		ours, err := mentionsUs(path)
		if err != nil {
			return nil, err
		}
		if ours {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return nil, usagef("%s holds no %s (a .yaml file with apiVersion %s)", dir, spec.Kind, spec.APIVersion)
	}
	return paths, nil
}

func mentionsUs(path string) (bool, error) {
	data, err := read(path, nil)
	return bytes.Contains(data, []byte("kservegen.dev/")), err
}
