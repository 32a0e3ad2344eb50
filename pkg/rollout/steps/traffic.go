package steps

import (
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/rollout/edit"
	"github.com/kservegen/kservegen/pkg/spec"
)

// writer collects the edits that give environments other shares.
type writer struct {
	d    *Document
	root *yaml.Node // of the document, without aliases
	ops  []edit.Op
	// testers of revisions that are new in an environment.
	testers map[string]*spec.HeaderMatch
	// revisions will be several, so that none is implied.
	several bool
}

// write gives the selected environments shares. One that shares spec.traffic with others which keep theirs gets a traffic of
// its own.
func (w *writer) write(selected []spec.Target, want map[string][]Share) {
	document := w.d.Document.Spec
	sharers, chosen := 0, []spec.Target{}
	for _, t := range w.d.Environments {
		if i := environmentIndex(document, t.Environment); i >= 0 && len(document.Environments[i].Traffic) > 0 {
			continue
		}
		sharers++
		if slices.ContainsFunc(selected, func(s spec.Target) bool { return s.Environment == t.Environment }) {
			chosen = append(chosen, t)
		}
	}
	for _, t := range selected {
		if i := environmentIndex(document, t.Environment); i >= 0 && len(document.Environments[i].Traffic) > 0 {
			w.list(edit.Path{"spec", "environments", i, "traffic"}, document.Environments[i].Traffic, want[t.Environment])
		}
	}
	switch {
	case len(chosen) == 0:
	case len(chosen) == sharers:
		w.shared(document, want[chosen[0].Environment])
	default:
		for _, t := range chosen {
			path := edit.Path{"spec", "environments", environmentIndex(document, t.Environment)}
			w.ops = append(w.ops, edit.Insert(path, []string{"name"}, "traffic", w.entries(want[t.Environment])))
		}
		if len(document.Traffic) == 0 && w.several { // it was implied for the others, too
			w.shared(document, Shares(chosen[0]))
		}
	}
}

func environmentIndex(s spec.Spec, name string) int {
	return slices.IndexFunc(s.Environments, func(e spec.Environment) bool { return e.Name == name })
}

// shared writes spec.traffic.
func (w *writer) shared(document spec.Spec, want []Share) {
	path := edit.Path{"spec", "traffic"}
	if w.lookup(path...) != nil {
		w.list(path, document.Traffic, want)
		return
	}
	w.ops = append(w.ops, edit.Insert(edit.Path{"spec"}, []string{"revisions", "replicas", "resources", "accelerator", "model"}, "traffic", w.entries(want)))
}

// list changes a list of shares where it stands: numbers first, then what leaves, then what comes.
func (w *writer) list(path edit.Path, traffic []spec.Traffic, want []Share) {
	remaining := 0
	for i, entry := range traffic {
		at := slices.IndexFunc(want, func(s Share) bool { return s.Revision == entry.Revision })
		if at < 0 {
			continue
		}
		remaining++
		w.weight(append(slices.Clone(path), i), entry.Weight, want[at].Weight)
		w.mirror(append(slices.Clone(path), i), entry.Mirror, want[at].Mirror)
	}
	for i, entry := range slices.Backward(traffic) {
		if !slices.ContainsFunc(want, func(s Share) bool { return s.Revision == entry.Revision }) {
			w.ops = append(w.ops, edit.Remove(append(slices.Clone(path), i)))
		}
	}
	for _, share := range want {
		if !slices.ContainsFunc(traffic, func(t spec.Traffic) bool { return t.Revision == share.Revision }) {
			w.ops = append(w.ops, edit.Append(path, w.entry(share)))
		}
	}
}

func (w *writer) weight(path edit.Path, was, now int) {
	if was == now {
		return
	}
	field := append(slices.Clone(path), "weight")
	if w.lookup(field...) == nil { // left out, which says 0
		w.ops = append(w.ops, edit.Insert(path, []string{"revision"}, "weight", edit.Number(now)))
		return
	}
	w.ops = append(w.ops, edit.Replace(field, edit.Number(now)))
}

// mirror begins to copy requests, or ends it: no field says none.
func (w *writer) mirror(path edit.Path, was, now int) {
	field := append(slices.Clone(path), "mirror")
	switch {
	case was == now:
	case now == 0:
		w.ops = append(w.ops, edit.Remove(field))
	case w.lookup(field...) == nil:
		w.ops = append(w.ops, edit.Insert(path, []string{"testers", "weight", "revision"}, "mirror", edit.Number(now)))
	default:
		w.ops = append(w.ops, edit.Replace(field, edit.Number(now)))
	}
}

// entries are a list of shares of its own: as spec.traffic has them, with other weights.
func (w *writer) entries(want []Share) *yaml.Node {
	list := edit.List()
	for _, share := range want {
		list.Content = append(list.Content, w.entry(share))
	}
	return list
}

// entry is one share, with what spec.traffic says of the revision besides.
func (w *writer) entry(share Share) *yaml.Node {
	n := edit.Map("revision", edit.Text(share.Revision), "weight", edit.Number(share.Weight))
	if testers := w.testersOf(share.Revision); testers != nil {
		n.Content = append(n.Content, edit.Map("testers", testers).Content...)
	}
	if share.Mirror > 0 {
		n.Content = append(n.Content, edit.Map("mirror", edit.Number(share.Mirror)).Content...)
	}
	return n
}

// testersOf is the header by which testers reach a revision: a new one's, or that of spec.traffic.
func (w *writer) testersOf(revision string) *yaml.Node {
	if testers := w.testers[revision]; testers != nil {
		return edit.Map("header", edit.Text(testers.Header), "value", edit.Text(testers.Value))
	}
	for i, t := range w.d.Document.Spec.Traffic {
		if t.Revision == revision {
			return w.lookup("spec", "traffic", i, "testers")
		}
	}
	return nil
}

// lookup finds a value of the document, nil where it is not.
func (w *writer) lookup(path ...any) *yaml.Node {
	n := w.root
	for _, step := range path {
		switch step := step.(type) {
		case int:
			if n.Kind != yaml.SequenceNode || step >= len(n.Content) {
				return nil
			}
			n = n.Content[step]
		case string:
			if n = field(n, step); n == nil {
				return nil
			}
		}
	}
	return n
}

func field(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
