package report

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/kservegen/kservegen/pkg/finding"
)

// JSON is for programs. Fields are only ever added.
type JSON struct{}

var _ Writer = JSON{}

type jsonReport struct {
	Findings []jsonFinding `json:"findings"`
	Summary  jsonSummary   `json:"summary"`
}

// jsonFinding is a finding; line and column count from 1 and are left out where they are not known, path is an
// RFC 6901 pointer.
type jsonFinding struct {
	Code    string          `json:"code"`
	Level   string          `json:"level"`
	Object  *finding.Object `json:"object,omitempty"`
	Set     string          `json:"set,omitempty"`
	File    string          `json:"file,omitempty"`
	Line    int             `json:"line,omitempty"`
	Column  int             `json:"column,omitempty"`
	Path    string          `json:"path,omitempty"`
	Message string          `json:"message"`
	Fix     string          `json:"fix,omitempty"`
}

type jsonSummary struct {
	Sets    int `json:"sets"`
	Objects int `json:"objects"`
	Count
	FailOn string `json:"failOn"`
	Failed bool   `json:"failed"`
}

// Write implements Writer.
func (JSON) Write(w io.Writer, r Report) error {
	document := jsonReport{
		Findings: make([]jsonFinding, 0, len(r.Findings)),
		Summary: jsonSummary{
			Sets: len(r.Sets), Objects: r.Objects(), Count: r.Count(), FailOn: r.FailOn.String(), Failed: r.Failed(),
		},
	}
	for _, f := range r.Findings {
		document.Findings = append(document.Findings, jsonFinding{
			Code: f.Code, Level: f.Level.String(), Object: objectOf(f), Set: f.Set, File: f.File, Line: f.Line,
			Column: f.Column, Path: f.Path, Message: f.Message, Fix: f.Fix,
		})
	}
	return writeJSON(w, document)
}

func objectOf(f finding.Finding) *finding.Object {
	if f.Object == (finding.Object{}) {
		return nil
	}
	return &f.Object
}

func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escapeJSON(b.Bytes()))
	return err
}
