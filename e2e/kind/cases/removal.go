package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// removes ends a canary: the first revision gets nothing any more, leaves the document, and what the tree then no
// longer has is deleted, as a sync with pruning does.
func removes(ctx context.Context, e *Env) (err error) {
	defer e.undo(ctx, &err, func(ctx context.Context) error { return e.Apply(ctx, e.Tree.Dir) }, e.Ready, e.mend)
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	d, err := e.documentWithout(service(stable))
	if err != nil {
		return err
	}
	after, err := e.rendered(ctx, d)
	if err != nil {
		return err
	}
	before, err := e.modelPods(ctx, service(stable))
	if err != nil {
		return err
	}
	answers, err := e.underLoad(ctx, "removing "+service(stable), func(ctx context.Context) error {
		if err := e.step(ctx, e.shares(tree.Shares{next: 100})); err != nil {
			return err
		}
		if err := e.Apply(ctx, after.Dir); err != nil {
			return err
		}
		pruned := e.Tree.Without(after)
		e.Figure("%d objects pruned", len(pruned))
		return errors.Join(e.Kubectl.Delete(ctx, pruned...), e.gone(ctx, before))
	})
	return errors.Join(err, nothingLost(answers))
}

// documentWithout is the tree's document without a revision: the one that is left gets everything.
func (e *Env) documentWithout(revision string) (document, error) {
	d, err := e.ownDocument()
	if err != nil {
		return d, err
	}
	return without(d, e.environment(), revision)
}

// without is a document with one environment, and without the revision whose InferenceService has that name.
func without(d document, environment, service string) (document, error) {
	d = d.clone()
	var kept []any
	revisions, _ := d.Spec["revisions"].([]any)
	for _, revision := range revisions {
		fields, _ := revision.(map[string]any)
		if fmt.Sprintf("%v-%v", d.Metadata["name"], fields["name"]) != service {
			kept = append(kept, revision)
		}
	}
	if len(kept) != 1 || len(revisions) != 2 {
		return d, lacks("%d revisions in its document, of which %d are not %s", len(revisions), len(kept), service)
	}
	d.Spec["revisions"] = kept
	// What is about shares has nothing to share.
	delete(d.Spec, "traffic")
	delete(d.Spec, "sticky")
	environments, _ := d.Spec["environments"].([]any)
	d.Spec["environments"] = slices.DeleteFunc(environments, func(one any) bool {
		fields, _ := one.(map[string]any)
		delete(fields, "traffic")
		delete(fields, "sticky")
		return fields["name"] != environment
	})
	if len(environments) == 0 {
		delete(d.Spec, "environments")
	}
	return d, nil
}
