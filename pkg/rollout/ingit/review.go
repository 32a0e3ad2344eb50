package ingit

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/kservegen/kservegen/pkg/git"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Review has people agree to each step: it goes to a branch of its own, and stands when the tracked branch has it. A
// rollback goes to the tracked branch where that takes it, since it cannot wait.
type Review struct {
	// Say gets each step that is proposed. It may get one again.
	Say func(Proposal) error
}

// Proposal is the text of a pull request.
type Proposal struct {
	// Branch has the step, Onto is where it is to be merged.
	Branch, Onto string
	// Title is one line, Body is Markdown.
	Title, Body string
}

// propose sends a step to a branch of its own, unless it is there.
func (p *Place) propose(ctx context.Context, now *standing, to spec.Phase, commit string, m message) error {
	if to == (spec.Phase{}) {
		err := p.send(ctx, now, to, commit)
		if err == nil || errors.Is(err, git.ErrMoved) || ctx.Err() != nil {
			return err
		} // else the branch is protected
	}
	recorded, err := p.record(ctx, now)
	if err != nil {
		return err
	}
	branch := p.Branch.Sibling(p.stepBranch(now, recorded, to))
	there, err := branch.Fetch(ctx)
	if err != nil {
		return err
	}
	if there == "" {
		err = branch.Send(ctx, commit, "")
	}
	if err != nil && !errors.Is(err, git.ErrMoved) { // another runner has proposed it
		return err
	}
	p.asked = &to
	if err = p.Review.Say(Proposal{branch.Name, p.Branch.Name, m.title, m.body(whole)}); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s waits to be merged into %s", runner.ErrPending, branch, p.Branch)
}

// stepBranch is the same for the same step from the same state, so that a runner finds what it proposed before it was killed.
func (p *Place) stepBranch(now *standing, from record, to spec.Phase) string {
	step := strconv.Itoa(to.Weight)
	if to.Shadow > 0 {
		step = fmt.Sprintf("shadow%d", to.Shadow)
	}
	return fmt.Sprintf("kservegen/%s-%s-%s-%s-%s", p.Model, p.Environment, now.ends.To, step, digest([]byte(now.definition + from.entry.Hash))[:8])
}
