package tools

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/kservegen/kservegen/e2e/tools/host"
)

// goProgram is compiled from a pinned Go module.
type goProgram struct {
	// dir is the folder of the go.mod that pins it.
	dir string
	// module is the one whose version is the program's.
	module string
	// pkg is the main package.
	pkg string
	// ldflags set the version that the program reports; VERSION, MAJOR and MINOR stand for the module's.
	ldflags string
	// tags are build tags, separated by commas.
	tags string
	// cgo says that it needs a C compiler.
	cgo bool
}

func (p goProgram) String() string { return p.module }

func (p goProgram) needs() []host.Package {
	if p.cgo {
		return host.Build()
	}
	return nil
}

// key covers pinned sources, flags, compiler, platform. The C library is not in it: cgo is for runc alone,
// which is linked statically.
func (p goProgram) key(root string, out io.Writer) error {
	fmt.Fprintln(out, runtime.Version(), runtime.GOOS, runtime.GOARCH, p.pkg, p.ldflags)
	if p.tags != "" || p.cgo {
		fmt.Fprintln(out, p.tags, p.cgo)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(root, p.dir, name))
		if err != nil {
			return fmt.Errorf("reading the pins of %s: %w", p.module, err)
		}
		_, _ = out.Write(content) // a hash never fails
	}
	return nil
}

func (p goProgram) make(ctx context.Context, root, path string) (time.Duration, error) {
	dir := filepath.Join(root, p.dir)
	stdout, _, err := p.run(ctx, dir, "list", "-m", "-f", "{{.Version}}", p.module)
	if err != nil {
		return 0, err
	}
	version := strings.TrimSpace(stdout)
	parts := append(strings.Split(strings.TrimPrefix(version, "v"), "."), "", "")
	flags := "-s -w " + strings.NewReplacer("VERSION", version, "MAJOR", parts[0], "MINOR", parts[1]).Replace(p.ldflags)
	_, cpu, err := p.run(ctx, dir, "build", "-trimpath", "-buildvcs=false", "-tags", p.tags, "-ldflags", flags, "-o", path, p.pkg)
	return cpu, err
}

// run runs the go command in a module of its own: no workspace and no vendor folder decides for it.
func (p goProgram) run(ctx context.Context, dir string, args ...string) (string, time.Duration, error) {
	cgo := "0"
	if p.cgo {
		cgo = "1"
	}
	cmd := Command(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo, "GOWORK=off", "PWD="+dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return "", 0, fmt.Errorf("%s in %s: %w\n%s", cmd, dir, err, stderr.String())
	}
	return string(stdout), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
