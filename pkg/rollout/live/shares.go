package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kservegen/kservegen/pkg/spec"
)

// Shares reads what a model's route says of its revisions for callers inside the mesh, in the order of their names: weights,
// copies and testers' headers. It gets the route by its name and lists nothing, so that it takes the right to get that alone;
// a kind that it may not get is passed over where there is another. Of replicas it knows nothing.
func (c *Cluster) Shares(ctx context.Context, namespace, model string) ([]Revision, error) {
	var refused error
	inside := spec.Target{Name: model}.MeshRoute()
	for _, each := range []struct {
		kind kind
		name string
	}{{virtualServices(), model}, {httpRoutes(), inside}, {httpRoutes(), model}} {
		o, there, err := c.get(ctx, each.kind, namespace, each.name)
		switch {
		case apierrors.IsForbidden(err):
			refused = errors.Join(refused, err)
		case err != nil:
			return nil, err
		case there:
			return o.shares(model), nil
		}
	}
	if refused != nil {
		return nil, refused
	}
	return nil, fmt.Errorf("namespace %s has no VirtualService %s and no HTTPRoute %s or %s, which would say how requests are shared", namespace, model, inside, model)
}

func (o object) shares(model string) []Revision {
	r := &reading{model: model, found: map[string]*Revision{}}
	r.rules(o.items("spec", "http"), "route")
	r.rules(o.items("spec", "rules"), "backendRefs")
	var revisions []Revision
	for _, revision := range r.found {
		revision.Reason = "" // nobody looked
		revisions = append(revisions, *revision)
	}
	slices.SortFunc(revisions, func(a, b Revision) int { return cmp.Compare(a.Name, b.Name) })
	return revisions
}
