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
)

// tries is how often a step is made anew because others pushed first.
const tries = 5

// Move makes the step on top of what the branch has, and sends it. Where others were faster it is made again on theirs, unless
// they changed the canary.
func (p *Place) Move(ctx context.Context, from runner.State, share int, why string) error {
	said := saying{why: why, analysis: p.Analysis()}
	for range tries {
		now, err := p.standing(ctx)
		if err != nil {
			return err
		}
		if p.done(now, share) {
			return nil
		}
		if now.version() != from.Version {
			return p.moved(ctx, now)
		}
		if err = p.step(ctx, now, share, said); !errors.Is(err, git.ErrMoved) {
			return err
		}
	}
	return fmt.Errorf("%s moves faster than a step is made on it", p.Branch)
}

// done reports that the canary of the last Read has the share: it had it then, or another runner was faster.
func (p *Place) done(now *standing, share int) bool {
	if now.share != share || p.known != nil && now.definition != p.known.definition {
		return false
	}
	p.asked = share
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
func (p *Place) step(ctx context.Context, now *standing, share int, said saying) error {
	change, err := now.document.Set([]string{p.Environment}, map[string]int{now.ends.To: share})
	if err != nil {
		return refusef("giving %s %d %%: %v", now.ends.To, share, err)
	}
	change.After.DefaultEngine(now.engine)
	files, err := p.files(ctx, now, change)
	if err != nil {
		return err
	}
	message := p.message(now, change, share, said)
	commit, err := p.Repository.CommitOn(ctx, now.head, message.text(shortened), files)
	if err != nil {
		return err
	}
	if p.Review != nil {
		return p.propose(ctx, now, share, commit, message)
	}
	return p.send(ctx, now, share, commit)
}

// send gives the tracked branch the step.
func (p *Place) send(ctx context.Context, now *standing, share int, commit string) error {
	err := p.Branch.Send(ctx, commit, now.head)
	if err == nil {
		p.asked, p.commit = share, commit[:7]
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
