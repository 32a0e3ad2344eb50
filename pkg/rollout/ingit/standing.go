package ingit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/spec"
)

// standing is what a commit has of the canary.
type standing struct {
	head        string
	document    *steps.Document
	target      spec.Target
	ends        steps.Ends
	share, most int
	steps       []int
	// definition is the same where both revisions are, whatever their shares.
	definition string
	// engine is what the tree was rendered for.
	engine string
}

// at reads a commit. What a person has to put right is a refusal.
func (p *Place) at(ctx context.Context, commit string) (*standing, error) {
	data, err := p.Repository.Read(ctx, commit, p.Document)
	if err != nil {
		return nil, err
	}
	if data == nil {
		return nil, refusef("%s has no %s", p.Branch, p.Document)
	}
	document, err := steps.Open(p.Document, data, p.Model)
	if err != nil {
		return nil, refusef("the document on %s: %v", p.Branch, err)
	}
	s := &standing{head: commit, document: document, steps: document.Steps()}
	if s.engine, err = p.engine(ctx, commit); err != nil {
		return nil, err
	}
	document.DefaultEngine(s.engine)
	i := slices.IndexFunc(document.Environments, func(t spec.Target) bool { return t.Environment == p.Environment })
	if i < 0 {
		return nil, refusef("%s on %s has no environment %s", p.Model, p.Branch, p.Environment)
	}
	s.target = document.Environments[i]
	s.ends = document.EndsOf(s.target)
	return s, s.weigh(p)
}

// engine is what the tree was rendered for, Flux or Argo CD, which the document need not say.
func (p *Place) engine(ctx context.Context, commit string) (string, error) {
	file := path.Join(p.tree(), render.LockFile)
	data, err := p.Repository.Read(ctx, commit, file)
	if err != nil {
		return "", err
	}
	lock, err := render.ReadLock(file, data)
	if err != nil { // the step tells that the tree is not current
		return "", nil
	}
	return lock.Engine(), nil
}

// ErrNoCanary is that the environment has no two revisions of which one takes over from the other.
var ErrNoCanary = errors.New("no canary")

// none is the refusal that says so.
type none struct{ *runner.Refusal }

func (n none) Unwrap() error { return n.Refusal }

func (none) Is(target error) bool { return target == ErrNoCanary }

// weigh finds both revisions.
func (s *standing) weigh(p *Place) error {
	var both [2]*spec.RevisionTarget
	for i := range s.target.Revisions {
		r := s.target.Revisions[i]
		switch r.Name {
		case s.ends.From:
			both[0] = &r
		case s.ends.To:
			both[1] = &r
		}
	}
	if both[0] == nil || both[1] == nil {
		return none{&runner.Refusal{Words: fmt.Sprintf("no canary of %s runs in %s on %s; kservegen canary start begins one, and spec.rollout says between which revisions it is", p.Model, p.Environment, p.Branch)}}
	}
	s.share, s.most = both[1].Weight, both[0].Weight+both[1].Weight
	both[0].Weight, both[1].Weight = 0, 0
	data, err := json.Marshal(both)
	s.definition = digest(data)
	return err
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// version changes with everything that a step stands on: the revisions, the plan, and all shares of the environment.
func (s *standing) version() string {
	data, err := json.Marshal([]any{s.definition, s.steps, steps.Shares(s.target)})
	if err != nil {
		panic(err) // strings and numbers
	}
	return digest(data)
}
