package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/git"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/txn"
)

// Files are where a model is in a repository, as that calls it.
type Files struct {
	Model    string
	Document string
	Tree     string
}

// State is a model as a commit has it.
type State struct {
	git.Entry
	// Environments and their shares; none where the commit has no such document, or one that is not valid today.
	Environments []Environment
	// Rendered is set where the tree is of this document.
	Rendered bool
	// Why it is not, or why there are no environments.
	Why string
	// id is the same where document and tree are.
	id string
}

// Environment is one overlay and what its revisions get.
type Environment struct {
	Name   string
	Shares []steps.Share
}

// Words are the shares of a state: production v1 90, v2 10.
func (s State) Words() string {
	words := make([]string, 0, len(s.Environments))
	for _, e := range s.Environments {
		words = append(words, e.Name+" "+steps.Words(e.Shares))
	}
	return strings.Join(words, "; ")
}

// Read lists the states of a model, the newest first, at most some number of them; 0 is all.
func Read(ctx context.Context, r *git.Repository, f Files, most int) ([]State, error) {
	entries, err := r.Log(ctx, f.Document, f.Tree)
	if err != nil {
		return nil, err
	}
	var states []State
	for _, entry := range entries {
		if most > 0 && len(states) == most {
			break
		}
		state, err := At(ctx, r, f, entry)
		if err != nil {
			return nil, err
		}
		states = append(states, state)
	}
	return states, nil
}

// At reads the state of one commit.
func At(ctx context.Context, r *git.Repository, f Files, entry git.Entry) (State, error) {
	state := State{Entry: entry}
	document, err := r.Read(ctx, entry.Hash, f.Document)
	if err != nil {
		return state, err
	}
	tree, err := r.Files(ctx, entry.Hash, f.Tree)
	if err != nil {
		return state, err
	}
	m, why := find(f, document)
	if m == nil {
		state.Why = why
		return state, nil
	}
	for _, t := range m.Environments {
		state.Environments = append(state.Environments, Environment{t.Environment, steps.Shares(t)})
	}
	state.Why = judge(f, m, tree)
	state.Rendered = state.Why == ""
	state.id = m.Digest() + " " + state.Words() + " " + string(tree[path.Join(f.Tree, render.LockFile)])
	return state, nil
}

// find reads the model of a document, or says why not.
func find(f Files, data []byte) (*spec.Deployment, string) {
	if data == nil {
		return nil, "there is no " + f.Document
	}
	all, err := spec.Load(f.Document, bytes.NewReader(data))
	var problems manifest.Problems
	if errors.As(err, &problems) {
		return nil, "the document is not valid: " + problems[0].Error()
	}
	for _, m := range all {
		if m.Name == f.Model {
			return m, ""
		}
	}
	return nil, "the document is of other models"
}

// judge says why a tree is not what was rendered from a document, empty where it is: by the lock, which has a digest of the
// document and of every file, and by the weights.
func judge(f Files, m *spec.Deployment, tree map[string][]byte) string {
	lockFile := path.Join(f.Tree, render.LockFile)
	data, there := tree[lockFile]
	if !there {
		return "there is no " + lockFile
	}
	lock, err := render.ReadLock(lockFile, data)
	if err != nil {
		return err.Error()
	}
	if lock.Document != m.Digest() {
		return "the tree is of another document"
	}
	for file := range lock.Files {
		full := path.Join(f.Tree, file)
		if content, there := tree[full]; !there || !lock.Holds(file, content) {
			return full + " is not what was rendered"
		}
	}
	for _, t := range m.Environments {
		for _, edit := range Weights(tree, f.Tree, t.Environment) {
			agrees := func(s steps.Share) bool { return s.Revision == edit.Revision && s.Weight == edit.Value }
			if !slices.ContainsFunc(steps.Shares(t), agrees) {
				return fmt.Sprintf("the tree gives %s %d in %s", edit.Revision, edit.Value, t.Environment)
			}
		}
	}
	return ""
}

// Weights are those that the traffic files of an environment say, in a tree whose files begin with a path.
func Weights(tree map[string][]byte, root, environment string) []render.WeightEdit {
	var weights []render.WeightEdit
	prefix := path.Join(root, "overlays", environment, "patches", "traffic")
	for file, data := range tree {
		if strings.HasPrefix(file, prefix) {
			weights = append(weights, render.ReadWeights(data)...)
		}
	}
	return weights
}

// Back finds the state that a number of states lies back, counting those that differ: 1 is the one before what is there now.
// It reads no further than that.
func Back(ctx context.Context, r *git.Repository, f Files, number int) (State, error) {
	entries, err := r.Log(ctx, f.Document, f.Tree)
	if err != nil {
		return State{}, err
	}
	seen, last := 0, ""
	for i, entry := range entries {
		state, err := At(ctx, r, f, entry)
		if err != nil {
			return State{}, err
		}
		if i == 0 && !state.Rendered { // what is there now is none, and counts
			seen++
		}
		if !state.Rendered || state.id == last {
			continue
		}
		if seen == number {
			return state, nil
		}
		seen, last = seen+1, state.id
	}
	return State{}, fmt.Errorf("%d back is none of the states of this model that Git knows; kservegen canary history lists them", number)
}

// Restore says what is to be written so that document and tree are those of a state. What is the user's own in the tree stays.
func Restore(ctx context.Context, r *git.Repository, f Files, state State) ([]txn.Change, error) {
	document, err := r.Read(ctx, state.Hash, f.Document)
	if err != nil {
		return nil, err
	}
	if err = alone(ctx, r, f, document); err != nil {
		return nil, err
	}
	then, err := r.Files(ctx, state.Hash, f.Tree)
	if err != nil {
		return nil, err
	}
	now, err := r.Files(ctx, "HEAD", f.Tree)
	if err != nil {
		return nil, err
	}
	lockFile := path.Join(f.Tree, render.LockFile)
	old, err := render.ReadLock(lockFile, then[lockFile])
	if err != nil {
		return nil, err
	}
	changes := []txn.Change{{Path: f.Document, Data: document}, {Path: lockFile, Data: then[lockFile]}}
	for file := range old.Files {
		changes = append(changes, txn.Change{Path: path.Join(f.Tree, file), Data: then[path.Join(f.Tree, file)]})
	}
	for file, data := range then { // an overlay that is gone has no folder for the user's patches, and does not build without
		if _, there := now[file]; !there && file != lockFile && old.Files[strings.TrimPrefix(file, f.Tree+"/")] == "" {
			changes = append(changes, txn.Change{Path: file, Data: data})
		}
	}
	return append(changes, leaving(f, old, now)...), nil
}

// leaving removes what was rendered since and is not of the state.
func leaving(f Files, old render.Lock, now map[string][]byte) []txn.Change {
	var changes []txn.Change
	lock, err := render.ReadLock(render.LockFile, now[path.Join(f.Tree, render.LockFile)])
	if err != nil {
		return nil // nobody knows what was rendered; what is too much is shown by render --check
	}
	for file := range lock.Files {
		if old.Files[file] == "" {
			changes = append(changes, txn.Change{Path: path.Join(f.Tree, file), Remove: true})
		}
	}
	return changes
}

// alone refuses to give back a file that says something else of other models, too.
func alone(ctx context.Context, r *git.Repository, f Files, then []byte) error {
	now, err := r.Read(ctx, "HEAD", f.Document)
	if err != nil || now == nil {
		return err
	}
	others := func(data []byte) (string, error) {
		all, invalid := spec.Load(f.Document, bytes.NewReader(data))
		var words []string
		for _, m := range all {
			if m.Name != f.Model {
				state := State{}
				for _, t := range m.Environments {
					state.Environments = append(state.Environments, Environment{t.Environment, steps.Shares(t)})
				}
				words = append(words, m.Name+" "+m.Digest()+" "+state.Words())
			}
		}
		return strings.Join(words, "\n"), invalid
	}
	before, err := others(then)
	if err != nil {
		return err
	}
	if after, err := others(now); err == nil && after != before {
		return fmt.Errorf("%s is of other models, too, and they have changed since; take %s back by hand, or keep each model in a file of its own", f.Document, f.Model)
	}
	return nil
}
