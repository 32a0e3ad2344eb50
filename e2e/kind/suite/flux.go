package suite

import (
	"context"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kservegen/kservegen/e2e/cluster/image"
	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/tools"
)

// flux brings Flux into the cluster, once in a run. It is built and loaded for the cases that need it only.
func (s *Suite) flux(ctx context.Context) error {
	if s.fluxRuns {
		return nil
	}
	if err := s.tools.Add(ctx, tools.GitOps); err != nil {
		return err
	}
	err := s.tools.Phase("Flux", func() error {
		var controllers []install.FluxController
		var images []image.Image
		for _, name := range []string{"source-controller", "kustomize-controller"} {
			controller, packed, err := s.fluxController(ctx, name)
			if err != nil {
				return err
			}
			controllers, images = append(controllers, controller), append(images, packed)
		}
		if err := s.cluster.Load(ctx, images...); err != nil {
			return err
		}
		return s.installer().Flux(ctx, controllers...)
	})
	s.fluxRuns = err == nil
	return err
}

// fluxController is one with its image, under a name of its own: a pod of another version is replaced.
func (s *Suite) fluxController(ctx context.Context, name string) (install.FluxController, image.Image, error) {
	m, err := tools.Download(ctx, filepath.Join(s.Root, "e2e", "tools", name), "github.com/fluxcd/"+name)
	if err != nil {
		return install.FluxController{}, image.Image{}, err
	}
	program, err := s.tools.Tool(name)
	packed := image.Image{
		Name:  install.Registry + "/" + name + ":" + m.Version,
		Files: []image.File{image.Program("/"+name, program), image.Dir("/tmp", 0o1777, 0), image.Dir("/data", 0o1777, 0)},
		Config: v1.Config{
			Entrypoint: []string{"/" + name}, User: "65534:65534",
			Env: []string{"PATH=/", "HOME=/tmp"}, // Git's settings are looked for at home
		},
	}
	controller := install.FluxController{Name: name, Dir: m.Dir, Image: packed.Name}
	if name == "kustomize-controller" {
		// As docs/gitops.md wants it: a commit ends the waiting for what the one before has brought.
		controller.Admin, controller.Args = true, []string{"--feature-gates=CancelHealthCheckOnNewRevision=true"}
	}
	return controller, packed, err
}
