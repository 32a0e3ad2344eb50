package validate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// Codes about suppressions.
const (
	CodeUnused    = "KG0009"
	CodeMalformed = "KG0010"
)

func suppressionRules() []finding.Rule {
	return []finding.Rule{
		{
			Code: CodeUnused, Level: finding.Warning, Title: "A suppression suppresses something",
			Why: "What was wrong is gone, or the code is another: the suppression would hide the next mistake of that kind.",
			Fix: "Remove it from the annotation " + lint.Annotation + ", or the --ignore from the command line.",
		},
		{
			Code: CodeMalformed, Level: finding.Error, Title: "A suppression names a code and a reason",
			Why: "Without a reason nobody can decide later whether it still holds. An entry that isn't understood suppresses nothing.",
			Fix: `Write the annotation ` + lint.Annotation + `: "KG0203: reason; KG0304: reason".`,
		},
	}
}

// Suppression leaves findings of a code out, for a reason.
type Suppression struct {
	Code string
	// Kind, Namespace and Name limit it to objects; empty means any. The case of Kind does not matter, as for kubectl.
	Kind, Namespace, Name string
	Reason                string
}

var codePattern = regexp.MustCompile(`^KG\d{4}$`)

// ParseSuppression reads CODE[@Kind/[namespace/]name]=reason. The reason must be there: the next reader will ask
// for it.
func ParseSuppression(text string) (Suppression, error) {
	what, reason, _ := strings.Cut(text, "=")
	code, object, limited := strings.Cut(what, "@")
	s := Suppression{Code: strings.TrimSpace(code), Reason: strings.TrimSpace(reason)}
	if upper := strings.ToUpper(s.Code); codePattern.MatchString(upper) { // as explain takes it
		s.Code = upper
	}
	switch {
	case !codePattern.MatchString(s.Code):
		return s, fmt.Errorf("%q is no code; write CODE=reason, for example KG0203=\"tested by its own host first\"", s.Code)
	case s.Reason == "":
		return s, fmt.Errorf("%s has no reason; write %s=reason", s.Code, what)
	}
	if parts := strings.Split(object, "/"); limited {
		switch len(parts) {
		case 2:
			s.Kind, s.Name = parts[0], parts[1]
		case 3:
			s.Kind, s.Namespace, s.Name = parts[0], parts[1], parts[2]
		default:
			return s, fmt.Errorf("%q names no object; write Kind/name or Kind/namespace/name", object)
		}
	}
	return s, nil
}

func (s Suppression) matches(f finding.Finding) bool {
	return s.Code == f.Code && (s.Kind == "" || strings.EqualFold(s.Kind, f.Object.Kind)) &&
		(s.Namespace == "" || s.Namespace == f.Object.Namespace) && (s.Name == "" || s.Name == f.Object.Name)
}

// entry is a suppression where it is written. One annotation of a base is read again for every overlay, and it is
// used if it is in one of them.
type entry struct {
	Suppression
	used bool
	at   finding.Finding
}

// suppressor leaves out what annotations and the command line ask for.
type suppressor struct {
	known   map[string]bool
	dormant []string
	line    []*entry
	notes   map[string]*entry
	order   []string
	bad     []finding.Finding
}

func newSuppressor(rules []finding.Rule, dormant []string, line []Suppression) *suppressor {
	s := &suppressor{known: map[string]bool{}, dormant: dormant, notes: map[string]*entry{}}
	for _, rule := range rules {
		s.known[rule.Code] = true
	}
	for _, suppression := range line {
		s.line = append(s.line, &entry{Suppression: suppression})
	}
	return s
}

// filter returns the findings of a set that are not suppressed. Files that cannot be read are never ignored away:
// what they hold was not judged.
func (s *suppressor) filter(set load.Set, findings []finding.Finding) []finding.Finding {
	entries := slices.Clone(s.line)
	for _, object := range set.Resources {
		entries = append(entries, s.read(object)...)
	}
	return slices.DeleteFunc(findings, func(f finding.Finding) bool {
		suppressed := false
		for _, e := range entries {
			if e.matches(f) {
				e.used, suppressed = true, true
			}
		}
		return suppressed && f.Code != load.CodeSyntax
	})
}

// read takes the annotation of an object.
func (s *suppressor) read(object manifest.Resource) []*entry {
	metadata, _ := object.Data["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	text, _ := annotations[lint.Annotation].(string)
	var entries []*entry
	for note := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ';' || c == '\n' }) {
		if note = strings.TrimSpace(note); note != "" {
			if e := s.entry(object, note); e != nil {
				entries = append(entries, e)
			}
		}
	}
	return entries
}

func (s *suppressor) entry(object manifest.Resource, note string) *entry {
	code, reason, _ := strings.Cut(note, ":")
	code, reason = strings.TrimSpace(code), strings.TrimSpace(reason)
	at := At(object, Problem{Path: "/metadata/annotations/" + manifest.EscapeToken(lint.Annotation)})
	key := fmt.Sprint(at.File, at.Line, at.Column, at.Object, code)
	if known := s.notes[key]; known != nil {
		return known
	}
	switch {
	case !s.known[code]:
		s.report(at, fmt.Sprintf("%q is not the code of a rule", code))
		return nil
	case reason == "":
		s.report(at, fmt.Sprintf("the suppression of %s gives no reason", code))
		return nil
	}
	e := &entry{at: at, Suppression: Suppression{
		Code: code, Kind: at.Object.Kind, Namespace: at.Object.Namespace, Name: at.Object.Name, Reason: reason,
	}}
	s.notes[key] = e
	s.order = append(s.order, key)
	return e
}

func (s *suppressor) report(at finding.Finding, message string) {
	at.Code, at.Level, at.Message, at.Fix = CodeMalformed, finding.Error, message, suppressionRules()[1].Fix
	s.bad = append(s.bad, at)
}

// findings are those about the suppressions themselves. A rule that doesn't hold for the versions can't be
// suppressed, and the same file may be meant for others.
func (s *suppressor) findings() []finding.Finding {
	all := slices.Clone(s.bad)
	unused := func(e *entry, where string) {
		if e.used || slices.Contains(s.dormant, e.Code) {
			return
		}
		f := e.at
		f.Code, f.Level, f.Fix = CodeUnused, finding.Warning, "Remove it."
		f.Message = fmt.Sprintf("there is no finding of %s to suppress%s", e.Code, where)
		all = append(all, f)
	}
	for _, key := range s.order {
		unused(s.notes[key], "")
	}
	for _, e := range s.line {
		unused(e, " (given on the command line)")
	}
	return all
}
