// Package cluster brings a real Kubernetes cluster of three nodes up on one machine, and takes it down.
//
// Where Docker runs and has, or can pull, the default node image of the kind release, that is used. Elsewhere
// the node image is made from Debian's packages and from programs built from source (package node), and the
// nodes run in a podman of the suite's own (package engine). Everything lies in the cache of package tools. It is
// for root: a root file system of Debian is below some images.
package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kservegen/kservegen/e2e/cluster/engine"
	"github.com/kservegen/kservegen/e2e/cluster/image"
	"github.com/kservegen/kservegen/e2e/cluster/node"
	"github.com/kservegen/kservegen/e2e/tools"
	"github.com/kservegen/kservegen/e2e/tools/host"
)

// Suite is what is needed to bring the cluster up.
type Suite struct {
	root string
	out  io.Writer
	// dir is the folder of the cache that is the suite's own.
	dir string
	// way is how nodes are made, and engine what runs them; empty until that is decided.
	way     way
	engine  engine.Engine
	figures figures
	// lock is the open file while this process may change the cluster.
	lock *os.File
}

// Open returns the suite of the repository whose root is given, with the cluster that is there. It builds nothing
// and asks nobody.
func Open(root string, out io.Writer) (*Suite, error) {
	dir, err := tools.Folder("cluster")
	if err != nil {
		return nil, err
	}
	if err = os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	s := &Suite{root: root, out: out, dir: dir}
	s.figures.start = time.Now()
	return s, s.kept()
}

// Build makes the programs that are not there. What the machine lacks is said before anything is built.
func (s *Suite) Build(ctx context.Context) error {
	if _, err := s.Missing(ctx); err != nil {
		return err
	}
	if err := host.Check(s.packages()); err != nil {
		return err
	}
	return s.Phase("programs", func() error { return tools.Ensure(ctx, s.pins(), s.tools(), s.out) })
}

// Missing lists the Debian packages that this machine lacks for what Build and Up would do. Its error says why no
// package would help. It decides how nodes are made, for which Docker may pull kind's node image.
func (s *Suite) Missing(ctx context.Context) ([]string, error) {
	if err := host.Root(); err != nil {
		return nil, err
	}
	if err := s.choose(ctx); err != nil {
		return nil, err
	}
	if err := tools.Supported(s.tools()); err != nil {
		return nil, err
	}
	return host.Missing(s.packages()), nil
}

// Add makes the programs of further sets that are not there, for what only some runs need.
func (s *Suite) Add(ctx context.Context, sets ...tools.Set) error {
	wanted := tools.Of(sets...)
	if err := host.Check(tools.Needs(s.pins(), wanted)); err != nil {
		return err
	}
	return tools.Ensure(ctx, s.pins(), wanted, s.out)
}

func (s *Suite) packages() []host.Package {
	needs := append(tools.Needs(s.pins(), s.tools()), host.Base()...)
	if s.way == fromSource {
		needs = append(needs, host.Node()...)
	}
	return needs
}

// tools are those that the way of making nodes takes. A cluster's parts are all of the pinned version.
func (s *Suite) tools() []tools.Tool {
	sets := []tools.Set{tools.Cluster}
	if s.way == fromSource {
		sets = append(sets, tools.Node)
	}
	wanted := tools.Of(sets...)
	for i := range wanted {
		wanted[i] = wanted[i].Pinned()
	}
	return wanted
}

func (s *Suite) pins() string { return filepath.Join(s.root, "e2e", "tools") }

// Tool is the path of a built tool.
func (s *Suite) Tool(name string) (string, error) {
	tool, err := tools.Find(name)
	if err != nil {
		return "", err
	}
	return tool.Pinned().Installed(s.pins())
}

// Module is a module at the version that the tools of that folder are pinned at, and where its files are.
func (s *Suite) Module(ctx context.Context, folder, module string) (tools.Module, error) {
	return tools.Download(ctx, filepath.Join(s.pins(), folder), module)
}

// Base is a root file system of Debian as an image's lowest layer (iptables, curl, a shell, glibc).
func (s *Suite) Base(ctx context.Context) (string, error) {
	return s.builder().Base(ctx)
}

func (s *Suite) builder() node.Builder {
	return node.Builder{Tool: s.Tool, Cache: filepath.Join(s.dir, "node"), Engine: s.engine, Out: s.out}
}

// nodeImage is the name of the image of a node, which is made where it must be.
func (s *Suite) nodeImage(ctx context.Context, preload []image.Image) (string, error) {
	if s.way != fromSource {
		return defaultImage(), nil
	}
	policies, err := s.policiesProgram()
	if err != nil {
		return "", err
	}
	b := s.builder()
	b.Preload = append(preload, policies)
	kind, err := s.Module(ctx, "kind", "sigs.k8s.io/kind")
	if err != nil {
		return "", err
	}
	b.Kind = filepath.Join(kind.Dir, "images", "base", "files")
	if b.Pause, err = s.Program(ctx, filepath.Join("e2e", "cluster"), "./node/pause", "-trimpath"); err != nil {
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
		return "", fmt.Errorf("reading the version of kubectl: %w", err)
	}
	b.Version = strings.TrimSpace(version.ClientVersion.GitVersion)
	return b.Image(ctx)
}
