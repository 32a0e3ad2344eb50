package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/kservegen/kservegen/e2e/cluster/engine"
	"github.com/kservegen/kservegen/e2e/tools"
)

// way is how nodes are made. While a cluster is there, a file of that name in the suite's folder says how its nodes
// were: asking Docker again could take minutes, or change the answer.
type way string

const (
	// fromSource has them made from source and run in podman.
	fromSource way = "source"
	// inDocker has kind's default node image.
	inDocker way = "docker"
)

// patience is how long Docker may take to pull the node image, about a gigabyte.
const patience = 5 * time.Minute

// kept takes the way of the cluster that is there, if one is.
func (s *Suite) kept() error {
	for _, w := range []way{fromSource, inDocker} {
		if _, err := os.Stat(s.wayFile(w)); err == nil {
			return s.take(w, "the cluster that is there is")
		}
	}
	return nil
}

func (s *Suite) wayFile(w way) string { return filepath.Join(s.dir, string(w)) }

// choose decides how nodes are made, and says why, unless that is decided.
func (s *Suite) choose(ctx context.Context) error {
	if s.way != "" {
		return nil
	}
	if why := s.withoutDocker(ctx, engine.Docker()); why != "" {
		return s.take(fromSource, why)
	}
	return s.take(inDocker, "Docker has it")
}

func (s *Suite) take(w way, why string) error {
	s.way, s.engine = w, engine.Docker()
	if w == inDocker {
		fmt.Fprintf(s.out, "nodes: %s in Docker, since %s (untested where the project is developed; its Kubernetes need not be of the pinned version)\n",
			defaultImage(), why)
		return nil
	}
	fmt.Fprintf(s.out, "nodes: made from source and run in podman, since %s\n", why)
	runc, err := tools.Find("runc")
	if err != nil {
		return err
	}
	program, err := runc.Path(s.pins())
	if err != nil {
		return err
	}
	s.engine, err = engine.Podman(s.podman(), program)
	return err
}

// podman is the folder of the suite's own.
func (s *Suite) podman() string { return filepath.Join(s.dir, "podman") }

// withoutDocker says why kind's default node image can't be had; empty where it can.
func (s *Suite) withoutDocker(ctx context.Context, docker engine.Engine) string {
	if _, err := exec.LookPath(docker.Program); err != nil {
		return "Docker isn't there"
	}
	if _, err := docker.Output(ctx, "info"); err != nil {
		return "Docker doesn't answer"
	}
	if _, err := docker.Output(ctx, "image", "inspect", defaultImage()); err == nil {
		return ""
	}
	fmt.Fprintf(s.out, "asking Docker for %s (at most %s)\n", defaultImage(), patience)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := docker.Output(ctx, "pull", "--quiet", defaultImage()); err != nil {
		return "Docker can't pull " + defaultImage()
	}
	return ""
}
