package steps

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/rollout/edit"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Finish takes revisions out of the selected environments, by default the old one, which must get nothing any more. One that
// runs nowhere then leaves the document.
func (d *Document) Finish(environments []string, named []string) (Change, error) {
	selected, err := d.Select(environments)
	if err != nil {
		return Change{}, err
	}
	want := map[string][]Share{}
	leaving := map[string]bool{}
	// Without a plan the second of three would be the old one as soon as the first has gone.
	planned := d.Document.Spec.Rollout != nil && d.Document.Spec.Rollout.To != ""
	var notes []string
	for _, t := range selected {
		w := d.weightsOf(t)
		gone, note, refused := w.leaving(named, planned)
		if refused != nil {
			return Change{}, refused
		}
		if note != "" && !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
		for _, revision := range gone {
			leaving[revision] = true
		}
		want[t.Environment] = alone(slices.DeleteFunc(w.shares, func(s Share) bool { return slices.Contains(gone, s.Revision) }))
	}
	w, err := d.writer()
	if err != nil {
		return Change{}, err
	}
	changed := slices.DeleteFunc(slices.Clone(selected), func(t spec.Target) bool { return slices.Equal(Shares(t), want[t.Environment]) })
	w.write(changed, want)
	w.forget(leaving, want)
	change, err := d.apply(w.ops)
	if err != nil {
		return Change{}, err
	}
	change.Notes = notes
	return change, d.check(change, want)
}

// alone takes the copies from a revision that runs alone: it has every request already.
func alone(shares []Share) []Share {
	if len(shares) == 1 {
		shares[0].Mirror = 0
	}
	return shares
}

// leaving are the revisions that end in an environment.
func (w *weights) leaving(named []string, planned bool) (gone []string, note string, err error) {
	if len(named) == 0 {
		if _, there := w.at(w.ends.From); !there && w.over() {
			return []string{w.ends.From}, w.done(), nil
		}
		if len(w.shares) == 1 {
			return nil, fmt.Sprintf("%s is the only revision that runs%s", w.shares[0].Revision, w.where()), nil
		}
		if idle := w.idle(); !planned && idle != "" {
			return nil, idle, nil
		}
		if err := w.pair(); err != nil {
			return nil, "", err
		}
		if !w.over() {
			return nil, "", w.unfinished()
		}
		named = []string{w.ends.From}
	}
	for _, revision := range named {
		weight, runs := w.at(revision)
		if weight > 0 {
			return nil, "", refusef("%s gets %d %% of the requests%s; give them to another one first: kservegen canary promote, abort or set", revision, weight, w.where())
		}
		if !runs {
			note = fmt.Sprintf("no revision %s runs%s", revision, w.where())
		}
		gone = append(gone, revision)
	}
	return gone, note, nil
}

// idle names those that run beside one that gets everything.
func (w *weights) idle() string {
	var top string
	var idle []string
	for _, share := range w.shares {
		switch share.Weight {
		case everything:
			top = share.Revision
		case 0:
			idle = append(idle, share.Revision)
		}
	}
	if top == "" {
		return ""
	}
	return fmt.Sprintf("%s gets everything%s; kservegen canary finish %s removes what runs beside it", top, w.where(), strings.Join(idle, " "))
}

// unfinished says why the old revision cannot leave.
func (w *weights) unfinished() error {
	from, _ := w.at(w.ends.From)
	if to, _ := w.at(w.ends.To); to == 0 {
		return refusef("%s gets nothing%s: promote it first, or take it out: kservegen canary finish %[1]s", w.ends.To, w.where())
	}
	return refusef("%s gets %d %% of the requests%s; kservegen canary promote gives them to %s", w.ends.From, from, w.where(), w.ends.To)
}

// forget takes revisions that run nowhere any more out of spec.revisions, of a spec.traffic that no environment has, and of
// the plan.
func (w *writer) forget(leaving map[string]bool, want map[string][]Share) {
	document := w.d.Document.Spec
	used := map[string]bool{}
	shared := false
	for _, t := range w.d.Environments {
		shares, selected := want[t.Environment]
		if !selected {
			shares = Shares(t)
		}
		for _, share := range shares {
			used[share.Revision] = true
		}
		i := environmentIndex(document, t.Environment)
		shared = shared || i < 0 || len(document.Environments[i].Traffic) == 0
	}
	gone := func(revision string) bool { return leaving[revision] && !used[revision] }
	if !shared {
		w.follow(gone, want)
	}
	for i, revision := range slices.Backward(document.Revisions) {
		if gone(revision.Name) {
			w.ops = append(w.ops, edit.Remove(edit.Path{"spec", "revisions", i}))
		}
	}
	if r := document.Rollout; r != nil && r.To != "" && (gone(r.From) || gone(r.To)) {
		w.endRollout()
	}
}

// follow takes revisions out of a spec.traffic that no environment has any more. Where one has a weight there, the list becomes
// that of the first environment that changes, but for copies, which begin nowhere by it.
func (w *writer) follow(gone func(string) bool, want map[string][]Share) {
	traffic := w.d.Document.Spec.Traffic
	var rest []Share
	lost, copies := 0, map[string]int{}
	for _, t := range traffic {
		copies[t.Revision] = t.Mirror
		if gone(t.Revision) {
			lost += t.Weight
			continue
		}
		rest = append(rest, Share{t.Revision, t.Weight, t.Mirror})
	}
	for _, t := range w.d.Environments {
		if shares, selected := want[t.Environment]; selected && lost > 0 {
			rest = slices.Clone(shares)
			for i := range rest {
				rest[i].Mirror = copies[rest[i].Revision]
			}
			break
		}
	}
	w.list(edit.Path{"spec", "traffic"}, traffic, alone(rest))
}

// endRollout takes the ends of the canary out of the plan.
func (w *writer) endRollout() {
	path := edit.Path{"spec", "rollout"}
	if len(w.lookup(path...).Content) == 4 { // there is nothing else
		w.ops = append(w.ops, edit.Remove(path))
		return
	}
	w.ops = append(w.ops, edit.Remove(append(slices.Clone(path), "to")), edit.Remove(append(slices.Clone(path), "from")))
}
