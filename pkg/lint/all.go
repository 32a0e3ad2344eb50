package lint

import (
	"slices"

	"github.com/kservegen/kservegen/pkg/lint/rule"
	"github.com/kservegen/kservegen/pkg/lint/rules/accelerator"
	"github.com/kservegen/kservegen/pkg/lint/rules/across"
	"github.com/kservegen/kservegen/pkg/lint/rules/chat"
	"github.com/kservegen/kservegen/pkg/lint/rules/copies"
	"github.com/kservegen/kservegen/pkg/lint/rules/kustomization"
	"github.com/kservegen/kservegen/pkg/lint/rules/lifecycle"
	"github.com/kservegen/kservegen/pkg/lint/rules/mesh"
	"github.com/kservegen/kservegen/pkg/lint/rules/naming"
	"github.com/kservegen/kservegen/pkg/lint/rules/network"
	"github.com/kservegen/kservegen/pkg/lint/rules/nodes"
	"github.com/kservegen/kservegen/pkg/lint/rules/routing"
	"github.com/kservegen/kservegen/pkg/lint/rules/scaling"
	"github.com/kservegen/kservegen/pkg/lint/rules/serving"
	"github.com/kservegen/kservegen/pkg/lint/rules/storage"
	"github.com/kservegen/kservegen/pkg/lint/rules/watching"
)

// All returns every rule in the order of the codes.
func All() []rule.Rule {
	return slices.Concat(
		naming.Rules(),
		serving.Rules(),
		routing.Rules(),
		mesh.Rules(),
		scaling.Rules(),
		storage.Rules(),
		accelerator.Rules(),
		lifecycle.Rules(),
		kustomization.Rules(),
		across.Rules(),
		nodes.Rules(),
		network.Rules(),
		watching.Rules(),
		copies.Rules(),
		chat.Rules(),
	)
}

// Retired returns the codes that are not used any more, so that they are never used again.
func Retired() []string {
	return []string{
		"KG0802", // a start-up longer than KServe's progress deadline: true, and nothing could be done about it
	}
}
