package ingit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/kservegen/kservegen/pkg/git"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/rollout/write"
	"github.com/kservegen/kservegen/pkg/spec"
)

// tries is how often a step is made anew because others pushed first.
const tries = 5

// Move makes the step on top of what the branch has, and sends it. Where others were faster it is made again on theirs, unless
// they changed the canary.
func (p *Place) Move(ctx context.Context, from runner.State, share int, why string) error {
	return p.make(ctx, from, spec.Phase{Weight: share}, why)
}

// Copy does the same with copies of requests.
func (p *Place) Copy(ctx context.Context, from runner.State, percent int, why string) error {
	return p.make(ctx, from, spec.Phase{Shadow: percent}, why)
}

func (p *Place) make(ctx context.Context, from runner.State, to spec.Phase, why string) error {
	said := saying{why: why, analysis: p.Analysis()}
	for range tries {
		now, err := p.standing(ctx)
		if err != nil {
			return err
		}
		if p.done(now, to) {
			return nil
		}
		if now.version() != from.Version {
			return p.moved(ctx, now)
		}
		if err = p.step(ctx, now, to, said); !errors.Is(err, git.ErrMoved) {
			return err
		}
	}
	return fmt.Errorf("%s moves faster than a step is made on it", p.Branch)
}

// done reports that the canary of the last Read has what it is to get: it had it then, or another runner was faster.
func (p *Place) done(now *standing, to spec.Phase) bool {
	if now.gets != to || p.known != nil && now.definition != p.known.definition {
		return false
	}
	p.asked = &to
	return true
}

// moved says who changed the canary.
func (p *Place) moved(ctx context.Context, now *standing) error {
	if err := p.unchanged(ctx, now); err != nil {
		return fmt.Errorf("%w: %w", runner.ErrMoved, err)
	}
	return runner.ErrMoved
}

// step makes the commit and sends it where it belongs.
func (p *Place) step(ctx context.Context, now *standing, to spec.Phase, said saying) error {
	change, err := p.change(now, to)
	if err != nil {
		return refusef("giving %s %s: %v", now.ends.To, words(to), err)
	}
	change.After.DefaultEngine(now.engine)
	files, err := p.files(ctx, now, change)
	if err != nil {
		return err
	}
	told := p.message(now, change, to, said)
	commit, err := p.Repository.CommitOn(ctx, now.head, told.text(shortened), files)
	if err != nil {
		return err
	}
	if p.Review != nil {
		return p.propose(ctx, now, to, commit, told)
	}
	return p.send(ctx, now, to, commit)
}

// change is the step as an edit of the document.
func (p *Place) change(now *standing, to spec.Phase) (steps.Change, error) {
	environments := []string{p.Environment}
	switch {
	case to.Shadow > 0:
		return now.document.Copy(environments, to.Shadow)
	case to.Weight > 0:
		return now.document.Set(environments, map[string]int{now.ends.To: to.Weight})
	}
	return now.document.Abort(environments)
}

// words are what a revision gets.
func words(to spec.Phase) string {
	switch {
	case to.Shadow == 0:
		return fmt.Sprintf("%d %%", to.Weight)
	case to.Weight == 0:
		return fmt.Sprintf("copies of %d %%", to.Shadow)
	}
	return fmt.Sprintf("%d %% and copies of %d %%", to.Weight, to.Shadow)
}

// send gives the tracked branch the step.
func (p *Place) send(ctx context.Context, now *standing, to spec.Phase, commit string) error {
	err := p.Branch.Send(ctx, commit, now.head)
	if err == nil {
		p.asked, p.commit = &to, commit[:7]
	}
	return err
}

// files are those that differ after a change, by their names in the repository. They are rendered beside what the commit has, in
// a directory that nobody else knows.
func (p *Place) files(ctx context.Context, now *standing, change steps.Change) (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "kservegen-canary-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err = p.checkOut(ctx, now, dir); err != nil {
		return nil, err
	}
	plan, err := write.Make(filepath.Join(dir, filepath.FromSlash(p.Trees)), write.Change{
		File: filepath.Join(dir, filepath.FromSlash(p.Document)), Data: change.Data, Before: now.document.Deployment, After: change.After,
	})
	var stale *write.Stale
	if errors.As(err, &stale) {
		return nil, refusef("on %s %s", p.Branch, strings.ReplaceAll(stale.Error(), dir+string(filepath.Separator), ""))
	}
	if err != nil {
		return nil, err
	}
	root, err := filepath.Rel(dir, plan.Root)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, c := range plan.Changes {
		files[path.Join(filepath.ToSlash(root), c.Path)] = c.Data // nil where it is removed
	}
	return files, nil
}

// checkOut writes what a commit has of the model.
func (p *Place) checkOut(ctx context.Context, now *standing, dir string) error {
	files, err := p.Repository.Files(ctx, now.head, p.tree())
	if err != nil {
		return err
	}
	files[p.Document] = now.document.Data
	for name, data := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
