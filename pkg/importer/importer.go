package importer

import (
	"fmt"
	"maps"
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Environment is what reaches one cluster.
type Environment struct {
	Name      string
	Resources []manifest.Resource
}

// Input is what there is of one model.
type Input struct {
	// Environments in the order of the document; at least one.
	Environments []Environment
	// Base is what a tree of ours has in base/, nil where there is none.
	Base []manifest.Resource
}

// Options decide what the input leaves open.
type Options struct {
	// Accelerator of the catalogue; empty to infer it.
	Accelerator string
	// Namespace of objects that name none. Default: default.
	Namespace string
}

// Question is a field that a person should fill in or check.
type Question struct {
	// Field of the document, for example spec.model.revision.
	Field string `json:"field"`
	Text  string `json:"text"`
}

// Proposal is a document and what it does not say.
type Proposal struct {
	// Document is YAML.
	Document string
	// Losses by their places.
	Losses []Loss
	// Questions by their fields.
	Questions []Question
	// Added are the objects of the tree that the input has nothing like.
	Added []finding.Object
}

// Import proposes a document. The error says why there can be none.
func Import(in Input, o Options) (*Proposal, error) {
	var scenes []*scene
	for _, e := range in.Environments {
		s := newScene(e.Name, inNamespace(e.Resources, o.Namespace))
		if err := s.check(); err != nil {
			return nil, err
		}
		scenes = append(scenes, s)
	}
	if err := checkSame(scenes); err != nil {
		return nil, err
	}
	var base *scene
	if in.Base != nil {
		base = newScene("base", inNamespace(in.Base, o.Namespace))
	}
	i := &importing{settler: settler{render.NewGenerator()}, scenes: scenes, base: base, accelerator: o.Accelerator}
	best, err := i.best()
	if err != nil {
		return nil, err
	}
	if err = i.minimize(best.proposal); err != nil {
		return nil, err
	}
	document, err := write(best.document, "")
	if err != nil {
		return nil, err
	}
	return &Proposal{Document: document, Losses: best.losses(scenes), Questions: asked(best.drafts), Added: best.added(scenes)}, nil
}

// checkSame refuses environments of different models.
func checkSame(scenes []*scene) error {
	first := scenes[0].workloads[0]
	for _, s := range scenes[1:] {
		if w := s.workloads[0]; w.model != first.model {
			return fmt.Errorf("%s serves %s and %s serves %s, and a document describes one model; import them one by one",
				scenes[0].name, first.model, s.name, w.model)
		}
	}
	return nil
}

// inNamespace gives objects that name none a namespace, as kubectl does.
func inNamespace(resources []manifest.Resource, namespace string) []manifest.Resource {
	if namespace == "" {
		namespace = "default"
	}
	list := slices.Clone(resources)
	for i, r := range list {
		if r.Namespace() == "" && r.Kind() != "ClusterServingRuntime" && r.Kind() != "Namespace" {
			data := maps.Clone(r.Data)
			meta := maps.Clone(fields(data["metadata"]))
			if meta == nil {
				meta = map[string]any{}
			}
			meta["namespace"] = namespace
			data["metadata"] = meta
			list[i].Data = data
		}
	}
	return list
}

type importing struct {
	settler
	scenes      []*scene
	base        *scene
	accelerator string
}

// attempt is a proposal with the drafts that it was made of.
type attempt struct {
	*proposal
	drafts []*draft
}

// best tries the models that the input may serve. Objects that we did not render name theirs, or the first is as good as
// any; of our own the right one gives back the same objects.
func (i *importing) best() (*attempt, error) {
	tries := 1
	if i.scenes[0].ours() {
		for _, w := range i.scenes[0].workloads {
			tries = max(tries, len(w.ids()))
		}
	}
	var (
		best  *attempt
		least int
		first error
	)
	for n := range tries {
		a, err := i.attempt(chooser{model: n, accelerator: i.accelerator})
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		distance := len(a.losses(i.scenes)) + a.beyond(i.scenes)
		if best == nil || distance < least {
			best, least = a, distance
		}
		if least == 0 {
			break
		}
	}
	if best == nil {
		return nil, first
	}
	return best, nil
}

func (i *importing) attempt(c chooser) (*attempt, error) {
	var drafts []*draft
	for _, s := range i.scenes {
		d, err := newDraft(s, c)
		if err != nil {
			return nil, err
		}
		drafts = append(drafts, d)
	}
	var base *draft
	if i.base != nil && len(i.base.workloads) > 0 {
		var err error
		if base, err = newDraft(i.base, c); err != nil {
			return nil, err
		}
	}
	named := len(drafts) > 1 || drafts[0].name != spec.DefaultEnvironment
	p, err := i.settle(compose(base, drafts, named))
	if err != nil {
		return nil, err
	}
	return &attempt{p, drafts}, nil
}

// beyond counts what the tree says that the input does not.
func (p *proposal) beyond(scenes []*scene) int {
	n := 0
	for i, s := range scenes {
		after := renderedScene(p.tree, nil, i)
		was, is := factsOf(s, s.roles()), factsOf(after, after.roles())
		for role, addresses := range is {
			for address := range addresses {
				if _, ok := was[role][address]; !ok {
					n++
				}
			}
		}
	}
	return n
}

// added lists the objects of the tree that play a role which nothing in the input plays.
func (p *proposal) added(scenes []*scene) []finding.Object {
	var list []finding.Object
	for i, s := range scenes {
		after := renderedScene(p.tree, nil, i)
		was, is := map[string]bool{}, after.roles()
		for _, role := range s.roles() {
			was[role] = true
		}
		for j := range after.resources {
			r := &after.resources[j]
			object := finding.Object{APIVersion: r.APIVersion(), Kind: r.Kind(), Namespace: r.Namespace(), Name: r.Name()}
			if !was[is[r]] && !slices.Contains(list, object) {
				list = append(list, object)
			}
		}
	}
	return list
}
