// Package cluster brings a real Kubernetes cluster of three nodes up on one machine, and takes it down.
//
// Where Docker runs and has, or can pull, the default node image of the kind release, that is used. Elsewhere
// the node image is made from Debian's packages and from programs built from source (package node), and the
// nodes run in a podman of the suite's own (package engine). Everything lies in the cache of package tools.
package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/kservegen/kservegen/e2e/cluster/engine"
	"github.com/kservegen/kservegen/e2e/cluster/image"
	"github.com/kservegen/kservegen/e2e/cluster/node"
	"github.com/kservegen/kservegen/e2e/tools"
	"github.com/kservegen/kservegen/e2e/tools/host"
)

// Suite is what is needed to bring clusters up.
type Suite struct {
	// Root is the repository's root.
	Root string
	// Out gets what is done, and the seconds of each phase.
	Out io.Writer
	// dir is the folder of the cache that is the suite's own.
	dir    string
	source bool
	engine engine.Engine
}

// Open chooses how nodes are made, says which way and why, checks what the machine lacks for it before
// anything is built, and builds the programs that are not there.
func Open(ctx context.Context, root string, out io.Writer) (*Suite, error) {
	dir, err := tools.Folder("cluster")
	if err != nil {
		return nil, err
	}
	s := &Suite{Root: root, Out: out, dir: dir, engine: engine.Docker()}
	why := s.withoutDocker(ctx)
	s.source = why != ""
	if !s.source {
		fmt.Fprintf(out, "nodes: %s in Docker (this way is untested where the project is developed)\n", defaultImage())
		return s, s.ready(ctx, tools.Of(tools.Cluster))
	}
	fmt.Fprintf(out, "nodes: made from source and run in podman, since %s\n", why)
	if err = host.Root(); err != nil {
		return nil, err
	}
	if err = s.ready(ctx, tools.Of(tools.Cluster, tools.Node)); err != nil {
		return nil, err
	}
	runc, err := s.Tool("runc")
	if err != nil {
		return nil, err
	}
	s.engine, err = engine.Podman(filepath.Join(dir, "podman"), runc)
	return s, err
}

// ready has the tools built.
func (s *Suite) ready(ctx context.Context, wanted []tools.Tool) error {
	for i := range wanted {
		wanted[i] = wanted[i].Pinned()
	}
	pins := filepath.Join(s.Root, "e2e", "tools")
	needs := tools.Needs(pins, wanted)
	if s.source {
		needs = append(needs, host.Node()...)
	}
	if err := host.Check(needs); err != nil {
		return err
	}
	return tools.Ensure(ctx, pins, wanted, s.Out)
}

// withoutDocker says why kind's default node image can't be had; empty where it can.
func (s *Suite) withoutDocker(ctx context.Context) string {
	if _, err := exec.LookPath("docker"); err != nil {
		return "Docker isn't there"
	}
	if _, err := s.engine.Output(ctx, "info"); err != nil {
		return "Docker doesn't answer"
	}
	if _, err := s.engine.Output(ctx, "image", "inspect", defaultImage()); err == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if _, err := s.engine.Output(ctx, "pull", "--quiet", defaultImage()); err != nil {
		return "Docker can't pull " + defaultImage()
	}
	return ""
}

// Tool is the path of a built tool.
func (s *Suite) Tool(name string) (string, error) {
	tool, err := tools.Find(name)
	if err != nil {
		return "", err
	}
	return tool.Pinned().Installed(filepath.Join(s.Root, "e2e", "tools"))
}

// Program builds a program of the module in that folder of the repository, statically, and returns its path,
// which has a digest of the program.
func (s *Suite) Program(ctx context.Context, module, pkg string) (string, error) {
	dir := filepath.Join(s.dir, "programs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	name := filepath.Base(pkg)
	partial := filepath.Join(dir, fmt.Sprintf("%s.%d", name, os.Getpid()))
	defer os.Remove(partial)
	env := []string{"CGO_ENABLED=0", "GOWORK=off"}
	if _, err := engine.Run(ctx, env, nil, "go", "-C", filepath.Join(s.Root, module), "build", "-trimpath",
		"-buildvcs=false", "-ldflags", "-s -w", "-o", partial, pkg); err != nil {
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

// Module is the folder of a module's files at the version that the tool is pinned at.
func (s *Suite) Module(ctx context.Context, tool, module string) (string, error) {
	output, err := engine.Run(ctx, []string{"GOWORK=off"}, nil, "go", "-C", filepath.Join(s.Root, "e2e", "tools", tool),
		"mod", "download", "-json", module)
	if err != nil {
		return "", err
	}
	var found struct{ Dir string }
	if err = json.Unmarshal([]byte(output), &found); err != nil || found.Dir == "" {
		return "", fmt.Errorf("downloading module %s says no folder: %s", module, output)
	}
	return found.Dir, nil
}

// Base is a root file system of Debian as an image's lowest layer (iptables, curl, a shell, glibc).
func (s *Suite) Base(ctx context.Context) (string, error) {
	return s.builder().Base(ctx)
}

func (s *Suite) builder() node.Builder {
	return node.Builder{Tool: s.Tool, Cache: filepath.Join(s.dir, "node"), Engine: s.engine, Out: s.Out}
}

// nodeImage is the name of the image of a node, which is made where it must be.
func (s *Suite) nodeImage(ctx context.Context, preload []image.Image) (string, error) {
	if !s.source {
		return defaultImage(), nil
	}
	b := s.builder()
	b.Preload = preload
	kind, err := s.Module(ctx, "kind", "sigs.k8s.io/kind")
	if err != nil {
		return "", err
	}
	b.Kind = filepath.Join(kind, "images", "base", "files")
	if b.Pause, err = s.Program(ctx, filepath.Join("e2e", "cluster"), "./node/pause"); err != nil {
		return "", err
	}
	kubectl, err := s.Tool("kubectl")
	if err != nil {
		return "", err
	}
	output, err := engine.Run(ctx, nil, nil, kubectl, "version", "--client", "--output", "json")
	if err != nil {
		return "", err
	}
	var version struct {
		ClientVersion struct{ GitVersion string }
	}
	if err = json.Unmarshal([]byte(output), &version); err != nil {
		return "", err
	}
	b.Version = strings.TrimSpace(version.ClientVersion.GitVersion)
	return b.Image(ctx)
}

// phase runs a step and prints what it took.
func (s *Suite) phase(name string, step func() error) error {
	start := time.Now()
	err := step()
	fmt.Fprintf(s.Out, "%-28s %6.1f s\n", name, time.Since(start).Seconds())
	return err
}
