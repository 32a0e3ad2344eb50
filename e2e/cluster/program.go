package cluster

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/kservegen/kservegen/e2e/cluster/engine"
)

// Program builds a program of the module in that folder of the repository, statically, and returns its path,
// which has a digest of the program. The flags are further ones of go build: without -trimpath the program has the
// checkout's path in it, and shares what is compiled with `go test`.
func (s *Suite) Program(ctx context.Context, module, pkg string, flags ...string) (string, error) {
	dir := filepath.Join(s.dir, "programs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	name := filepath.Base(pkg)
	partial := filepath.Join(dir, fmt.Sprintf("%s.%d", name, os.Getpid()))
	defer os.RemoveAll(partial)
	env := []string{"CGO_ENABLED=0", "GOWORK=off"}
	args := slices.Concat([]string{"-C", filepath.Join(s.root, module), "build"}, flags,
		[]string{"-buildvcs=false", "-ldflags", "-s -w", "-o", partial, pkg})
	if _, err := engine.Run(ctx, env, nil, "go", args...); err != nil {
		return "", err
	}
	content, err := os.ReadFile(partial)
	if err != nil {
		return "", err
	}
	digest := fmt.Sprintf("%x", sha256.Sum256(content))[:16]
	path := filepath.Join(dir, name+"-"+digest)
	return path, os.Rename(partial, path)
}
