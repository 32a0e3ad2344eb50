// Package cluster brings a real Kubernetes cluster of three nodes up on one machine, and takes it down.
//
// Where Docker runs and has, or can pull, the default node image of the kind release, that is used. Elsewhere
// the node image is made from Debian's packages and from programs built from source (package node), and the
// nodes run in a podman of the suite's own (package engine). Everything lies in the cache of package tools.
package cluster

import (
	"context"
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

// Suite is what is needed to bring the cluster up.
type Suite struct {
	root string
	out  io.Writer
	// dir is the folder of the cache that is the suite's own.
	dir string
	// source says that nodes are made from source.
	source  bool
	engine  engine.Engine
	figures figures
	// lock is the open file while this process may change the cluster.
	lock *os.File
}

// Open chooses how nodes are made, and says which way and why; as long as a cluster is there, its way is kept.
// The root is the repository's. It builds nothing.
func Open(ctx context.Context, root string, out io.Writer) (*Suite, error) {
	dir, err := tools.Folder("cluster")
	if err != nil {
		return nil, err
	}
	if err = os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	s := &Suite{root: root, out: out, dir: dir, engine: engine.Docker()}
	s.figures.start = time.Now()
	why := s.kept()
	if why == "" {
		if why = s.withoutDocker(ctx); why == "" {
			fmt.Fprintf(out, "nodes: %s in Docker (this way is untested where the project is developed)\n", defaultImage())
			return s, nil
		}
	}
	fmt.Fprintf(out, "nodes: made from source and run in podman, since %s\n", why)
	s.source = true
	runc, err := tools.Find("runc")
	if err != nil {
		return nil, err
	}
	program, err := runc.Path(s.pins())
	if err != nil {
		return nil, err
	}
	s.engine, err = engine.Podman(filepath.Join(dir, "podman"), program)
	return s, err
}

// Build makes the programs that are not there. What the machine lacks is said before anything is built.
func (s *Suite) Build(ctx context.Context) error {
	if s.source {
		if err := host.Root(); err != nil {
			return err
		}
	}
	if err := host.Check(s.packages()); err != nil {
		return err
	}
	return s.Phase("programs", func() error { return tools.Ensure(ctx, s.pins(), s.tools(), s.out) })
}

// Add makes the programs of further sets that are not there, for what only some runs need.
func (s *Suite) Add(ctx context.Context, sets ...tools.Set) error {
	wanted := tools.Of(sets...)
	if err := host.Check(tools.Needs(s.pins(), wanted)); err != nil {
		return err
	}
	return tools.Ensure(ctx, s.pins(), wanted, s.out)
}

// Missing lists the Debian packages that this machine lacks for what Build and Up would do.
func (s *Suite) Missing() []string { return host.Missing(s.packages()) }

func (s *Suite) packages() []host.Package {
	needs := tools.Needs(s.pins(), s.tools())
	if s.source {
		needs = append(needs, host.Node()...)
	}
	return needs
}

// tools are those that the way of making nodes takes. A cluster's parts are all of the pinned version.
func (s *Suite) tools() []tools.Tool {
	sets := []tools.Set{tools.Cluster}
	if s.source {
		sets = append(sets, tools.Node)
	}
	wanted := tools.Of(sets...)
	for i := range wanted {
		wanted[i] = wanted[i].Pinned()
	}
	return wanted
}

func (s *Suite) pins() string { return filepath.Join(s.root, "e2e", "tools") }

// kept says why nodes are made from source where a cluster of such nodes was brought up and not taken down:
// asking Docker again could take minutes, or change the answer.
func (s *Suite) kept() string {
	if _, err := os.Stat(filepath.Join(s.dir, "source")); err != nil {
		return ""
	}
	return "the cluster that is there is"
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
	return tool.Pinned().Installed(s.pins())
}

// Module is the folder of a module's files at the version that the tool is pinned at.
func (s *Suite) Module(ctx context.Context, tool, module string) (string, error) {
	found, err := tools.Download(ctx, filepath.Join(s.pins(), tool), module)
	return found.Dir, err
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
	if !s.source {
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
		return "", fmt.Errorf("reading the version of kubectl: %w", err)
	}
	b.Version = strings.TrimSpace(version.ClientVersion.GitVersion)
	return b.Image(ctx)
}
