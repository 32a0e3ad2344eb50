package report

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
)

// SARIF is version 2.1.0 of the Static Analysis Results Interchange Format, which code scanning reads.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
type SARIF struct{}

var _ Writer = SARIF{}

const (
	sarifSchema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	sarifVersion = "2.1.0"
	homepage     = "https://github.com/kservegen/kservegen"
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool       sarifTool     `json:"tool"`
	ColumnKind string        `json:"columnKind"`
	Results    []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID            string       `json:"id"`
	Short         sarifText    `json:"shortDescription"`
	Full          *sarifText   `json:"fullDescription,omitempty"`
	Help          sarifText    `json:"help"`
	HelpURI       string       `json:"helpUri,omitempty"`
	Configuration sarifDefault `json:"defaultConfiguration"`
}

type sarifDefault struct {
	Level string `json:"level"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    *int              `json:"ruleIndex,omitempty"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations,omitempty"`
	Fingerprints map[string]string `json:"partialFingerprints"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

// Write implements Writer.
func (SARIF) Write(w io.Writer, r Report) error {
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "kservegen", Version: r.Version, InformationURI: homepage, Rules: []sarifRule{}}},
		ColumnKind: "unicodeCodePoints",
		Results:    make([]sarifResult, 0, len(r.Findings)),
	}
	index := map[string]int{}
	for _, rule := range usedRules(r) {
		index[rule.Code] = len(run.Tool.Driver.Rules)
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, ruleOf(rule))
	}
	for _, f := range r.Findings {
		run.Results = append(run.Results, resultOf(f, index))
	}
	return writeJSON(w, sarifLog{Schema: sarifSchema, Version: sarifVersion, Runs: []sarifRun{run}})
}

// usedRules are the rules of the findings, by code; one for a code that nobody explains has no more than it.
func usedRules(r Report) []finding.Rule {
	known := map[string]finding.Rule{}
	for _, rule := range r.Rules {
		known[rule.Code] = rule
	}
	var rules []finding.Rule
	seen := map[string]bool{}
	for _, f := range r.Findings {
		if seen[f.Code] {
			continue
		}
		seen[f.Code] = true
		rule, ok := known[f.Code]
		if !ok {
			rule = finding.Rule{Code: f.Code, Title: f.Code, Level: f.Level}
		}
		rules = append(rules, rule)
	}
	slices.SortFunc(rules, func(a, b finding.Rule) int { return strings.Compare(a.Code, b.Code) })
	return rules
}

func ruleOf(rule finding.Rule) sarifRule {
	s := sarifRule{
		ID: rule.Code, Short: sarifText{rule.Title}, HelpURI: rule.Reference,
		Help:          sarifText{strings.TrimSpace(rule.Why + " " + rule.Fix)},
		Configuration: sarifDefault{levelOf(rule.Level)},
	}
	if s.Help.Text == "" {
		s.Help.Text = rule.Title
	}
	if rule.Why != "" {
		s.Full = &sarifText{rule.Why}
	}
	return s
}

func resultOf(f finding.Finding, index map[string]int) sarifResult {
	i := index[f.Code]
	result := sarifResult{
		RuleID: f.Code, RuleIndex: &i, Level: levelOf(f.Level), Message: sarifText{textOf(f)},
		Fingerprints: map[string]string{"kservegen/v1": fingerprint(f)},
	}
	if fileOf(f) == "" {
		return result
	}
	location := sarifLocation{Physical: sarifPhysical{Artifact: sarifArtifact{uriOf(fileOf(f))}}}
	if f.File != "" && f.Line > 0 {
		location.Physical.Region = &sarifRegion{StartLine: f.Line, StartColumn: f.Column}
	}
	if f.Object != (finding.Object{}) {
		location.Logical = []sarifLogical{{Name: f.Object.String() + f.Path, Kind: "resource"}}
	}
	result.Locations = []sarifLocation{location}
	return result
}

func levelOf(level finding.Level) string {
	if level == finding.Info {
		return "note"
	}
	return level.String()
}

// fingerprint stays when lines move, so that a result is known again.
func fingerprint(f finding.Finding) string {
	hash := sha256.New()
	for _, part := range []string{f.Code, filepath.ToSlash(fileOf(f)), f.Object.String(), f.Path, f.Message} {
		hash.Write(append([]byte(part), 0))
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// uriOf is a relative reference with forward slashes, or a file URI for an absolute path.
func uriOf(file string) string {
	path := filepath.ToSlash(file)
	if filepath.IsAbs(file) {
		return (&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(path, "/")}).String()
	}
	// A colon in the first segment would read as a scheme; url.URL puts ./ in front of it.
	return (&url.URL{Path: path}).String()
}
