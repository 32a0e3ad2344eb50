package spec

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// Adoption is weights that were set in the tree of one environment and belong into the document.
type Adoption struct {
	Environment string
	// Weights by revision; one that is left out keeps its own, or has what the others leave where it is the stable one of
	// KServe's canary.
	Weights map[string]int
}

// Adopt returns a file with weights taken over into its documents, by the name of the model. It replaces numbers
// where they stand and leaves every other byte alone. An environment that shares spec.traffic with others which
// keep their weights gets a traffic of its own. The result is read back: where it is not valid, or says something
// else than was to be taken over, nothing comes of it.
func Adopt(file []byte, documents []*Deployment, adoptions map[string][]Adoption) ([]byte, error) {
	e := &editor{file: file, lines: manifest.NewLines(file)}
	for _, m := range documents {
		m.complete(adoptions[m.Name])
		shared := m.sharedAdoption(adoptions[m.Name])
		if shared != nil {
			m.replaceWeights(e, "spec.traffic", m.Document.Spec.Traffic, shared.Weights)
		}
		for _, adoption := range adoptions[m.Name] {
			if err := m.adoptEnvironment(e, adoption, shared); err != nil {
				return nil, err
			}
		}
	}
	name := documents[0].File
	edited, err := e.apply()
	if err != nil {
		return nil, fmt.Errorf("editing %s: %w", name, err)
	}
	after, err := Load(name, bytes.NewReader(edited))
	if err != nil {
		return nil, fmt.Errorf("the weights of the tree cannot be taken over: %w", err)
	}
	if len(after) != len(documents) {
		return nil, fmt.Errorf("editing %s: was the file changed meanwhile?", name)
	}
	for i, m := range documents {
		if err := m.checkAdopted(after[i], adoptions[m.Name]); err != nil {
			return nil, err
		}
	}
	return edited, nil
}

// complete fills in the weights that the tree does not say.
func (m *Deployment) complete(adoptions []Adoption) {
	for _, adoption := range adoptions {
		for _, target := range m.Environments {
			if target.Environment != adoption.Environment || len(adoption.Weights) == 0 {
				continue
			}
			rest := 100
			for _, r := range target.Revisions {
				if _, said := adoption.Weights[r.Name]; !said {
					adoption.Weights[r.Name] = r.Weight
				}
				rest -= adoption.Weights[r.Name]
			}
			if target.Canary() {
				adoption.Weights[target.Stable().Name] += rest
			}
		}
	}
}

// checkAdopted wants the adopted weights in the environments that they came from, the old ones elsewhere, and
// nothing else changed. An alias has the place of its anchor, and a number that two environments share cannot
// become two.
func (m *Deployment) checkAdopted(after *Deployment, adoptions []Adoption) error {
	if m.Digest() != after.Digest() {
		return fmt.Errorf("editing %s: was the file changed meanwhile?", m.where())
	}
	for i, was := range m.Environments {
		want := was.weights()
		for _, adoption := range adoptions {
			if adoption.Environment == was.Environment {
				maps.Copy(want, adoption.Weights)
			}
		}
		if !maps.Equal(want, after.Environments[i].weights()) {
			return fmt.Errorf("%s: environment %s shares its weights with others by an alias; write them out, then take them over", m.where(), was.Environment)
		}
	}
	return nil
}

func (t Target) weights() map[string]int {
	weights := map[string]int{}
	for _, revision := range t.Revisions {
		weights[revision.Name] = revision.Weight
	}
	return weights
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
			return m.noTraffic()
		}
		return nil
	}
	path := fmt.Sprintf("spec.environments[%d]", i)
	environment := m.Document.Spec.Environments[i]
	switch {
	case len(environment.Traffic) > 0:
		m.replaceWeights(e, path+".traffic", environment.Traffic, adoption.Weights)
	case shared == nil && len(m.Document.Spec.Traffic) == 0:
		return m.noTraffic()
	case shared == nil:
		m.insertTraffic(e, path, adoption.Weights)
	}
	return nil
}

func (m *Deployment) noTraffic() error {
	return fmt.Errorf("%s has no traffic to take the weights over into; add spec.traffic", m.where())
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
		entry := fmt.Sprintf("{revision: %s, weight: %d", plainOrQuoted(t.Revision), weights[t.Revision])
		if t.Testers != nil {
			entry += fmt.Sprintf(", testers: {header: %q, value: %q}", t.Testers.Header, t.Testers.Value)
		}
		if t.Mirror != 0 {
			entry += fmt.Sprintf(", mirror: %d", t.Mirror)
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

// plainOrQuoted writes a revision's name so that YAML reads it as text: v1, but "1" and "null".
func plainOrQuoted(name string) string {
	if yaml.IsYaml1_1NonString(yaml.NewStringRNode(name).YNode()) || name[0] == '-' || name[0] >= '0' && name[0] <= '9' {
		return strconv.Quote(name)
	}
	return name
}

// A token is the last group of its pattern; a tag may stand before it.
var (
	weightToken = regexp.MustCompile(`^(?:!!int +)?([+]?\d+)`)
	nameToken   = regexp.MustCompile(`^(?:!!str +)?(["']?[a-z0-9-]+["']?)`)
)

// editor collects replacements of byte ranges of a file.
type editor struct {
	file    []byte
	lines   manifest.Lines
	splices []spliced
	err     error
}

type spliced struct {
	offset, length int
	text           string
}

// find returns the range of a token that stands at a place.
func (e *editor) find(at place, token *regexp.Regexp) (int, int) {
	offset, ok := e.lines.Offset(at.line, at.column)
	if !ok {
		e.err = fmt.Errorf("%d:%d is gone; was the file changed meanwhile?", at.line, at.column)
		return 0, 0
	}
	found := token.FindSubmatchIndex(e.file[offset:])
	if found == nil {
		e.err = fmt.Errorf("%d:%d is not what was read; was the file changed meanwhile?", at.line, at.column)
		return 0, 0
	}
	return offset + found[2], found[3] - found[2]
}

func (e *editor) replace(at place, token *regexp.Regexp, text string) {
	offset, length := e.find(at, token)
	e.splices = append(e.splices, spliced{offset, length, text})
}

func (e *editor) insertAfter(at place, token *regexp.Regexp, text string) {
	offset, length := e.find(at, token)
	e.splices = append(e.splices, spliced{offset + length, 0, text})
}

// insertLine adds a line behind that of a place, indented to a column, with the line break that the file has there.
func (e *editor) insertLine(at place, column int, text string) {
	line := strings.Repeat(" ", max(column-1, 0)) + text
	next, _, ok := e.lines.Line(at.line + 1)
	if !ok {
		e.splices = append(e.splices, spliced{len(e.file), 0, "\n" + line + "\n"})
		return
	}
	end := "\n"
	if bytes.HasSuffix(e.file[:next], []byte("\r\n")) {
		end = "\r\n"
	}
	e.splices = append(e.splices, spliced{next, 0, line + end})
}

func (e *editor) apply() ([]byte, error) {
	if e.err != nil {
		return nil, e.err
	}
	slices.SortFunc(e.splices, func(a, b spliced) int { return cmp.Compare(a.offset, b.offset) })
	var out bytes.Buffer
	at := 0
	for _, s := range e.splices {
		if s.offset < at {
			return nil, fmt.Errorf("two weights stand in one place, by an alias; write them out")
		}
		out.Write(e.file[at:s.offset])
		out.WriteString(s.text)
		at = s.offset + s.length
	}
	out.Write(e.file[at:])
	return out.Bytes(), nil
}
