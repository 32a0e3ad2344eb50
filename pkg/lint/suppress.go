package lint

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Annotation of an object holds what is not to be reported of it: "KG0203: reason; KG0304: reason".
const Annotation = "kservegen.dev/ignore"

const (
	unused    = "KG0001"
	malformed = "KG0002"
)

// Suppression leaves findings of a rule out, for a reason.
type Suppression struct {
	Code string
	// Kind, Namespace and Name limit it to objects; empty means any.
	Kind, Namespace, Name string
	Reason                string
}

// ParseSuppression reads CODE[@Kind/[namespace/]name]=reason, the form of the command line.
func ParseSuppression(text string) (Suppression, error) {
	what, reason, _ := strings.Cut(text, "=")
	code, object, limited := strings.Cut(what, "@")
	s := Suppression{Code: strings.TrimSpace(code), Reason: strings.TrimSpace(reason)}
	if _, known := find(s.Code); !known {
		return Suppression{}, fmt.Errorf("%q is not the code of a rule; write CODE=reason", s.Code)
	}
	if s.Reason == "" {
		return Suppression{}, fmt.Errorf("suppressing %s needs a reason: %s=reason", s.Code, what)
	}
	if parts := strings.Split(object, "/"); limited {
		switch len(parts) {
		case 2:
			s.Kind, s.Name = parts[0], parts[1]
		case 3:
			s.Kind, s.Namespace, s.Name = parts[0], parts[1], parts[2]
		default:
			return Suppression{}, fmt.Errorf("%q names no object; write Kind/name or Kind/namespace/name", object)
		}
	}
	return s, nil
}

func (s Suppression) matches(f finding.Finding) bool {
	return s.Code == f.Code && (s.Kind == "" || s.Kind == f.Object.Kind) &&
		(s.Namespace == "" || s.Namespace == f.Object.Namespace) && (s.Name == "" || s.Name == f.Object.Name)
}

func own() []rule.Rule {
	return []rule.Rule{
		{Meta: rule.Meta{
			Code: unused, Name: "unused-suppression", Level: finding.Warning,
			Summary: "A suppression suppresses something.",
			Why:     "What was wrong is gone, or the code is another: the suppression would hide the next mistake of that kind.",
			How:     "Remove it from the annotation " + Annotation + ", or from the command line.",
			Refs:    []string{"golangci-lint: nolintlint"},
		}},
		{Meta: rule.Meta{
			Code: malformed, Name: "malformed-suppression", Level: finding.Error,
			Summary: "A suppression names a rule and a reason.",
			Why:     "Without a reason nobody can decide later whether it still holds. An entry that isn't understood suppresses nothing.",
			How:     `Write the annotation ` + Annotation + `: "KG0203: reason; KG0304: reason".`,
			Refs:    []string{"golangci-lint: nolintlint"},
		}},
	}
}

// ignored is one entry of an annotation or of the command line. One annotation of a base is read again for
// every overlay, and it is used if it is in one of them.
type ignored struct {
	code  string
	used  bool
	quiet bool
	// found is what is reported where it isn't used.
	found finding.Finding
}

type suppressor struct {
	rules    map[string]rule.Rule
	versions Versions
	line     []Suppression
	used     []bool
	byPlace  map[string]*ignored
	order    []string
	// now are the entries of the set that is judged.
	now map[finding.Object][]*ignored
	bad []finding.Finding
}

func newSuppressor(rules []rule.Rule, versions Versions, line []Suppression) *suppressor {
	s := &suppressor{rules: map[string]rule.Rule{}, versions: versions, line: line, used: make([]bool, len(line)), byPlace: map[string]*ignored{}}
	for _, r := range rules {
		s.rules[r.Code] = r
	}
	return s
}

// read takes the annotations of a set.
func (s *suppressor) read(index *rule.Index) {
	s.now = map[finding.Object][]*ignored{}
	for _, object := range index.Objects() {
		annotation := object.Annotation(Annotation)
		for entry := range strings.FieldsFuncSeq(annotation.Text(), func(c rune) bool { return c == ';' || c == '\n' }) {
			if entry = strings.TrimSpace(entry); entry != "" {
				s.entry(object, annotation, entry)
			}
		}
	}
}

func (s *suppressor) entry(object *rule.Object, at rule.Value, entry string) {
	code, reason, _ := strings.Cut(entry, ":")
	code = strings.TrimSpace(code)
	r, known := s.rules[code]
	switch {
	case !known || r.Check == nil:
		s.bad = append(s.bad, s.finding(malformed, at, fmt.Sprintf("%q is not the code of a rule that can be suppressed", code)))
		return
	case strings.TrimSpace(reason) == "":
		s.bad = append(s.bad, s.finding(malformed, at, fmt.Sprintf("the suppression of %s gives no reason", code)))
		return
	}
	place := at.Place()
	key := fmt.Sprintf("%s:%d:%d %s %s", place.File, place.Line, place.Column, cmp.Or(place.File, subject(object).String()), code)
	i := s.byPlace[key]
	if i == nil {
		i = &ignored{code: code, quiet: !r.Applies(s.versions), found: s.finding(unused, at, fmt.Sprintf("there is no finding of %s to suppress", code))}
		s.byPlace[key] = i
		s.order = append(s.order, key)
	}
	s.now[subject(object)] = append(s.now[subject(object)], i)
}

func (s *suppressor) finding(code string, at rule.Value, message string) finding.Finding {
	place, r := at.Place(), s.rules[code]
	return finding.Finding{
		Code: code, Level: r.Level, Object: subject(at.Object()),
		File: place.File, Line: place.Line, Column: place.Column, Path: at.Pointer(), Message: message, Fix: r.How,
	}
}

func subject(object *rule.Object) finding.Object {
	return finding.Object{
		APIVersion: object.Resource.APIVersion(), Kind: object.Kind.Name(), Namespace: object.Namespace, Name: object.Name,
	}
}

// filter returns what a rule found and isn't suppressed.
func (s *suppressor) filter(c *rule.Context) ([]finding.Finding, []rule.Edit) {
	var kept []finding.Finding
	var edits []rule.Edit
	for i, found := range c.Findings() {
		if s.suppresses(found) {
			continue
		}
		kept = append(kept, found)
		if edit, ok := c.Edit(i); ok {
			edits = append(edits, edit)
		}
	}
	return kept, edits
}

func (s *suppressor) suppresses(f finding.Finding) bool {
	suppressed := false
	for _, i := range s.now[f.Object] {
		if i.code == f.Code {
			i.used, suppressed = true, true
		}
	}
	for i, suppression := range s.line {
		if suppression.matches(f) {
			s.used[i], suppressed = true, true
		}
	}
	return suppressed
}

// findings are those about the suppressions themselves. A rule that doesn't hold for the versions can't be
// suppressed, and the same file may be meant for others.
func (s *suppressor) findings() []finding.Finding {
	all := s.bad
	for _, key := range s.order {
		if i := s.byPlace[key]; !i.used && !i.quiet {
			all = append(all, i.found)
		}
	}
	for i, suppression := range s.line {
		if r := s.rules[suppression.Code]; !s.used[i] && r.Applies(s.versions) {
			all = append(all, finding.Finding{
				Code: unused, Level: s.rules[unused].Level, Fix: s.rules[unused].How,
				Message: fmt.Sprintf("there is no finding of %s to suppress (given on the command line)", suppression.Code),
			})
		}
	}
	return all
}
