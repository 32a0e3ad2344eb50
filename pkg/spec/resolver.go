package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// resolver turns one merged spec node into a Target or a RevisionTarget. Its problems carry the places of the
// nodes that the values came from, be that spec, an environment or a revision.
type resolver struct {
	*decoder
	m           *Deployment
	environment string
	spec        Spec
	// architecture is what sizes read of the catalogue, nil before.
	architecture *architecture
	planned      Planned
}

func newResolver(file string, m *Deployment, environment string, node *yaml.Node) *resolver {
	r := &resolver{decoder: newDecoder(file, m.types), m: m, environment: environment}
	r.merged = true
	r.decode(node, "spec", reflect.ValueOf(&r.spec).Elem())
	return r
}

// failf reports a problem at the place of a path, or of its nearest ancestor that is in the document.
func (r *resolver) failf(path, format string, args ...any) {
	r.problems = append(r.problems, r.problem(path, fmt.Sprintf(format, args...)))
}

// remarkf tells something that is no reason not to render.
func (r *resolver) remarkf(path, format string, args ...any) {
	r.m.Remarks = append(r.m.Remarks, r.problem(path, fmt.Sprintf(format, args...)))
}

func (r *resolver) problem(path, message string) manifest.Problem {
	for at := path; ; at = parent(at) {
		if n, ok := r.places[at]; ok {
			return problemAt(r.file, n, path, message)
		}
		if at == "" {
			return problemAt(r.file, &yaml.Node{}, path, message)
		}
	}
}

func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

// share is one revision that runs in a target.
type share struct {
	name    string
	index   int // in spec.revisions, -1 for the implied only revision
	traffic Traffic
}

// shares lists the revisions that run, in the order of the document, and checks the traffic. Where that is
// wrong, all of them are looked at.
func (r *resolver) shares() []share {
	found := len(r.problems)
	traffic := r.traffic()
	wrong := len(r.problems) > found
	names := r.m.Document.Spec.Revisions
	if len(names) == 0 {
		names = []Revision{{Name: DefaultRevision}}
	}
	var shares []share
	for i, revision := range names {
		index := i
		if len(r.m.Document.Spec.Revisions) == 0 {
			index = -1
		}
		at := slices.IndexFunc(traffic, func(t Traffic) bool { return t.Revision == revision.Name })
		switch {
		case at >= 0:
			shares = append(shares, share{revision.Name, index, traffic[at]})
		case wrong:
			shares = append(shares, share{revision.Name, index, Traffic{Revision: revision.Name}})
		}
	}
	return shares
}

func (r *resolver) traffic() []Traffic {
	revisions := r.m.Document.Spec.Revisions
	if len(r.spec.Traffic) == 0 {
		switch len(revisions) {
		case 0:
			return []Traffic{{Revision: DefaultRevision, Weight: 100}}
		case 1:
			return []Traffic{{Revision: revisions[0].Name, Weight: 100}}
		}
		r.failf("spec.traffic", "is missing; with several revisions each that runs needs a weight")
		return nil
	}
	r.checkTraffic(revisions)
	return r.spec.Traffic
}

func (r *resolver) checkTraffic(revisions []Revision) {
	known := map[string]bool{}
	for _, revision := range revisions {
		known[revision.Name] = true
	}
	if len(revisions) == 0 {
		known[DefaultRevision] = true
	}
	seen, testers := map[string]bool{}, map[HeaderMatch]string{}
	sum, valid := 0, true
	for i, t := range r.spec.Traffic {
		path := fmt.Sprintf("spec.traffic[%d]", i)
		switch {
		case t.Revision == "":
			r.failf(path+".revision", "is missing")
		case !known[t.Revision]:
			r.failf(path+".revision", "there is no revision %q%s", t.Revision, suggestKey(t.Revision, known))
		case seen[t.Revision]:
			r.failf(path+".revision", "revision %q has a weight already", t.Revision)
		}
		seen[t.Revision] = true
		if t.Weight < 0 || t.Weight > 100 {
			r.failf(path+".weight", "must be from 0 to 100, got %d", t.Weight)
			valid = false
		}
		sum += t.Weight
		if t.Mirror < 0 || t.Mirror > 100 {
			r.failf(path+".mirror", "must be from 0 to 100 percent, got %d", t.Mirror)
		} else if t.Mirror > 0 && len(r.spec.Traffic) == 1 {
			r.failf(path+".mirror", "%s is the only revision here and gets every request already; a mirror is for another one", t.Revision)
		}
		r.checkHeader(path+".testers", t.Testers)
		if t.Testers != nil {
			if other, taken := testers[*t.Testers]; taken {
				r.failf(path+".testers", "the same header leads to revision %q already; choose another value", other)
			}
			testers[*t.Testers] = t.Revision
		}
	}
	if valid && sum != 100 {
		r.failf("spec.traffic", "weights must sum to 100, got %d", sum)
	}
}
