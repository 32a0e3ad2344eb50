package steps

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/rollout/edit"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Setting is a field of a revision and its value.
type Setting struct {
	// Path below the revision, such as runtime.args.max-num-seqs. The name of a flag or a variable may hold dots.
	Path string
	// Value as YAML: 128, true, [a, b], text.
	Value string
}

// ParseSetting reads path=value.
func ParseSetting(text string) (Setting, error) {
	path, value, ok := strings.Cut(text, "=")
	if !ok || path == "" || slices.Contains(strings.Split(path, "."), "") {
		return Setting{}, refusef("--set %s: want a field of a revision and its value, such as runtime.args.max-num-seqs=128", text)
	}
	return Setting{path, value}, nil
}

// steps of the path. Names of flags and variables are one, whatever they hold.
func (s Setting) steps() []string {
	for _, free := range []string{"runtime.args.", "runtime.env."} {
		if name, ok := strings.CutPrefix(s.Path, free); ok {
			return append(strings.Split(strings.TrimSuffix(free, "."), "."), name)
		}
	}
	return strings.Split(s.Path, ".")
}

// Start is a new revision.
type Start struct {
	// From is the revision that serves, and Name that of the new one.
	From, Name string
	// Set is what differs.
	Set []Setting
	// Weight in percent that it gets at once.
	Weight int
	// Testers reach it whatever its weight; nil for none.
	Testers *spec.HeaderMatch
	// Shadow is the percentage of the requests that it is to get copies of in the phase behind this one; 0 for what the plan
	// says.
	Shadow int
}

// Start adds a revision to the selected environments. One that is there, and is what was asked for, stays.
func (d *Document) Start(environments []string, s Start) (Change, error) {
	selected, err := d.Select(environments)
	if err != nil {
		return Change{}, err
	}
	if s.From, err = d.from(selected, s); err != nil {
		return Change{}, err
	}
	if err = d.free(s); err != nil {
		return Change{}, err
	}
	w, err := d.writer()
	if err != nil {
		return Change{}, err
	}
	if err = w.addRevision(s); err != nil {
		return Change{}, err
	}
	want := map[string][]Share{}
	for _, t := range selected {
		if want[t.Environment], err = d.beside(t, s); err != nil {
			return Change{}, err
		}
	}
	w.several, w.testers[s.Name] = true, s.Testers
	changed := slices.DeleteFunc(slices.Clone(selected), func(t spec.Target) bool { return slices.Equal(Shares(t), want[t.Environment]) })
	w.write(changed, want)
	w.rollout(s)
	change, err := d.apply(w.ops)
	if err != nil {
		return Change{}, err
	}
	change.Notes = notes(change, s)
	return change, d.check(change, want)
}

// notes say what the new revision takes, and what it costs to send it requests at once.
func notes(change Change, s Start) []string {
	var list []string
	for _, shift := range change.Shifts {
		for _, t := range change.After.Environments {
			if needs := needs(t, s.Name); t.Environment == shift.Environment && needs != "" {
				list = append(list, fmt.Sprintf("%s takes %s%s, beside what %s has", s.Name, needs, in(t.Environment), s.From))
			}
		}
	}
	if s.Weight > 0 && len(change.Shifts) > 0 {
		list = append(list, fmt.Sprintf("until %s answers, its %d %% of the requests are lost; weight 0 waits for it", s.Name, s.Weight))
	}
	return list
}

// from finds the revision that the new one is to take over from.
func (d *Document) from(selected []spec.Target, s Start) (string, error) {
	if s.Name == "" {
		return "", refusef("how is the new revision to be called? --name NAME")
	}
	if r := d.Document.Spec.Rollout; s.From == "" && r != nil && r.To == s.Name {
		return r.From, nil
	}
	if s.From == "" {
		for _, r := range selected[0].Revisions {
			if r.Weight == everything && r.Name != s.Name {
				return r.Name, nil
			}
		}
		return "", refusef("%s share the requests%s; say from which the new one takes them over: --from NAME", Words(Shares(selected[0])), in(selected[0].Environment))
	}
	if s.From == s.Name {
		return "", refusef("--from and --name are both %s; give the new revision another name", s.Name)
	}
	if !slices.Contains(d.RevisionNames(), s.From) {
		return "", refusef("there is no revision %s; there is %s", s.From, strings.Join(d.RevisionNames(), ", "))
	}
	return s.From, nil
}

// free refuses to begin a canary while another one is on its way.
func (d *Document) free(s Start) error {
	r := d.Document.Spec.Rollout
	if r == nil || r.To == "" || r.To == s.Name && r.From == s.From {
		return nil
	}
	for _, t := range d.Environments {
		w := d.weightsOf(t)
		to, runs := w.at(r.To)
		from, _ := w.at(r.From)
		if runs && (to > 0 && from > 0 || w.copies(r.To) > 0) {
			return refusef("the canary from %s to %s is on its way%s (%s); promote or abort it first", r.From, r.To, w.where(), Words(w.shares))
		}
	}
	return nil
}

// beside are the shares of an environment with the new revision.
func (d *Document) beside(t spec.Target, s Start) ([]Share, error) {
	w := d.weightsOf(t)
	if _, runs := w.at(s.Name); runs {
		return w.shares, nil
	}
	if err := w.runs(s.From); err != nil {
		return nil, err
	}
	from, _ := w.at(s.From)
	if s.Weight < 0 || s.Weight > from {
		return nil, refusef("%s has %d to give%s, not %d", s.From, from, w.where(), s.Weight)
	}
	w.set(s.From, from-s.Weight)
	return append(w.shares, Share{Revision: s.Name, Weight: s.Weight}), nil
}

// addRevision adds the revision to spec.revisions, or compares it with the one that is there.
func (w *writer) addRevision(s Start) error {
	old := w.revision(s.From)
	if old == nil {
		old = edit.Map("name", edit.Text(s.From)) // the implied only one
	}
	added := edit.Map("name", edit.Text(s.Name))
	for i := 0; i+1 < len(old.Content); i += 2 {
		if old.Content[i].Value != "name" {
			added.Content = append(added.Content, old.Content[i], copied(old.Content[i+1]))
		}
	}
	for _, setting := range s.Set {
		if err := put(added, setting); err != nil {
			return err
		}
	}
	if is := w.revision(s.Name); is != nil || s.Name == w.d.RevisionNames()[0] {
		if len(s.Set) > 0 && (is == nil || !same(is, added)) {
			return refusef("there is a revision %s, and it is not what is asked for; revisions do not change: choose another name", s.Name)
		}
		return nil
	}
	if len(s.Set) == 0 {
		return refusef("%s would be %s again; say what differs: --set runtime.args.max-num-seqs=128", s.Name, s.From)
	}
	path := edit.Path{"spec", "revisions"}
	switch {
	case len(w.d.Document.Spec.Revisions) > 0:
		w.ops = append(w.ops, edit.Append(path, added))
	case w.lookup(path...) != nil:
		w.ops = append(w.ops, edit.Append(path, old), edit.Append(path, added))
	default:
		w.ops = append(w.ops, edit.Insert(edit.Path{"spec"}, []string{"replicas", "resources", "accelerator", "runtime", "model"}, "revisions", edit.List(old, added)))
	}
	return nil
}

// revision finds an entry of spec.revisions.
func (w *writer) revision(name string) *yaml.Node {
	for i, revision := range w.d.Document.Spec.Revisions {
		if revision.Name == name {
			return w.lookup("spec", "revisions", i)
		}
	}
	return nil
}

func copied(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = nil
	for _, below := range n.Content {
		c.Content = append(c.Content, copied(below))
	}
	return &c
}

// put sets a field below a mapping, and makes the mappings on the way.
func put(n *yaml.Node, s Setting) error {
	var value yaml.Node
	if err := yaml.Unmarshal([]byte(s.Value), &value); err != nil {
		return refusef("--set %s=%s: %v", s.Path, s.Value, err)
	}
	leaf := edit.Text("")
	if len(value.Content) > 0 {
		leaf = value.Content[0]
	}
	steps := s.steps()
	for i, step := range steps {
		if n.Kind != yaml.MappingNode {
			return refusef("--set %s: %s is no mapping", s.Path, strings.Join(steps[:i], "."))
		}
		next := field(n, step)
		if next == nil {
			next = edit.Map()
			n.Content = append(n.Content, edit.Map(step, next).Content...)
		}
		if i == len(steps)-1 {
			*next = *leaf
		}
		n = next
	}
	return nil
}

// same compares what two values say, whatever the order of their fields.
func same(a, b *yaml.Node) bool {
	var one, other any
	return a.Decode(&one) == nil && b.Decode(&other) == nil && reflect.DeepEqual(one, other)
}

// rollout writes down between which two revisions the canary is, and of how many requests the new one is to get copies.
func (w *writer) rollout(s Start) {
	path := edit.Path{"spec", "rollout"}
	plan := edit.Map("from", edit.Text(s.From), "to", edit.Text(s.Name))
	if s.Shadow > 0 {
		plan.Content = append(plan.Content, edit.Map("shadow", edit.Number(s.Shadow)).Content...)
	}
	if w.lookup(path...) == nil {
		w.ops = append(w.ops, edit.Insert(edit.Path{"spec"}, []string{"traffic", "revisions"}, "rollout", plan))
		return
	}
	for i := 0; i < len(plan.Content); i += 2 {
		field, value := plan.Content[i].Value, plan.Content[i+1]
		at := append(slices.Clone(path), field)
		switch was := w.lookup(at...); {
		case was == nil:
			w.ops = append(w.ops, edit.Insert(path, []string{"to", "from"}, field, value))
		case was.Value != value.Value:
			w.ops = append(w.ops, edit.Replace(at, value))
		}
	}
}

// needs are the devices of a revision, at least and at most, in words; empty for none.
func needs(t spec.Target, revision string) string {
	for _, r := range t.Revisions {
		if r.Name != revision || r.Devices == 0 {
			continue
		}
		least, most := r.Devices*r.MinReplicas, r.Devices*r.MaxReplicas
		if least == most {
			return fmt.Sprintf("%d × %s", least, r.Accelerator.Product)
		}
		return fmt.Sprintf("%d to %d × %s", least, most, r.Accelerator.Product)
	}
	return ""
}
