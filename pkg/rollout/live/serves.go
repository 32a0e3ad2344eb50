package live

import (
	"slices"

	"github.com/kservegen/kservegen/pkg/spec"
)

// Serves says whether a revision may get more requests in an environment, and whether those that it gets now find nobody. One that
// sleeps while nobody asks may have them: they wake it. They wait meanwhile, so that it is not down, however long it takes.
func (v Revision) Serves(t spec.Target) (ready, down bool) {
	wakes := slices.ContainsFunc(t.Revisions, func(r spec.RevisionTarget) bool { return r.Name == v.Name && r.MinReplicas == 0 })
	asleep := v.Wanted == 0 && v.Reason != missing
	return v.Ready || wakes && asleep, v.Wanted > 0 && v.Answering == 0 && !wakes
}
