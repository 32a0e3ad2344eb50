package routes

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/traffic"
)

// route is one object as the cluster has it, whose weights are understood.
type route struct {
	live   *unstructured.Unstructured
	share  int
	shadow int
	record *record
}

func (r *route) name() string { return r.live.GetKind() + " " + r.live.GetName() }

func nameOf(object map[string]any) string {
	return (&unstructured.Unstructured{Object: object}).GetName()
}

func rulesField(kind string) string {
	if kind == "HTTPRoute" {
		return "rules"
	}
	return "http"
}

// most is what both have together, by the document.
func (p *Place) most() int { return p.weight(p.canary.From) + p.weight(p.canary.To) }

func (p *Place) weight(revision string) int {
	i := slices.IndexFunc(p.canary.Target.Revisions, func(r spec.RevisionTarget) bool { return r.Name == revision })
	return p.canary.Target.Revisions[i].Weight
}

// with is the environment where the revision that takes over has a share and gets copies of a percentage of the requests, the other
// one has the rest of what both have, and others what they had.
func (p *Place) with(share, shadow int) spec.Target {
	t, most := p.canary.Target, p.most()
	t.Revisions = slices.Clone(t.Revisions)
	for i := range t.Revisions {
		switch t.Revisions[i].Name {
		case p.canary.To:
			t.Revisions[i].Weight, t.Revisions[i].Mirror = share, shadow
		case p.canary.From:
			t.Revisions[i].Weight = most - share
		}
	}
	return t
}

func (p *Place) weights(share int) []traffic.Weight { return render.Weights(p.with(share, 0)) }

// give puts a share and copies into a route.
func (p *Place) give(route map[string]any, share, shadow int) error {
	if err := render.SetWeights(route, p.weights(share)); err != nil {
		return err
	}
	return render.SetCopies(route, p.with(share, shadow))
}

// understand finds the share in a route, and refuses one that is not what the document says but for that.
func (p *Place) understand(found *unstructured.Unstructured, rendered map[string]any) (*route, error) {
	r := &route{live: found, record: p.recordOf(found.GetAnnotations())}
	if name, sign := keeper(found); name != "" && !p.options.DespiteGitOps {
		return nil, refuse("%s writes %s from Git (%s) and would take the weights back; move them in Git (kservegen canary step --commit --push), or tell it to leave the weights alone and say so (--despite-gitops)", name, r.name(), sign)
	}
	has := render.RouteWeights(found.Object, p.weights(0))
	share, there := has[p.canary.To]
	if !there {
		return nil, p.differs(r, errNoWeights.Error())
	}
	if share < 0 || share > p.most() {
		return nil, p.differs(r, p.words(has)+", and both have "+fmt.Sprint(p.most())+" in the document")
	}
	for _, revision := range p.with(share, 0).Revisions {
		if weight, ok := has[revision.Name]; !ok || weight != revision.Weight {
			return nil, p.differs(r, p.words(has)+", and the document has "+p.said())
		}
	}
	shadow := render.Copies(found.Object, p.canary.Target, p.canary.To)
	want := manifest.DeepCopy(rendered)
	if err := p.give(want, share, shadow); err != nil {
		return nil, fmt.Errorf("the tree's %s: %w", r.name(), err)
	}
	if at := difference(want["spec"], found.Object["spec"], "/spec"); at != "" {
		return nil, p.differs(r, "at "+at)
	}
	r.share, r.shadow = share, shadow
	if r.record != nil && (r.record.Share != share || r.record.Shadow != shadow) {
		return nil, refuse("%s gives %s %s, and a runner gave it %s at %s; %s wrote it last; nothing was changed since. To go on from what stands there: --again",
			r.name(), p.canary.To, gets(share, shadow), gets(r.record.Share, r.record.Shadow), r.record.Since.Format("2006-01-02T15:04:05Z07:00"), lastHand(found))
	}
	return r, nil
}

// differs refuses a route that is not the document's.
func (p *Place) differs(r *route, how string) error {
	if p.moving {
		return refuse("%s was changed by %s: %s; nothing was changed since", r.name(), lastHand(r.live), how)
	}
	return refuse("%s is not what the document says: %s; apply the tree first (kubectl apply -k), or render what the cluster has", r.name(), how)
}

func (p *Place) words(has map[string]int) string {
	var words []string
	for _, revision := range p.canary.Target.Revisions {
		if weight, ok := has[revision.Name]; ok {
			words = append(words, fmt.Sprintf("%s %d", revision.Name, weight))
		}
	}
	return "it has " + strings.Join(words, ", ")
}

func (p *Place) said() string {
	var words []string
	for _, revision := range p.canary.Target.Revisions {
		words = append(words, fmt.Sprintf("%s %d", revision.Name, revision.Weight))
	}
	return strings.Join(words, ", ")
}

// rules are a route's with other weights and copies. The rest stays as it stands.
func (p *Place) rules(r *route, share, shadow int) (any, error) {
	changed := manifest.DeepCopy(r.live.Object)
	if err := p.give(changed, share, shadow); err != nil {
		return nil, refuse("%s: %v", r.name(), err)
	}
	rules, _, err := unstructured.NestedSlice(changed, "spec", rulesField(p.canary.Target.RouteKind()))
	return rules, err
}
