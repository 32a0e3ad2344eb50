package ingit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kservegen/kservegen/pkg/git"
	"github.com/kservegen/kservegen/pkg/rollout/gate"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Canary is which one it is, and where the repository has it.
type Canary struct {
	Model, Environment string
	// Document is the file, Trees the directory of the trees, both as the repository calls them: with slashes, from its top.
	Document, Trees string
}

// tree is the model's folder.
func (c Canary) tree() string { return strings.TrimPrefix(c.Trees+"/"+c.Model, "./") }

// Options of a Place.
type Options struct {
	Canary
	Repository *git.Repository
	Branch     git.Branch
	// Readiness says whether the revision that takes over answers.
	Readiness Readiness
	// Analysis is the one that a move follows from, for the commit's message; nil for none.
	Analysis func() *gate.Analysis
	// Again passes over that the canary was rolled back, until the first move.
	Again bool
	// Review is nil where steps go to the branch itself.
	Review *Review
}

// Place is a branch of a remote repository. It is not for several goroutines.
type Place struct {
	Options
	// commit is the newest that gave a share.
	commit string
	// known is what the branch had when it was last read, asked the share that this runner wanted there last, -1 for none.
	known *standing
	asked int
}

// New checks that the work tree has nothing of the model that the branch does not have: what would run is not what its author
// sees.
func New(ctx context.Context, o Options) (*Place, error) {
	p := &Place{Options: o, asked: -1}
	dirty, err := o.Repository.Dirty(ctx, o.Document, o.tree())
	if err != nil {
		return nil, err
	}
	if len(dirty) > 0 {
		return nil, refusef("not committed yet: %s; commit and push it, or take it back (git checkout)", strings.Join(dirty, ", "))
	}
	head, err := p.fetch(ctx)
	if err != nil {
		return nil, err
	}
	ahead, err := o.Repository.Ahead(ctx, head, o.Document, o.tree())
	if err != nil {
		return nil, err
	}
	if len(ahead) > 0 {
		return nil, refusef("commit %s (%s) is not on %s yet; push it, or take it back (git reset)", ahead[0].Short, ahead[0].Subject, o.Branch)
	}
	return p, nil
}

func refusef(format string, args ...any) error {
	return &runner.Refusal{Words: fmt.Sprintf(format, args...)}
}

func (p *Place) fetch(ctx context.Context) (string, error) {
	head, err := p.Branch.Fetch(ctx)
	if err == nil && head == "" {
		err = refusef("there is no branch %s", p.Branch)
	}
	return head, err
}

// Read says what the branch has.
func (p *Place) Read(ctx context.Context) (runner.State, error) {
	now, err := p.standing(ctx)
	if err != nil {
		return runner.State{}, err
	}
	if err = p.unchanged(ctx, now); err != nil {
		return runner.State{}, err
	}
	record, err := p.record(ctx, now)
	if err != nil {
		return runner.State{}, err
	}
	answer, err := p.Readiness.Ask(ctx, Question{now.target, now.ends, now.share})
	if err != nil {
		return runner.State{}, err
	}
	p.known, p.commit = now, record.entry.Short
	state := runner.State{Share: now.share, Most: now.most, Ready: answer.Ready, NotReady: answer.Why, Down: answer.Down, Version: now.version()}
	back := record.moved && now.share == 0 && !(p.Again && p.asked < 0)
	if back || now.share > 0 {
		state.Since = record.entry.Time
	}
	if back {
		state.RolledBack, err = p.why(ctx, record.entry)
	}
	return state, err
}

// Deployment is the document as the branch has it, which is what a run begins with.
func (p *Place) Deployment(ctx context.Context) (*spec.Deployment, error) {
	now, err := p.standing(ctx)
	if err != nil {
		return nil, err
	}
	p.known = now
	return now.document.Deployment, nil
}

// Commit is the one that gave the share which stands, by its short hash; empty before anything was read.
func (p *Place) Commit() string { return p.commit }

// standing is what the branch has now.
func (p *Place) standing(ctx context.Context) (*standing, error) {
	head, err := p.fetch(ctx)
	if err != nil {
		return nil, err
	}
	return p.at(ctx, head)
}

// unchanged refuses what somebody else did since the branch was last read. The step of another runner is nobody else's.
func (p *Place) unchanged(ctx context.Context, now *standing) error {
	if p.known == nil || now.version() == p.known.version() {
		return nil
	}
	entries, _, err := p.Repository.FirstParents(ctx, p.known.head+".."+now.head, p.Document)
	if err != nil {
		return err
	}
	who := "somebody who rewrote " + p.Branch.String()
	if len(entries) > 0 {
		who = fmt.Sprintf("commit %s by %s (%s)", entries[0].Short, entries[0].Author, entries[0].Subject)
	}
	if now.definition != p.known.definition || !slices.Equal(now.steps, p.known.steps) {
		return refusef("%s changed %s of the document while its canary ran; nothing is touched. Look at it, then run this again", who, p.Model)
	}
	if now.share == p.asked || len(entries) > 0 && p.ours(ctx, entries[0]) {
		return nil
	}
	return refusef("%s gave %s; nothing is touched. Look at it, then run this again", who, steps.Words(steps.Shares(now.target)))
}

// ours reports a commit that a runner made.
func (p *Place) ours(ctx context.Context, entry git.Entry) bool {
	message, err := p.Repository.Message(ctx, entry.Hash)
	return err == nil && strings.Contains(message, signature)
}

// record is the commit that gave the shares which stand.
type record struct {
	entry git.Entry
	// moved is set where the canary was the same before and had another share; otherwise the commit began it, or changed it.
	moved bool
}

// record goes back to the commit before which the canary had another share, or was another one.
func (p *Place) record(ctx context.Context, now *standing) (record, error) {
	entries, complete, err := p.Repository.FirstParents(ctx, now.head, p.Document)
	if err != nil {
		return record{}, err
	}
	var found record
	for _, entry := range entries {
		then, err := p.at(ctx, entry.Hash)
		if ctx.Err() != nil {
			return record{}, ctx.Err()
		}
		if err != nil || then.definition != now.definition { // not valid then, or no canary yet
			return found, nil
		}
		if then.share != now.share {
			found.moved = true
			return found, nil
		}
		found.entry = entry
	}
	if !complete {
		return record{}, refusef("the history that is here does not go back to when %s got its share; git fetch --unshallow, or a checkout with fetch-depth: 0", now.ends.To)
	}
	return found, nil
}

// why is what a commit says of itself, for people.
func (p *Place) why(ctx context.Context, entry git.Entry) (string, error) {
	message, err := p.Repository.Message(ctx, entry.Hash)
	_, body, _ := strings.Cut(message, "\n\n")
	said, _, _ := strings.Cut(body, "\n\n")
	words := fmt.Sprintf("commit %s by %s on %s: %s", entry.Short, entry.Author, entry.Time.UTC().Format(time.DateTime), entry.Subject)
	if said = strings.Join(strings.Fields(said), " "); said != "" && !strings.HasPrefix(said, signature) {
		words += ": " + said
	}
	return words, err
}
