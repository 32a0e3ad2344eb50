package spec

import (
	"fmt"
	"slices"

	"github.com/kservegen/kservegen/pkg/suggest"
)

// everything is the weight of a revision that gets all requests, in percent.
const everything = 100

// DefaultSteps are the shares of a new revision where spec.rollout says none, in percent.
func DefaultSteps() []int { return []int{5, 25, 50, everything} }

// Steps of the rollout, or the default.
func (m *Deployment) Steps() []int {
	if r := m.Document.Spec.Rollout; r != nil && len(r.Steps) > 0 {
		return slices.Clone(r.Steps)
	}
	return DefaultSteps()
}

// Phase is a part of the way of a new revision to all requests.
type Phase struct {
	// Shadow is the percentage of the requests that it gets copies of, while it has no share; 0 for none.
	Shadow int
	// Weight is its share in percent; 0 with Shadow.
	Weight int
}

// Phases of the rollout behind the start, in their order: copies, where the plan wants some, then shares.
func (m *Deployment) Phases() []Phase {
	var phases []Phase
	if r := m.Document.Spec.Rollout; r != nil && r.Shadow > 0 {
		phases = append(phases, Phase{Shadow: r.Shadow})
	}
	for _, weight := range m.Steps() {
		phases = append(phases, Phase{Weight: weight})
	}
	return phases
}

// RevisionNames are the revisions of the document, with the implied only one.
func (m *Deployment) RevisionNames() []string { return revisionNames(m.Document.Spec) }

func revisionNames(s Spec) []string {
	if len(s.Revisions) == 0 {
		return []string{DefaultRevision}
	}
	names := make([]string, 0, len(s.Revisions))
	for _, revision := range s.Revisions {
		names = append(names, revision.Name)
	}
	return names
}

// checkRollout checks the plan, which is the same in every environment.
func checkRollout(r *resolver, s Spec) {
	rollout := s.Rollout
	if rollout == nil {
		return
	}
	if rollout.Shadow < 0 || rollout.Shadow > everything {
		r.failf("spec.rollout.shadow", "must be from 0 to 100 percent, got %d", rollout.Shadow)
	}
	before := 0
	for i, step := range rollout.Steps {
		path := fmt.Sprintf("spec.rollout.steps[%d]", i)
		switch {
		case step < 1 || step > everything:
			r.failf(path, "must be from 1 to 100 percent, got %d", step)
		case step <= before:
			r.failf(path, "%d comes after %d; steps ascend", step, before)
		case i == len(rollout.Steps)-1 && step != everything:
			r.failf(path, "the last step is %d; end with 100, which makes the new revision the only one that is asked", step)
		}
		before = step
	}
	names := revisionNames(s)
	for _, end := range []struct{ field, name string }{{"from", rollout.From}, {"to", rollout.To}} {
		if end.name != "" && !slices.Contains(names, end.name) {
			r.failf("spec.rollout."+end.field, "there is no revision %q%s", end.name, suggest.Word(end.name, names))
		}
	}
	switch {
	case (rollout.From == "") != (rollout.To == ""):
		r.failf("spec.rollout", "from and to belong together: the revision that gives its share away, and the one that takes it over")
	case rollout.From != "" && rollout.From == rollout.To:
		r.failf("spec.rollout.to", "%q is where the requests come from, too; name the new revision", rollout.To)
	}
}
