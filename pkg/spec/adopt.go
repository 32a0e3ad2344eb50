package spec

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Adoption is weights that were set in the tree of one environment and belong into the document.
type Adoption struct {
	Environment string
	// Weights by revision.
	Weights map[string]int
}

// Adopt returns the document's file with weights taken over. It replaces numbers where they stand and leaves
// every other byte alone. An environment that shares spec.traffic with others which keep their weights gets a
// traffic of its own. The result is read back: weights that do not sum to 100 are an error, and nothing else
// comes of them.
func (m *Deployment) Adopt(file []byte, adoptions []Adoption) ([]byte, error) {
	e := &editor{file: file, lines: lineOffsets(file)}
	shared := m.sharedAdoption(adoptions)
	if shared != nil {
		m.replaceWeights(e, "spec.traffic", m.Document.Spec.Traffic, shared.Weights)
	}
	for _, adoption := range adoptions {
		if err := m.adoptEnvironment(e, adoption, shared); err != nil {
			return nil, err
		}
	}
	edited, err := e.apply()
	if err != nil {
		return nil, fmt.Errorf("editing %s: %w", m.File, err)
	}
	if _, err := Load(m.File, bytes.NewReader(edited)); err != nil {
		return nil, fmt.Errorf("the weights of the tree cannot be taken over: %w", err)
	}
	return edited, nil
}

// sharedAdoption returns the weights that every environment without a traffic of its own agrees on, nil where
// some keep theirs.
func (m *Deployment) sharedAdoption(adoptions []Adoption) *Adoption {
	if len(m.Document.Spec.Traffic) == 0 {
		return nil
	}
	var shared *Adoption
	for _, target := range m.Environments {
		if i := m.environmentIndex(target.Environment); i >= 0 && len(m.Document.Spec.Environments[i].Traffic) > 0 {
			continue
		}
		at := slices.IndexFunc(adoptions, func(a Adoption) bool { return a.Environment == target.Environment })
		if at < 0 {
			return nil
		}
		if shared != nil && fmt.Sprint(shared.Weights) != fmt.Sprint(adoptions[at].Weights) {
			return nil
		}
		shared = &adoptions[at]
	}
	return shared
}

func (m *Deployment) environmentIndex(name string) int {
	return slices.IndexFunc(m.Document.Spec.Environments, func(e Environment) bool { return e.Name == name })
}

func (m *Deployment) adoptEnvironment(e *editor, adoption Adoption, shared *Adoption) error {
	i := m.environmentIndex(adoption.Environment)
	if i < 0 {
		if shared == nil {
			return fmt.Errorf("%s has no traffic to take the weights over into; add spec.traffic", m.where())
		}
		return nil
	}
	path := fmt.Sprintf("spec.environments[%d]", i)
	environment := m.Document.Spec.Environments[i]
	switch {
	case len(environment.Traffic) > 0:
		m.replaceWeights(e, path+".traffic", environment.Traffic, adoption.Weights)
	case shared == nil:
		m.insertTraffic(e, path, adoption.Weights)
	}
	return nil
}

func (m *Deployment) replaceWeights(e *editor, path string, traffic []Traffic, weights map[string]int) {
	for i, t := range traffic {
		if weight, ok := weights[t.Revision]; ok && weight != t.Weight {
			e.replace(m.places[fmt.Sprintf("%s[%d].weight", path, i)], weightToken, strconv.Itoa(weight))
		}
	}
}

// insertTraffic gives an environment its own copy of spec.traffic, behind its name, in the style it is written.
func (m *Deployment) insertTraffic(e *editor, path string, weights map[string]int) {
	var entries []string
	for _, t := range m.Document.Spec.Traffic {
		entry := fmt.Sprintf("{revision: %s, weight: %d", t.Revision, weights[t.Revision])
		if t.Testers != nil {
			entry += fmt.Sprintf(", testers: {header: %q, value: %q}", t.Testers.Header, t.Testers.Value)
		}
		entries = append(entries, entry+"}")
	}
	text := "traffic: [" + strings.Join(entries, ", ") + "]"
	name := m.places[path+".name"]
	if m.places[path].flow {
		e.insertAfter(name, nameToken, ", "+text)
		return
	}
	e.insertLine(name, m.places[path].column, text)
}

var (
	weightToken = regexp.MustCompile(`^[+]?\d+`)
	nameToken   = regexp.MustCompile(`^["']?[a-z0-9-]+["']?`)
)

// editor collects replacements of byte ranges of a file.
type editor struct {
	file    []byte
	lines   []int
	splices []spliced
	err     error
}

type spliced struct {
	offset, length int
	text           string
}

// lineOffsets returns where each line begins.
func lineOffsets(file []byte) []int {
	offsets := []int{0}
	for i, b := range file {
		if b == '\n' {
			offsets = append(offsets, i+1)
		}
	}
	return offsets
}

// find returns the range of a token that stands at a place. Columns count characters, not bytes.
func (e *editor) find(at place, token *regexp.Regexp) (int, int) {
	if at.line < 1 || at.line > len(e.lines) {
		e.err = fmt.Errorf("line %d is gone; was the file changed meanwhile?", at.line)
		return 0, 0
	}
	offset := e.lines[at.line-1]
	for range at.column - 1 {
		_, size := utf8.DecodeRune(e.file[offset:])
		offset += size
	}
	length := len(token.Find(e.file[offset:]))
	if length == 0 {
		e.err = fmt.Errorf("%d:%d is not what was read; was the file changed meanwhile?", at.line, at.column)
	}
	return offset, length
}

func (e *editor) replace(at place, token *regexp.Regexp, text string) {
	offset, length := e.find(at, token)
	e.splices = append(e.splices, spliced{offset, length, text})
}

func (e *editor) insertAfter(at place, token *regexp.Regexp, text string) {
	offset, length := e.find(at, token)
	e.splices = append(e.splices, spliced{offset + length, 0, text})
}

// insertLine adds a line behind that of a place, indented to a column.
func (e *editor) insertLine(at place, column int, text string) {
	line := strings.Repeat(" ", max(column-1, 0)) + text + "\n"
	if at.line >= len(e.lines) {
		e.splices = append(e.splices, spliced{len(e.file), 0, "\n" + line})
		return
	}
	e.splices = append(e.splices, spliced{e.lines[at.line], 0, line})
}

func (e *editor) apply() ([]byte, error) {
	if e.err != nil {
		return nil, e.err
	}
	slices.SortFunc(e.splices, func(a, b spliced) int { return cmp.Compare(a.offset, b.offset) })
	var out bytes.Buffer
	at := 0
	for _, s := range e.splices {
		out.Write(e.file[at:s.offset])
		out.WriteString(s.text)
		at = s.offset + s.length
	}
	out.Write(e.file[at:])
	return out.Bytes(), nil
}
