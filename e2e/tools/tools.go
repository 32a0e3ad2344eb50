// Package tools builds the programs that the end-to-end suites run, from Go modules pinned beside it.
//
// Each folder here is a module of its own, since the programs pin different versions of Kubernetes. What is
// built goes to a cache outside of the repository and is named by everything that went into it, so that a
// second run builds nothing and two checkouts of the same commit share it.
package tools

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Tool is a program built from a pinned module.
type Tool struct {
	// Name is the name of the program.
	Name string
	// dir is the folder of the go.mod that pins it.
	dir string
	// module is the one whose version is the program's.
	module string
	// pkg is the main package.
	pkg string
	// ldflags set the version that the program reports; VERSION stands for the module's.
	ldflags string
	// asset says that KUBEBUILDER_ASSETS may provide it.
	asset bool
}

// All lists the programs, the one that takes longest to build last.
func All() []Tool {
	return []Tool{
		{
			Name: "etcd", dir: "etcd", asset: true,
			module: "go.etcd.io/etcd/server/v3", pkg: "go.etcd.io/etcd/server/v3",
		},
		{
			Name: "kube-apiserver", dir: "kubernetes", asset: true,
			module: "k8s.io/kubernetes", pkg: "k8s.io/kubernetes/cmd/kube-apiserver",
			ldflags: "-X k8s.io/component-base/version.gitVersion=VERSION -X k8s.io/component-base/version.gitTreeState=clean",
		},
		{
			Name: "kserve-manager", dir: "kserve",
			module: "github.com/kserve/kserve", pkg: "github.com/kserve/kserve/cmd/manager",
		},
		{
			Name: "pilot-discovery", dir: "istio",
			module: "istio.io/istio", pkg: "istio.io/istio/pilot/cmd/pilot-discovery",
			ldflags: "-X istio.io/istio/pkg/version.buildVersion=VERSION",
		},
	}
}

// Find returns the tool of that name.
func Find(name string) (Tool, error) {
	var names []string
	for _, tool := range All() {
		if tool.Name == name {
			return tool, nil
		}
		names = append(names, tool.Name)
	}
	return Tool{}, fmt.Errorf("no tool is named %s: there are %s", name, strings.Join(names, ", "))
}

// Cache is the folder of what is built: $KSERVEGEN_CACHE/tools, or kservegen/tools of the user's cache.
func Cache() (string, error) {
	if dir := os.Getenv("KSERVEGEN_CACHE"); dir != "" {
		return filepath.Join(dir, "tools"), nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a folder for what is built (or set KSERVEGEN_CACHE): %w", err)
	}
	return filepath.Join(dir, "kservegen", "tools"), nil
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

// digest covers what decides over the program's bytes: pinned sources, flags, compiler, platform.
func (t Tool) digest(root string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.Version(), runtime.GOOS, runtime.GOARCH, t.pkg, t.ldflags)
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(root, t.dir, name))
		if err != nil {
			return "", fmt.Errorf("reading the pins of %s: %w", t.Name, err)
		}
		_, _ = hash.Write(content) // a hash never fails
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
		return "", fmt.Errorf("%s is not at %s: `make tools` builds it", t.Name, path)
	}
	return path, nil
}

// Build makes the program unless it is there, and says what it cost. It is written beside its place and
// renamed, so that a build that is cut off leaves nothing that looks whole.
func (t Tool) Build(ctx context.Context, root string, out io.Writer) (err error) {
	path, err := t.Path(root)
	if err != nil {
		return err
	}
	if _, err = os.Stat(path); err == nil {
		fmt.Fprintf(out, "%s: %s\n", t.Name, path)
		return nil
	}
	if t.asset && os.Getenv("KUBEBUILDER_ASSETS") != "" {
		return fmt.Errorf("KUBEBUILDER_ASSETS has no %s: put it there, or unset the variable to have it built", t.Name)
	}
	if err = os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: building it from %s (once)\n", t.Name, t.module)
	partial := fmt.Sprintf("%s.%d", path, os.Getpid())
	defer func() { err = errors.Join(err, os.RemoveAll(partial)) }()
	start := time.Now()
	cpu, err := t.compile(ctx, root, partial)
	if err != nil {
		return err
	}
	info, err := os.Stat(partial)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: built in %.0f s, %.0f CPU s, %d MB: %s\n",
		t.Name, time.Since(start).Seconds(), cpu.Seconds(), info.Size()>>20, path)
	return os.Rename(partial, path)
}

// compile runs go build in the pinning module and returns the CPU time of the compiler and linker.
func (t Tool) compile(ctx context.Context, root, path string) (time.Duration, error) {
	dir := filepath.Join(root, t.dir)
	version, _, err := goTool(ctx, dir, "list", "-m", "-f", "{{.Version}}", t.module)
	if err != nil {
		return 0, err
	}
	flags := "-s -w " + strings.ReplaceAll(t.ldflags, "VERSION", strings.TrimSpace(version))
	_, cpu, err := goTool(ctx, dir, "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", path, t.pkg)
	return cpu, err
}

// goTool runs the go command in a module of its own: no workspace and no vendor folder decides for it.
func goTool(ctx context.Context, dir string, args ...string) (string, time.Duration, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "PWD="+dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return "", 0, fmt.Errorf("%s in %s: %w\n%s", cmd, dir, err, stderr.String())
	}
	return string(stdout), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
