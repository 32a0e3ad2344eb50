package suite

import (
	"context"

	"github.com/kservegen/kservegen/e2e/cluster/image"
	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/tools"
)

// flux brings Flux into the cluster.
func (s *Suite) flux(ctx context.Context) error {
	const sources, kustomize = "source-controller", "kustomize-controller"
	var programs []program
	for _, name := range []string{sources, kustomize} {
		programs = append(programs, program{name, name, "github.com/fluxcd/" + name, []image.File{image.Dir("/data", 0o1777, 0)}})
	}
	return s.extra(ctx, tools.GitOps, "Flux", programs, func(all map[string]packed) error {
		return s.installer().Flux(ctx,
			install.FluxController{Name: sources, Dir: all[sources].dir, Image: all[sources].image.Name},
			install.FluxController{
				Name: kustomize, Dir: all[kustomize].dir, Image: all[kustomize].image.Name, Admin: true,
				// As docs/gitops.md wants it: a commit ends the waiting for what the one before has brought.
				Args: []string{"--feature-gates=CancelHealthCheckOnNewRevision=true"},
			})
	})
}
