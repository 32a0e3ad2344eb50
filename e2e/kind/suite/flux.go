package suite

import (
	"context"

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
			controller, err := s.pack(ctx, name, "github.com/fluxcd/"+name, name, image.Dir("/data", 0o1777, 0))
			if err != nil {
				return err
			}
			images = append(images, controller.image)
			controllers = append(controllers, fluxController(name, controller))
		}
		if err := s.cluster.Load(ctx, images...); err != nil {
			return err
		}
		return s.installer().Flux(ctx, controllers...)
	})
	s.fluxRuns = err == nil
	return err
}

// fluxController is one of Flux's, with the rights and the settings that it has here.
func fluxController(name string, p packed) install.FluxController {
	controller := install.FluxController{Name: name, Dir: p.dir, Image: p.image.Name}
	if name == "kustomize-controller" {
		// As docs/gitops.md wants it: a commit ends the waiting for what the one before has brought.
		controller.Admin, controller.Args = true, []string{"--feature-gates=CancelHealthCheckOnNewRevision=true"}
	}
	return controller
}
