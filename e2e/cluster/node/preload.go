package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pelletier/go-toml/v2"

	"github.com/kservegen/kservegen/e2e/cluster/engine"
	"github.com/kservegen/kservegen/e2e/cluster/image"
	"github.com/kservegen/kservegen/e2e/tools"
)

// archives writes the images that are preloaded.
func (b Builder) archives(ctx context.Context, base string) ([]string, error) {
	images, err := b.controlPlane(ctx, base)
	if err != nil {
		return nil, err
	}
	var archives []string
	for _, i := range append(images, b.Preload...) {
		archive, err := i.Archive(filepath.Join(b.Cache, "images"))
		if err != nil {
			return nil, err
		}
		archives = append(archives, archive)
	}
	return archives, nil
}

// controlPlane are the images that kubeadm names, each with the program of that name.
func (b Builder) controlPlane(ctx context.Context, base string) ([]image.Image, error) {
	kubeadm, err := b.Tool("kubeadm")
	if err != nil {
		return nil, err
	}
	output, err := engine.Run(ctx, nil, nil, kubeadm, "config", "images", "list", "--kubernetes-version", b.Version)
	if err != nil {
		return nil, err
	}
	var images []image.Image
	for name := range strings.FieldsSeq(output) {
		i, err := b.component(name, base)
		if err != nil {
			return nil, err
		}
		images = append(images, i)
	}
	return images, nil
}

func (b Builder) component(name, base string) (image.Image, error) {
	short, _, _ := strings.Cut(path.Base(name), ":")
	if short == "pause" {
		return b.pause(name)
	}
	source, err := b.Tool(short)
	if err != nil {
		return image.Image{}, err
	}
	i := image.Image{Name: name}
	target := "/usr/local/bin/" + short
	switch short {
	case "coredns":
		target = "/coredns" // the manifest has no command, and the upstream image has it there
	case "kube-proxy":
		i.Base = base // it runs iptables
	}
	i.Files = []image.File{image.Program(target, source)}
	i.Config = v1.Config{Entrypoint: []string{target}}
	return i, nil
}

// pause has the name that containerd is told, too, which need not be the one that kubeadm knows.
func (b Builder) pause(name string) (image.Image, error) {
	sandbox, err := b.sandbox()
	if err != nil {
		return image.Image{}, err
	}
	i := image.Image{
		Name: name, Files: []image.File{image.Program("/pause", b.Pause)},
		Config: v1.Config{Entrypoint: []string{"/pause"}},
	}
	if sandbox != name {
		i.Aliases = []string{sandbox}
	}
	return i, nil
}

// containerdConfig is the part of containerd's configuration that is set.
type containerdConfig struct {
	Version         int      `toml:"version"`
	DisabledPlugins []string `toml:"disabled_plugins"`
}

// preload fills the folder as containerd's of the node. Layers stay packed, as in kind's own images: a node
// unpacks those that it runs, and its folder is copied to a volume when it starts.
func (b Builder) preload(ctx context.Context, store string, archives []string) (err error) {
	work := store + ".run"
	if err = os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	socket, err := b.serve(ctx, store, work)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, socket.stop()) }()
	ctr, err := b.Tool("ctr")
	if err != nil {
		return err
	}
	for _, archive := range archives {
		if _, err = engine.Run(ctx, nil, nil, ctr, "--address", socket.path, "--namespace", "k8s.io", "images", "import",
			"--label=io.cri-containerd.pinned=pinned", "--local", "--no-unpack", archive); err != nil {
			return err
		}
	}
	return nil
}

// server is a containerd that stores images and runs nothing.
type server struct {
	path string
	cmd  *exec.Cmd
}

func (b Builder) serve(ctx context.Context, store, work string) (*server, error) {
	// These would make folders of the machine's, or listen there.
	config, err := toml.Marshal(containerdConfig{Version: 3, DisabledPlugins: []string{
		"io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",
		"io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri", "io.containerd.internal.v1.restart",
	}})
	if err != nil {
		return nil, err
	}
	settings := filepath.Join(work, "config.toml")
	if err = os.WriteFile(settings, config, 0o600); err != nil {
		return nil, err
	}
	program, err := b.Tool("containerd")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(work, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s := &server{path: filepath.Join(work, "sock")}
	s.cmd = tools.Command(ctx, program, "--config", settings, "--root", store, "--state", filepath.Join(work, "state"),
		"--address", s.path, "--log-level", "warn")
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err = s.cmd.Start(); err != nil {
		return nil, err
	}
	if err = s.wait(ctx); err != nil {
		content, _ := os.ReadFile(log.Name()) // what is missing there can't be told better
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, content), s.stop())
	}
	return s, nil
}

func (s *server) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if _, err := os.Stat(s.path); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("containerd does not listen after 30 s")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop asks it to end, so that its database is whole.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}
