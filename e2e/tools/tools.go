// Package tools builds the programs that the end-to-end suites run, from Go modules pinned beside it.
//
// Each folder here is a module of its own, since the programs pin different versions of Kubernetes. What is
// built goes to a cache outside of the repository and is named by everything that went into it, so that a
// second run builds nothing and two checkouts of the same commit share it.
package tools

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/kservegen/kservegen/e2e/tools/host"
)

// Tool is a program at a pinned version.
type Tool struct {
	// Name is the name of the program.
	Name string
	// sets are the suites that need it.
	sets []Set
	// asset says that KUBEBUILDER_ASSETS may provide it.
	asset bool
	// platform is the only one that it is pinned for, as linux/amd64; empty where it is compiled for any.
	platform string
	source   source
}

// source is where a program comes from. Its name in messages is its String.
type source interface {
	fmt.Stringer
	// key writes all that decides over the program's bytes. The root is the folder that this package lies in.
	key(root string, out io.Writer) error
	// make writes the program to the path and returns the CPU time that it took.
	make(ctx context.Context, root, path string) (time.Duration, error)
	// needs are the Debian packages that making it takes, beside Go.
	needs() []host.Package
}

func (t Tool) in(sets []Set) bool {
	return slices.ContainsFunc(t.sets, func(s Set) bool { return slices.Contains(sets, s) })
}

// Cache is the folder of what is built: $KSERVEGEN_CACHE/tools, or kservegen/tools of the user's cache.
func Cache() (string, error) { return Folder("tools") }

// Folder is a folder of the cache. It need not exist.
func Folder(name string) (string, error) {
	if dir := os.Getenv("KSERVEGEN_CACHE"); dir != "" {
		if !filepath.IsAbs(dir) { // the suites run in several folders
			return "", fmt.Errorf("KSERVEGEN_CACHE is %q: make it an absolute path", dir)
		}
		return filepath.Join(dir, name), nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a folder for what is built (or set KSERVEGEN_CACHE): %w", err)
	}
	return filepath.Join(dir, "kservegen", name), nil
}

// Path is where the program is once it is built. The root is the folder that this package lies in.
func (t Tool) Path(root string) (string, error) {
	if dir := os.Getenv("KUBEBUILDER_ASSETS"); dir != "" && t.asset {
		return filepath.Join(dir, t.Name), nil
	}
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	digest, err := t.digest(root)
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, t.Name+"-"+digest), nil
}

func (t Tool) digest(root string) (string, error) {
	hash := sha256.New()
	if err := t.source.key(root, hash); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", hash.Sum(nil))[:16], nil
}

// Installed returns the program's path, or an error that says in one line how to get it.
func (t Tool) Installed(root string) (string, error) {
	path, err := t.Path(root)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is not at %s: `%s` builds it", t.Name, path, t.target())
	}
	return path, nil
}

// target is the command that gets the tool.
func (t Tool) target() string {
	if t.in([]Set{EnvTest}) {
		return "make tools"
	}
	if t.in([]Set{Cluster, Node}) {
		return "make e2e-tools"
	}
	return "make tool-" + t.Name
}

// Pinned is the tool without what KUBEBUILDER_ASSETS provides, for a cluster whose parts are of one version.
func (t Tool) Pinned() Tool {
	t.asset = false
	return t
}

// Supported refuses tools that this machine's platform can't have.
func Supported(wanted []Tool) error { return supported(wanted, runtime.GOOS+"/"+runtime.GOARCH) }

func supported(wanted []Tool, platform string) error {
	for _, tool := range wanted {
		if tool.platform != "" && tool.platform != platform {
			return fmt.Errorf("%s is pinned for %s only, and this is %s", tool.Name, tool.platform, platform)
		}
	}
	return nil
}

// Needs lists what this machine must have to make those of the tools that are not there.
func Needs(root string, wanted []Tool) []host.Package {
	var needs []host.Package
	for _, tool := range wanted {
		if _, err := tool.Installed(root); err != nil {
			needs = append(needs, tool.source.needs()...)
		}
	}
	return needs
}

// Ensure makes those of the tools that are not there, one after the other since each takes all processors, and
// says what that cost.
func Ensure(ctx context.Context, root string, wanted []Tool, out io.Writer) error {
	start, built := time.Now(), 0
	for _, tool := range wanted {
		if _, err := tool.Installed(root); err == nil {
			continue
		}
		if err := tool.Build(ctx, root, out); err != nil {
			return err
		}
		built++
	}
	cache, err := Cache()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d tools are in %s, %d of them made now in %.0f s\n", len(wanted), cache, built, time.Since(start).Seconds())
	return nil
}

// Build makes the program unless it is there, and says what it cost. It is written beside its place and
// renamed, so that a build that is cut off leaves nothing that looks whole.
func (t Tool) Build(ctx context.Context, root string, out io.Writer) (err error) {
	path, err := t.Path(root)
	if err != nil {
		return err
	}
	if _, err = os.Stat(path); err == nil {
		return nil
	}
	if t.asset && os.Getenv("KUBEBUILDER_ASSETS") != "" {
		return fmt.Errorf("KUBEBUILDER_ASSETS has no %s: put it there, or unset the variable to have it built", t.Name)
	}
	if err = os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	fmt.Fprintf(out, "%-24s from %s: ", t.Name, t.source)
	partial := fmt.Sprintf("%s.%d", path, os.Getpid())
	defer func() { err = errors.Join(err, os.RemoveAll(partial)) }()
	start := time.Now()
	cpu, err := t.source.make(ctx, root, partial)
	if err != nil {
		fmt.Fprintln(out, "failed")
		return err
	}
	info, err := os.Stat(partial)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%.0f s, %.0f CPU s, %d MB\n", time.Since(start).Seconds(), cpu.Seconds(), info.Size()>>20)
	return os.Rename(partial, path)
}
