package steps

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/suggest"
)

// Ends are the two revisions of a canary in an environment. Either is empty where none is known.
type Ends struct{ From, To string }

// EndsOf finds them: what spec.rollout says, or else two revisions that run, in the order of the document.
func (d *Document) EndsOf(t spec.Target) Ends {
	if r := d.Document.Spec.Rollout; r != nil && r.To != "" {
		return Ends{r.From, r.To}
	}
	if len(t.Revisions) == 2 {
		return Ends{t.Revisions[0].Name, t.Revisions[1].Name}
	}
	return Ends{}
}

// weights of an environment that a step is changing.
type weights struct {
	t      spec.Target
	shares []Share
	ends   Ends
}

func (d *Document) weightsOf(t spec.Target) *weights {
	return &weights{t: t, shares: Shares(t), ends: d.EndsOf(t)}
}

// at returns a revision's weight and whether it runs here.
func (w *weights) at(revision string) (int, bool) {
	i := slices.IndexFunc(w.shares, func(s Share) bool { return s.Revision == revision })
	if i < 0 {
		return 0, false
	}
	return w.shares[i].Weight, true
}

func (w *weights) set(revision string, weight int) {
	i := slices.IndexFunc(w.shares, func(s Share) bool { return s.Revision == revision })
	w.shares[i].Weight = weight
}

// copies is the percentage of the requests that a revision gets copies of.
func (w *weights) copies(revision string) int {
	i := slices.IndexFunc(w.shares, func(s Share) bool { return s.Revision == revision })
	if i < 0 {
		return 0
	}
	return w.shares[i].Mirror
}

// mirror gives a revision copies of a percentage of the requests; 0 ends it.
func (w *weights) mirror(revision string, percent int) {
	i := slices.IndexFunc(w.shares, func(s Share) bool { return s.Revision == revision })
	w.shares[i].Mirror = percent
}

// where is " in production", and nothing where there is one environment that nobody named.
func (w *weights) where() string { return in(w.t.Environment) }

func in(environment string) string {
	if environment == spec.DefaultEnvironment {
		return ""
	}
	return " in " + environment
}

// runs refuses a revision that does not run in the environment.
func (w *weights) runs(revision string) error {
	if _, ok := w.at(revision); ok {
		return nil
	}
	var names []string
	for _, share := range w.shares {
		names = append(names, share.Revision)
	}
	return refusef("no revision %s runs%s, where there is %s%s; kservegen canary start adds one", revision, w.where(), strings.Join(names, ", "), suggest.Word(revision, names))
}

// pair refuses where nobody can tell between which two revisions the canary is.
func (w *weights) pair() error {
	if w.ends.To == "" && len(w.shares) < 2 {
		return refusef("%s is the only revision that runs%s; kservegen canary start adds one", w.shares[0].Revision, w.where())
	}
	if w.ends.To == "" {
		return refusef("%s share the requests%s, and the document does not say between which two the canary is; write spec.rollout: {from: %s, to: %s}, or give all weights: kservegen canary set NAME=WEIGHT NAME=WEIGHT",
			Words(w.shares), w.where(), w.shares[0].Revision, w.shares[len(w.shares)-1].Revision)
	}
	if err := w.runs(w.ends.To); err != nil {
		return err
	}
	return w.runs(w.ends.From)
}

// move gives one of the two a weight; the other one has what is left of what both have.
func (w *weights) move(revision string, weight int) error {
	other := w.ends.From
	if revision == w.ends.From {
		other = w.ends.To
	}
	mine, _ := w.at(revision)
	theirs, _ := w.at(other)
	if weight > mine+theirs {
		return refusef("%s and %s have %d of 100 together%s; to take from others give all weights: kservegen canary set NAME=WEIGHT NAME=WEIGHT", revision, other, mine+theirs, w.where())
	}
	w.set(revision, weight)
	w.set(other, mine+theirs-weight)
	if share, _ := w.at(w.ends.To); share > 0 { // it would answer some requests twice
		w.mirror(w.ends.To, 0)
	}
	if w.t.Canary() { // KServe runs none at 0
		w.shares = slices.DeleteFunc(w.shares, func(s Share) bool { return s.Weight == 0 })
	}
	return nil
}

// each changes the weights of the selected environments.
func (d *Document) each(environments []string, change func(w *weights) (note string, err error)) (Change, error) {
	selected, err := d.Select(environments)
	if err != nil {
		return Change{}, err
	}
	want := map[string][]Share{}
	var notes []string
	for _, t := range selected {
		w := d.weightsOf(t)
		note, err := change(w)
		if err != nil {
			return Change{}, err
		}
		if note != "" && !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
		want[t.Environment] = w.shares
	}
	return d.shift(selected, want, notes)
}

// shift writes weights of revisions that run already.
func (d *Document) shift(selected []spec.Target, want map[string][]Share, notes []string) (Change, error) {
	w, err := d.writer()
	if err != nil {
		return Change{}, err
	}
	changed := slices.DeleteFunc(slices.Clone(selected), func(t spec.Target) bool { return slices.Equal(Shares(t), want[t.Environment]) })
	w.write(changed, want)
	change, err := d.apply(w.ops)
	if err != nil {
		return Change{}, err
	}
	change.Notes = notes
	return change, d.check(change, want)
}

func (d *Document) writer() (*writer, error) {
	documents, err := manifest.Read(d.File, bytes.NewReader(d.Data), manifest.DefaultLimits())
	if err != nil {
		return nil, err
	}
	return &writer{d: d, root: documents[d.index].Node, testers: map[string]*spec.HeaderMatch{}}, nil
}

// Set gives revisions weights. With one of the canary's two the other one gets the rest of what both have; with several, all
// of the environment must sum to 100 afterwards.
func (d *Document) Set(environments []string, given map[string]int) (Change, error) {
	return d.each(environments, func(w *weights) (string, error) {
		for _, revision := range slices.Sorted(maps.Keys(given)) {
			weight := given[revision]
			if weight < 0 || weight > everything {
				return "", refusef("%s=%d: a weight is from 0 to 100 percent", revision, weight)
			}
			if err := w.runs(revision); err != nil {
				return "", err
			}
		}
		if len(given) > 1 {
			return "", w.all(given)
		}
		for revision, weight := range given {
			return "", w.one(revision, weight)
		}
		return "", nil
	})
}

// one gives one of the canary's two a weight, and the other the rest.
func (w *weights) one(revision string, weight int) error {
	if was, _ := w.at(revision); was == weight {
		return nil
	}
	if err := w.pair(); err != nil {
		return err
	}
	if revision != w.ends.From && revision != w.ends.To {
		return refusef("the canary is from %s to %s; to give %s a weight give all of them: kservegen canary set NAME=WEIGHT NAME=WEIGHT", w.ends.From, w.ends.To, revision)
	}
	return w.move(revision, weight)
}

// everything is the weight of a revision that gets all requests.
const everything = 100

// all gives several revisions weights.
func (w *weights) all(given map[string]int) error {
	for _, revision := range slices.Sorted(maps.Keys(given)) {
		if was, _ := w.at(revision); was == 0 && given[revision] > 0 {
			w.mirror(revision, 0)
		}
		w.set(revision, given[revision])
	}
	sum := 0
	for _, share := range w.shares {
		sum += share.Weight
	}
	if sum != everything {
		return refusef("the weights would be %s%s, which sum to %d; give weights that sum to 100", Words(w.shares), w.where(), sum)
	}
	return nil
}

// Next is the phase of the plan that follows in an environment, false where the new revision has taken everything over or
// no canary runs. Its weight is of all requests: where others have some, the new revision gets what both have at most.
func (d *Document) Next(t spec.Target) (spec.Phase, bool) {
	w := d.weightsOf(t)
	if w.over() || w.pair() != nil {
		return spec.Phase{}, false
	}
	return w.next(d.Phases())
}

// next is the first phase of a plan that the new revision has not come to.
func (w *weights) next(plan []spec.Phase) (spec.Phase, bool) {
	weight, _ := w.at(w.ends.To)
	for _, phase := range plan {
		if phase.Shadow > 0 && weight == 0 && w.copies(w.ends.To) == 0 || phase.Weight > weight {
			return phase, true
		}
	}
	return spec.Phase{}, false
}

// Step takes the new revision to the next phase of the plan.
func (d *Document) Step(environments []string) (Change, error) {
	return d.each(environments, func(w *weights) (string, error) {
		if w.over() {
			return w.done(), nil
		}
		if err := w.pair(); err != nil {
			return "", err
		}
		switch phase, more := w.next(d.Phases()); {
		case !more:
			return w.done(), nil
		case phase.Shadow > 0:
			w.mirror(w.ends.To, phase.Shadow)
			return w.cost(phase.Shadow), nil
		default:
			weight, _ := w.at(w.ends.To)
			rest, _ := w.at(w.ends.From)
			return "", w.move(w.ends.To, min(phase.Weight, weight+rest))
		}
	})
}

// cost says what copies take: each is generated to its end, and thrown away.
func (w *weights) cost(percent int) string {
	words := fmt.Sprintf("%s generates the answers to %d %% of the requests again%s, which takes as much of its devices as weight %[2]d, and throws them away", w.ends.To, percent, w.where())
	from, to := w.replicas(w.ends.From), w.replicas(w.ends.To)
	if to*everything < from*percent {
		words += fmt.Sprintf("; %s has up to %d replicas for all requests, and %s up to %d for the copies: it will be slower, or lower spec.rollout.shadow", w.ends.From, from, w.ends.To, to)
	}
	return words
}

// replicas is how many of a revision run at most.
func (w *weights) replicas(revision string) int {
	for _, r := range w.t.Revisions {
		if r.Name == revision {
			return r.MaxReplicas
		}
	}
	return 0
}

// over reports that the new revision has taken everything over, be the old one there or not.
func (w *weights) over() bool {
	weight, runs := w.at(w.ends.To)
	rest, _ := w.at(w.ends.From)
	return runs && weight > 0 && rest == 0
}

func (w *weights) done() string {
	if _, there := w.at(w.ends.From); !there {
		return fmt.Sprintf("%s has taken over%s", w.ends.To, w.where())
	}
	return fmt.Sprintf("%s has taken over%s; kservegen canary finish removes %s", w.ends.To, w.where(), w.ends.From)
}

// Promote gives a revision, by default the new one, all that both have.
func (d *Document) Promote(environments []string, revision string) (Change, error) {
	return d.each(environments, func(w *weights) (string, error) {
		promoted := revision
		if promoted == "" {
			promoted = w.ends.To
		}
		if promoted == w.ends.To && w.over() {
			return w.done(), nil
		}
		if weight, _ := w.at(promoted); weight == everything {
			return "", nil
		}
		if err := w.pair(); err != nil {
			return "", err
		}
		if err := w.runs(promoted); err != nil {
			return "", err
		}
		if promoted != w.ends.From && promoted != w.ends.To {
			return "", refusef("the canary is from %s to %s; give all weights: kservegen canary set %s=100 NAME=0", w.ends.From, w.ends.To, promoted)
		}
		mine, _ := w.at(w.ends.To)
		theirs, _ := w.at(w.ends.From)
		return "", w.move(promoted, mine+theirs)
	})
}

// Abort gives the old revision everything back.
func (d *Document) Abort(environments []string) (Change, error) {
	return d.each(environments, func(w *weights) (string, error) {
		if _, runs := w.at(w.ends.To); len(w.shares) == 1 || w.ends.To != "" && !runs {
			return fmt.Sprintf("no canary runs%s", w.where()), nil
		}
		if err := w.pair(); err != nil {
			return "", err
		}
		if weight, _ := w.at(w.ends.To); weight == 0 && w.copies(w.ends.To) == 0 {
			return fmt.Sprintf("%s gets nothing%s; kservegen canary finish %[1]s removes it", w.ends.To, w.where()), nil
		}
		w.mirror(w.ends.To, 0)
		note := fmt.Sprintf("%s runs on, with weight 0; kservegen canary finish %[1]s removes it", w.ends.To)
		if w.t.Canary() {
			note = fmt.Sprintf("KServe runs no canary at weight 0: %s ends; kservegen canary finish %[1]s removes it from the document", w.ends.To)
		}
		return note, w.move(w.ends.To, 0)
	})
}
