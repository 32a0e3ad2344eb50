package vllm

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/suggest"
)

// Use is a flag as a command line gives it.
type Use struct {
	// Name is without dashes in front, with - for _: vLLM takes both.
	Name string
	// Values follow the flag; none for a bare one.
	Values []string
	// Next is set where the value is just the next word of a command line, which a switch leaves alone.
	Next bool
	// Plugins is set where the server loads parsers or formats of its own, so that their names are not known.
	Plugins bool
}

// Reason is what is wrong with a use.
type Reason int

// Reasons.
const (
	// Unknown is a name that no release has.
	Unknown Reason = iota + 1
	// Gone is a name of earlier releases, Early one of later ones.
	Gone
	Early
	// Value is one that the flag does not take.
	Value
	// Deprecated is a flag that vLLM is going to remove.
	Deprecated
	// Abbreviated is the beginning of one flag's name; the next release may have two that begin so.
	Abbreviated
	// Unsure is what a release that was not read may take or not: a name, a value, a kind of value.
	Unsure
)

// Stops reports whether the server does not start with it.
func (r Reason) Stops() bool {
	switch r {
	case Unknown, Gone, Early, Value:
		return true
	case Deprecated, Abbreviated, Unsure:
	}
	return false
}

// Verdict is what is wrong with a use, in words that name the flag, the release and what to do.
type Verdict struct {
	Reason Reason
	Text   string
}

// Judge says what is wrong with a flag in the release; nil for nothing.
func (r *Release) Judge(use Use) *Verdict {
	if verdict := r.judge(use); verdict != nil {
		return r.certain(verdict)
	}
	return nil
}

// certain takes back what cannot be known. Of a release newer than all that were read only what is gone, or was going, is certain:
// each brings names, values and kinds. Of one that an image extends nothing is.
func (r *Release) certain(verdict *Verdict) *Verdict {
	switch {
	case r.extended:
		return &Verdict{Unsure, verdict.Text + "; what this image adds to vLLM may know it"}
	case r.newer && verdict.Reason != Gone && verdict.Reason != Deprecated:
		return &Verdict{Unsure, verdict.Text}
	}
	return verdict
}

func (r *Release) judge(use Use) *Verdict {
	name, _, _ := strings.Cut(use.Name, ".")
	known, ok := r.names[name]
	if !ok {
		return r.missing(name)
	}
	if verdict := r.given(known, use); verdict != nil {
		if next := r.inNext(known); next.form == nil || r.given(next, use) != nil {
			return verdict
		}
		return nil
	}
	if known.form.Deprecated {
		return &Verdict{Deprecated, fmt.Sprintf("%s has --%s, but a later release will not%s", r, use.Name, r.advice(known.flag.Name))}
	}
	if known.form.Pairs && slices.ContainsFunc(use.Values, isPairs) {
		return &Verdict{Deprecated, fmt.Sprintf("--%s of %s takes key=value, but a later release will not; write JSON", use.Name, r)}
	}
	return nil
}

// inNext is a flag as the release after the measured one has it, which may be what was asked for; without a form where there is none.
func (r *Release) inNext(known named) named {
	if r.next != "" {
		known.form = formIn(known.flag, r.next, r.table.Releases)
	} else {
		known.form = nil
	}
	return known
}

// given judges what a flag is given.
func (r *Release) given(known named, use Use) *Verdict {
	if _, key, dotted := strings.Cut(use.Name, "."); dotted {
		return r.member(known, key, use)
	}
	return r.values(known, use)
}

// member judges --flag.key, with which vLLM sets one member of a JSON value. Without a value vLLM takes the next flag for it.
func (r *Release) member(known named, key string, use Use) *Verdict {
	if n := len(use.Values); n != 1 {
		return &Verdict{Value, fmt.Sprintf("--%s of %s sets a member of a JSON value and takes one value, got %d", use.Name, r, n)}
	}
	if kind := known.form.Kind; kind != "json" && kind != "json-or-text" {
		return &Verdict{Value, fmt.Sprintf("--%s.%s sets a member of a JSON value, and --%s of %s takes %s", known.flag.Name, key, known.flag.Name, r, describe(known.form))}
	}
	return nil
}

// missing says where a name is that the release does not have.
func (r *Release) missing(name string) *Verdict {
	in := r.elsewhere(name)
	if r.next != "" && slices.Contains(in, r.next) {
		return &Verdict{Unsure, fmt.Sprintf("--%s came between vLLM %s and %s, and %s was not read", name, r.Measured, r.next, r.Asked)}
	}
	if verdict := r.off(name); verdict != nil {
		return verdict
	}
	if len(in) == 0 {
		return r.misspelt(name)
	}
	before, after := r.around(in)
	text := fmt.Sprintf("%s has no --%s: ", r, name)
	if before == "" {
		return &Verdict{Early, text + "it came with " + after + r.insteadOfEarly(name)}
	}
	text += "gone since " + before
	if after != "" {
		text += ", and back in " + after
	}
	return &Verdict{Gone, text + r.advice(name)}
}

// off explains a --no-x whose --x is there, but not to be turned off.
func (r *Release) off(name string) *Verdict {
	positive, cut := strings.CutPrefix(name, "no-")
	known, ok := r.names[positive]
	if !cut || !ok {
		return nil
	}
	if known.form.Kind != "switch" {
		return &Verdict{Value, fmt.Sprintf("--%s of %s takes %s and cannot be turned off", positive, r, describe(known.form))}
	}
	return &Verdict{Value, fmt.Sprintf("%s has no --%s: --%s can only be turned on; leave it out", r, name, positive)}
}

// elsewhere lists the releases that have a name which this one has not.
func (r *Release) elsewhere(name string) []string {
	var in []string
	for i := range r.table.Flags {
		flag := &r.table.Flags[i]
		for _, release := range r.table.Releases {
			form := formIn(flag, release, r.table.Releases)
			if form != nil && (flag.Name == name || slices.Contains(form.Aliases, "--"+name) || slices.Contains(form.Inverses, "--"+name)) {
				in = append(in, release)
			}
		}
	}
	return in
}

// around returns the first release without a name after those before this one that have it, and the first with it after this one;
// empty where there are none.
func (r *Release) around(in []string) (before, after string) {
	here := slices.Index(r.table.Releases, r.Measured)
	for i, release := range r.table.Releases {
		switch {
		case !slices.Contains(in, release):
		case i < here:
			before = r.table.Releases[i+1]
		case after == "":
			after = release
		}
	}
	return before, after
}

// advice is the end of a sentence about a flag that is gone or going: what to use instead; empty where nothing is known.
func (r *Release) advice(name string) string {
	for _, renamed := range r.table.Renamed {
		switch {
		case renamed.Flag != strings.TrimPrefix(name, "no-"):
		case renamed.To != "":
			return "; " + "renamed to --" + renamed.To + r.came(renamed.To)
		case renamed.Instead != "":
			return "; " + renamed.Instead
		}
	}
	return ""
}

// came is " in 0.11.0", the first release with a flag, or nothing where it was always there.
func (r *Release) came(name string) string {
	flag, _, _ := strings.Cut(name, ".")
	in := r.elsewhere(flag)
	if len(in) == 0 || slices.Min(indices(in, r.table.Releases)) == 0 {
		return ""
	}
	return " in " + in[0]
}

func indices(some, all []string) []int {
	found := make([]int, 0, len(some))
	for _, release := range some {
		found = append(found, slices.Index(all, release))
	}
	return found
}

func (r *Release) insteadOfEarly(name string) string {
	for _, renamed := range r.table.Renamed {
		if _, there := r.names[renamed.Flag]; there && renamed.To == name {
			return "; before, it was --" + renamed.Flag
		}
		switch {
		case renamed.Flag != name:
		case renamed.Before != "":
			return "; use --" + renamed.Before
		case renamed.Instead != "":
			return "; " + renamed.Instead
		}
	}
	return ""
}

// misspelt finds what a name was meant to be: argparse takes the beginning of one, and people write the wrong letter.
func (r *Release) misspelt(name string) *Verdict {
	names := slices.Sorted(maps.Keys(r.names))
	begin := r.begunWith(name, names)
	if r.newer && len(begin) == 0 {
		return &Verdict{Unsure, fmt.Sprintf("no release up to vLLM %s has --%s, and %s was not read", r.Measured, name, r.Asked)}
	}
	if len(begin) == 1 {
		return &Verdict{Abbreviated, fmt.Sprintf("%s takes --%s for --%s, as long as no other flag begins so; write it out", r, name, begin[0])}
	}
	if len(begin) > 1 {
		return &Verdict{Unknown, fmt.Sprintf("%s has no --%s, and %s begin with it; write the name out", r, name, "--"+strings.Join(begin[:min(len(begin), 3)], ", --"))}
	}
	hint := "; no release that was read has it"
	if near := suggest.Nearest(name, names); near != "" && suggest.Distance(name, near) <= max(2, len(name)/4) {
		hint = "; did you mean --" + near + "?"
	}
	if short := "-" + name; r.hasShort(func(other string) bool { return other == short }) {
		hint = "; did you mean " + short + "?"
	}
	return &Verdict{Unknown, fmt.Sprintf("%s has no --%s%s", r, name, hint)}
}

// begunWith lists the flags that a name is the beginning of, each by one name.
func (r *Release) begunWith(name string, names []string) []string {
	var found []string
	seen := map[*catalog.VLLMFlag]bool{}
	for _, other := range names {
		if known := r.names[other]; strings.HasPrefix(other, name) && !seen[known.flag] {
			seen[known.flag] = true
			found = append(found, other)
		}
	}
	return found
}
