package report

import (
	"fmt"
	"io"

	"github.com/kservegen/kservegen/pkg/finding"
)

// Report is what there is to write.
type Report struct {
	// Findings in the order of finding.Sort.
	Findings []finding.Finding
	// Rules explain the codes.
	Rules []finding.Rule
	// Sets that were judged, in order.
	Sets []Set
	// FailOn is the level from which on a finding is a failure.
	FailOn finding.Level
	// Version of the program.
	Version string
}

// Set is a set of objects that were judged together.
type Set struct {
	Name    string
	Kind    string
	Objects int
}

// Writer writes a report.
type Writer interface {
	Write(w io.Writer, r Report) error
}

// Formats are the names of the writers, text first.
func Formats() []string { return []string{"text", "json", "sarif", "junit", "github"} }

// For returns the writer of a format. Text shows the lines of source, where it is not nil.
func For(format string, source *Source, color bool) (Writer, error) {
	switch format {
	case "text":
		return Text{Source: source, Color: color}, nil
	case "json":
		return JSON{}, nil
	case "sarif":
		return SARIF{}, nil
	case "junit":
		return JUnit{}, nil
	case "github":
		return GitHub{}, nil
	}
	return nil, fmt.Errorf("the format %q is unknown; one of %v", format, Formats())
}

// Count is how many findings there are of each level.
type Count struct {
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Infos    int `json:"infos"`
}

// Count counts the findings.
func (r Report) Count() Count {
	var c Count
	for _, f := range r.Findings {
		switch f.Level {
		case finding.Error:
			c.Errors++
		case finding.Warning:
			c.Warnings++
		default:
			c.Infos++
		}
	}
	return c
}

// Objects is how many objects were judged.
func (r Report) Objects() int {
	n := 0
	for _, set := range r.Sets {
		n += set.Objects
	}
	return n
}

// Failed says whether a finding is at or over the failure level.
func (r Report) Failed() bool {
	for _, f := range r.Findings {
		if f.Level >= r.FailOn {
			return true
		}
	}
	return false
}

// fileOf is where a finding is shown: its file, or else its set.
func fileOf(f finding.Finding) string {
	if f.File != "" {
		return f.File
	}
	return f.Set
}
