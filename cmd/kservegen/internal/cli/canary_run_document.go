package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/rollout/metrics"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/spec"
)

// environmentOf finds an environment by its name, or the only one.
func environmentOf(m *spec.Deployment, name string) (spec.Target, error) {
	var names []string
	for _, t := range m.Environments {
		if t.Environment == name || name == "" && len(m.Environments) == 1 {
			return t, nil
		}
		names = append(names, t.Environment)
	}
	if name == "" {
		return spec.Target{}, usagef("%s has several environments, %s; say which with --env", m.Name, strings.Join(names, ", "))
	}
	return spec.Target{}, usagef("%s has no environment %s; there is %s", m.Name, name, strings.Join(names, ", "))
}

// ends are the two revisions of the canary.
func (o *runOptions) ends(m *spec.Deployment, t spec.Target) (steps.Ends, error) {
	ends := (&steps.Document{Deployment: m}).EndsOf(t)
	runs := func(name string) bool {
		return slices.ContainsFunc(t.Revisions, func(r spec.RevisionTarget) bool { return r.Name == name })
	}
	switch {
	case len(t.Revisions) < 2:
		return ends, usagef("%s is the only revision in %s; kservegen canary start adds one", t.Revisions[0].Name, t.Environment)
	case ends.To == "":
		return ends, usagef("%s does not say between which two of %s the canary is; write spec.rollout: {from: NAME, to: NAME}", m.File, strings.Join(revisionNames(t), ", "))
	case !runs(ends.From) || !runs(ends.To):
		return ends, usagef("the canary is from %s to %s, and %s has %s", ends.From, ends.To, t.Environment, strings.Join(revisionNames(t), ", "))
	case shareOf(t, ends.From)+shareOf(t, ends.To) == 0:
		return ends, usagef("%s and %s have nothing of the requests in %s (%s), so that nothing can be moved; give %[1]s a weight", ends.From, ends.To, t.Environment, steps.Words(steps.Shares(t)))
	}
	return ends, nil
}

// shareOf is a revision's in percent.
func shareOf(t spec.Target, revision string) int {
	for _, share := range steps.Shares(t) {
		if share.Revision == revision {
			return share.Weight
		}
	}
	return 0
}

// pairOf are the two for the gate.
func pairOf(t spec.Target, baseline, canary string) (pair metrics.Pair, err error) {
	if pair.Baseline, err = revisionOf(t, baseline); err != nil {
		return pair, err
	}
	pair.Canary, err = revisionOf(t, canary)
	return pair, err
}

// routes are the objects that share the requests, as the tree on disk has them with what is in its folders custom/; without a tree
// as they are rendered.
func (o *runOptions) routes(m *spec.Deployment, t spec.Target) ([]map[string]any, error) {
	if t.RoutedByKServe() || t.OmitsRoutes() {
		return nil, nil
	}
	objects, err := o.objects(m, t)
	if err != nil {
		return nil, err
	}
	return routesAmong(objects, t), nil
}

// routesAmong finds them, that of the gateway first.
func routesAmong(objects []map[string]any, t spec.Target) []map[string]any {
	var found []map[string]any
	for _, name := range t.RouteNames() {
		for _, object := range objects {
			metadata, _ := object["metadata"].(map[string]any)
			if object["kind"] == t.RouteKind() && metadata["name"] == name && metadata["namespace"] == t.Namespace {
				found = append(found, object)
			}
		}
	}
	return found
}

func (o *runOptions) objects(m *spec.Deployment, t spec.Target) ([]map[string]any, error) {
	folder := filepath.Join(o.dir, m.Name)
	file := filepath.Join(folder, render.LockFile)
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return rendered(m, t)
	}
	if err != nil {
		return nil, err
	}
	lock, err := render.ReadLock(file, data)
	if err != nil {
		return nil, usageError{err}
	}
	if lock.Document != m.Digest() {
		return nil, usagef("%s is not what the document says; render it, and apply it (kubectl apply -k)", folder)
	}
	objects, err := render.BuildObjects(filesys.MakeFsOnDisk(), filepath.Join(folder, "overlays", t.Environment))
	if err != nil {
		return nil, usageError{err}
	}
	return objects, nil
}

// rendered are the objects of an environment where there is no tree of it.
func rendered(m *spec.Deployment, t spec.Target) ([]map[string]any, error) {
	tree, err := render.NewGenerator().Tree(m)
	if err != nil {
		return nil, err
	}
	for _, environment := range tree.Environments {
		if environment.Name == t.Environment {
			return environment.Objects, nil
		}
	}
	return nil, fmt.Errorf("%s was not rendered for %s", m.Name, t.Environment)
}

// unchanged says whether the document still is the one that a run began with, its traffic left out.
func (o *runOptions) unchanged(ctx context.Context, s Streams, began *spec.Deployment) func() error {
	if slices.Contains(o.documents.files, "-") {
		return nil
	}
	digest := began.Digest()
	return func() error {
		_, now, err := o.load(ctx, s)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s cannot be read any more: %w; nothing was changed since", began.File, err)
		}
		if err == nil && now.Digest() != digest {
			return fmt.Errorf("%s was changed since the run began; nothing was changed in the cluster. Render and apply it, and run again", began.File)
		}
		return nil
	}
}
