package steps

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/rollout/edit"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/suggest"
)

// refusal is a step that must not be made, with what to do instead.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

func refusef(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

// Refused reports that an error is about the step that was asked for, and not about the machine.
func Refused(err error) bool {
	var r *refusal
	var problems manifest.Problems
	return errors.As(err, &r) || errors.As(err, &problems)
}

// Document is one document of a file, to be changed.
type Document struct {
	*spec.Deployment
	// Data is the whole file, in which the document is the one of this index.
	Data  []byte
	index int
}

// Open reads the document of a model. An empty name is that of the only document of the file.
func Open(file string, data []byte, model string) (*Document, error) {
	all, err := spec.Load(file, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var names []string
	for i, deployment := range all {
		if deployment.Name == model || model == "" && len(all) == 1 {
			return &Document{Deployment: deployment, Data: data, index: i}, nil
		}
		names = append(names, deployment.Name)
	}
	if model == "" {
		return nil, refusef("%s has several models, %s; say which with --model", file, strings.Join(names, ", "))
	}
	return nil, refusef("%s has no model %s%s", file, model, suggest.Word(model, names))
}

// Share is what a revision gets of the requests, in percent. Mirror is how many it gets copies of.
type Share struct {
	Revision string `json:"revision"`
	Weight   int    `json:"weight"`
	Mirror   int    `json:"mirror,omitempty"`
}

// Shares of the revisions that run in an environment, in the order of the document.
func Shares(t spec.Target) []Share {
	shares := make([]Share, 0, len(t.Revisions))
	for _, r := range t.Revisions {
		shares = append(shares, Share{r.Name, r.Weight, r.Mirror})
	}
	return shares
}

// Words are shares as people read them: v1 90, v2 10, or v1 100, v2 0 and copies of 10.
func Words(shares []Share) string {
	words := make([]string, 0, len(shares))
	for _, share := range shares {
		word := fmt.Sprintf("%s %d", share.Revision, share.Weight)
		if share.Mirror > 0 {
			word += fmt.Sprintf(" and copies of %d", share.Mirror)
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// Shift is what a step does to the requests of an environment.
type Shift struct {
	Environment   string `json:"environment"`
	Before, After []Share
}

// Change is a document after a step.
type Change struct {
	// Data is the whole file.
	Data []byte
	// After is the document as it will be.
	After *spec.Deployment
	// Shifts are those of the environments whose traffic changes, in the order of the document.
	Shifts []Shift
	// Notes are for the person who asked: what was done besides, or why nothing was.
	Notes []string
}

// Select finds the environments that a step is for. Without names all of them, where they agree in their traffic.
func (d *Document) Select(names []string) ([]spec.Target, error) {
	if len(names) == 0 {
		first := Words(Shares(d.Environments[0]))
		for _, t := range d.Environments[1:] {
			if Words(Shares(t)) != first {
				return nil, refusef("the environments of %s differ in their traffic: %s; say which with --env", d.Name, d.everywhere())
			}
		}
		return d.Environments, nil
	}
	var known []string
	for _, t := range d.Environments {
		known = append(known, t.Environment)
	}
	var selected []spec.Target
	for _, name := range names {
		i := slices.Index(known, name)
		if i < 0 {
			return nil, refusef("%s has no environment %s; there is %s", d.Name, name, strings.Join(known, ", "))
		}
		selected = append(selected, d.Environments[i])
	}
	return selected, nil
}

func (d *Document) everywhere() string {
	var words []string
	for _, t := range d.Environments {
		words = append(words, fmt.Sprintf("%s (%s)", t.Environment, Words(Shares(t))))
	}
	return strings.Join(words, ", ")
}

// apply makes edits and reads the file again.
func (d *Document) apply(ops []edit.Op) (Change, error) {
	data, err := edit.Apply(d.File, d.Data, d.index, ops...)
	if err != nil {
		return Change{}, err
	}
	all, err := spec.Load(d.File, bytes.NewReader(data))
	var problems manifest.Problems
	if errors.As(err, &problems) {
		return Change{}, refusef("the document would not be valid then: %s", messages(problems))
	}
	if err != nil {
		return Change{}, err
	}
	change := Change{Data: data, After: all[d.index]}
	for i, after := range change.After.Environments {
		before, now := Shares(d.Environments[i]), Shares(after)
		if !slices.Equal(before, now) {
			change.Shifts = append(change.Shifts, Shift{after.Environment, before, now})
		}
	}
	return change, nil
}

// messages are problems without their places, which are those of a text that nobody has seen.
func messages(problems manifest.Problems) string {
	var words []string
	for _, problem := range problems {
		words = append(words, problem.Message)
	}
	return strings.Join(words, "; ")
}

// check wants the shares that a step was to give in the environments that it was for, and the old ones elsewhere.
func (d *Document) check(change Change, want map[string][]Share) error {
	for i, after := range change.After.Environments {
		wanted, selected := want[after.Environment]
		if !selected {
			wanted = Shares(d.Environments[i])
		}
		if !sameShares(wanted, Shares(after)) {
			return fmt.Errorf("editing %s: environment %s would have %s instead of %s; edit the file by hand", d.File, after.Environment, Words(Shares(after)), Words(wanted))
		}
	}
	return nil
}

// sameShares compares without the order, which is that of spec.revisions or of the traffic.
func sameShares(a, b []Share) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(s Share) bool { return !slices.Contains(b, s) })
}
