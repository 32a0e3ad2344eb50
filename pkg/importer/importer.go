package importer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Environment is what reaches one cluster.
type Environment struct {
	Name string
	// From is where it was read, for messages.
	From      string
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
	Document string `json:"-"`
	// Losses by their places.
	Losses []Loss `json:"notCarried"`
	// Added is what the tree has and the input has nothing like.
	Added []Addition `json:"added"`
	// Questions by their fields.
	Questions []Question `json:"toCheck"`
}

// Import proposes a document. The error says why there can be none.
func Import(in Input, o Options) (*Proposal, error) {
	i, err := newImporting(in, o)
	if err != nil {
		return nil, err
	}
	best, err := i.best()
	if err != nil {
		return nil, err
	}
	if err = i.minimize(best.proposal); err != nil {
		return nil, err
	}
	return best.propose(i.scenes)
}

func newImporting(in Input, o Options) (*importing, error) {
	i := &importing{settler: settler{render.NewGenerator()}, accelerator: o.Accelerator}
	for _, e := range in.Environments {
		s := newScene(e.Name, inNamespace(e.Resources, o.Namespace))
		if err := s.check(e.From); err != nil {
			return nil, err
		}
		i.scenes = append(i.scenes, s)
	}
	if in.Base != nil {
		i.base = newScene("base", inNamespace(in.Base, o.Namespace))
	}
	return i, checkSame(i.scenes)
}

// propose words what an attempt came to.
func (a *attempt) propose(scenes []*scene) (*Proposal, error) {
	p := &Proposal{Losses: a.losses(scenes), Added: a.added(scenes), Questions: append(asked(a.drafts), cannotStart(a.deployment)...)}
	var err error
	p.Document, err = write(a.document, headOf(p.Questions))
	return p, err
}

// cannotStart asks about what the estimate of memory refuses. It runs where it was read, so there is something that the
// document does not say.
func cannotStart(d *spec.Deployment) []Question {
	var questions []Question
	for _, problem := range d.CannotStart {
		field, text, _ := strings.Cut(problem.Message, ": ")
		questions = append(questions, Question{field, text + ". Where it runs all the same, say in spec.model.measured what its log says (kservegen plan --log)"})
	}
	return questions
}

// headOf is what a reader of the document should know before it is used.
func headOf(questions []Question) string {
	head := "# Proposed by kservegen import."
	for _, q := range questions {
		head += "\n# To check, " + q.Field + ": " + q.Text + "."
	}
	return head
}

// checkSame refuses environments of different models.
func checkSame(scenes []*scene) error {
	takeOffNames(scenes)
	first := scenes[0].workloads[0]
	for _, s := range scenes[1:] {
		if w := s.workloads[0]; w.model != first.model {
			return fmt.Errorf("%s is of model %s in %s and %s is of %s in %s, and a document describes one model; import them one by one",
				first.placed(), first.model, scenes[0].name, w.placed(), w.model, s.name)
		}
	}
	return nil
}

// takeOffNames takes the name of the environment off that of the model where each begins or ends with it: an overlay's
// namePrefix or nameSuffix.
func takeOffNames(scenes []*scene) {
	for _, s := range scenes {
		for _, w := range s.workloads {
			if w.ours() || trimName(w.model, s.name) == w.model {
				return
			}
		}
	}
	for _, s := range scenes {
		for _, w := range s.workloads {
			w.model = trimName(w.model, s.name)
		}
	}
}

func trimName(model, environment string) string {
	return strings.TrimSuffix(strings.TrimPrefix(model, environment+"-"), "-"+environment)
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
	// distance counts what differs between input and tree.
	distance int
}

// best tries what the input leaves open. Of our own trees the right model gives back the same objects; other objects name
// theirs, or the first is as good as any. What environments agree on may fit together badly, and then one of them leads.
func (i *importing) best() (*attempt, error) {
	models := 1
	for _, w := range i.scenes[0].workloads {
		if w.ours() {
			models = max(models, len(w.ids()))
		}
	}
	var (
		best  *attempt
		first error
	)
	for lead := agreed; lead < len(i.scenes) && (best == nil || best.distance > 0); lead++ {
		for n := range models {
			a, err := i.attempt(chooser{model: n, accelerator: i.accelerator}, lead)
			if err != nil && first == nil {
				first = err
			}
			if err == nil && (best == nil || a.distance < best.distance) {
				best = a
			}
		}
		if len(i.scenes) == 1 {
			break
		}
	}
	if best == nil {
		return nil, first
	}
	return best, nil
}

// agreed is the lead of none: the base of the tree where there is one, else what most environments say.
const agreed = -1

func (i *importing) attempt(c chooser, lead int) (*attempt, error) {
	var drafts []*draft
	for _, s := range i.scenes {
		d, err := newDraft(s, c)
		if err != nil {
			return nil, err
		}
		drafts = append(drafts, d)
	}
	var base *draft
	switch {
	case lead != agreed:
		base = drafts[lead]
	case i.base != nil && len(i.base.workloads) > 0:
		var err error
		if base, err = newDraft(i.base, c); err != nil {
			return nil, err
		}
		base.scaleAs(drafts)
		base.pageAs(i.base, drafts)
	}
	named := len(drafts) > 1 || drafts[0].name != spec.DefaultEnvironment
	p, err := i.settle(compose(base, drafts, named))
	if err != nil {
		return nil, err
	}
	distance := len(p.losses(i.scenes))
	if i.scenes[0].ours() {
		distance += p.beyond(i.scenes)
	}
	return &attempt{p, drafts, distance}, nil
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

// Addition is an object of the tree, or a setting of one, that the input has nothing like.
type Addition struct {
	Object finding.Object `json:"object"`
	// Setting is a flag or a variable as it is written, or another value by its place; empty for the whole object.
	Setting string `json:"setting,omitempty"`
}

// String names the object and the setting.
func (a Addition) String() string { return strings.TrimSpace(a.Object.String() + " " + a.Setting) }

// added lists the objects of the tree that play a role which nothing in the input plays, and the flags and variables of its
// servers that those of the input do not have; of a tree of ours everything, for there it is a mistake.
func (p *proposal) added(scenes []*scene) []Addition {
	list := []Addition{}
	for i, s := range scenes {
		after := renderedScene(p.tree, nil, i)
		roles := after.roles()
		was, is := factsOf(s, s.roles()), factsOf(after, roles)
		for j := range after.resources {
			if r := &after.resources[j]; was[roles[r]] == nil {
				list = append(list, Addition{objectOf(r), ""})
			}
		}
		for _, role := range slices.Sorted(maps.Keys(is)) {
			if was[role] != nil {
				list = append(list, settingsBeyond(was[role], is[role], s.ours())...)
			}
		}
	}
	return distinct(list)
}

func objectOf(r *manifest.Resource) finding.Object {
	return finding.Object{APIVersion: r.APIVersion(), Kind: r.Kind(), Namespace: r.Namespace(), Name: r.Name()}
}

// distinct drops repetitions and keeps the order.
func distinct[T comparable](list []T) []T {
	seen := map[T]bool{}
	return slices.DeleteFunc(list, func(item T) bool {
		again := seen[item]
		seen[item] = true
		return again
	})
}

// settingsBeyond are the facts of one role that the input does not have. Where its command line could not be read they may
// be in it. The place of the weights and the port follow from other objects.
func settingsBeyond(was, is map[string]fact, all bool) []Addition {
	_, opaque := was[argumentsAddress]
	var list []Addition
	for _, address := range slices.Sorted(maps.Keys(is)) {
		_, says := was[address]
		value := text(is[address].value)
		flag, isFlag := strings.CutPrefix(strings.TrimSuffix(address, "]"), argumentsAddress+"[")
		variable, isVariable := strings.CutPrefix(address, variablesAddress+"[")
		variable, from, _ := strings.Cut(variable, "]")
		setting := ""
		switch {
		case says, address == "", strings.HasPrefix(address, implied), isFlag && (opaque || flag == "model" || flag == "port"):
			continue
		case isFlag:
			setting = strings.TrimSuffix("--"+flag+"="+value, "=")
		case isVariable && from != "" && !all:
			kind, _, _ := strings.Cut(strings.TrimPrefix(from, "/"), "/")
			setting = variable + " from " + kind
		case isVariable && value != "" && from == "":
			setting = variable + "=" + value
		case all:
			setting = address + " " + shown(address, is[address].value)
		default:
			continue
		}
		list = append(list, Addition{objectOf(is[address].at.object), setting})
	}
	return list
}
