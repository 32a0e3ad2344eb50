package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"

	"github.com/kservegen/kservegen/pkg/finding"
)

// JUnit is for CI servers: a suite per set or file, a case per finding, and one that passes for what has none.
// The form is that of the Jenkins xUnit plug-in's junit-10.xsd.
type JUnit struct{}

var _ Writer = JUnit{}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// Write implements Writer.
func (JUnit) Write(w io.Writer, r Report) error {
	document := junitSuites{Name: "kservegen validate"}
	index := map[string]int{}
	suite := func(name string) *junitSuite {
		i, ok := index[name]
		if !ok {
			i = len(document.Suites)
			index[name] = i
			document.Suites = append(document.Suites, junitSuite{Name: clean(name)})
		}
		return &document.Suites[i]
	}
	for _, set := range r.Sets {
		suite(set.Name)
	}
	for _, f := range r.Findings {
		name := f.Set
		if name == "" {
			name = f.File
		}
		suite(name).add(f, r.FailOn)
	}
	for i := range document.Suites {
		s := &document.Suites[i]
		if len(s.Cases) == 0 {
			s.Cases = append(s.Cases, junitCase{Name: "no findings", Class: s.Name})
		}
		s.Tests = len(s.Cases)
		document.Tests += s.Tests
		document.Failures += s.Failures
	}
	return writeXML(w, document)
}

func (s *junitSuite) add(f finding.Finding, failOn finding.Level) {
	c := junitCase{Name: clean(titleOf(f)), Class: clean(fileOf(f))}
	text := fmt.Sprintf("%s:%d:%d: %s %s\n%s", clean(f.File), f.Line, f.Column, f.Level, f.Code, clean(f.Message))
	if f.Fix != "" {
		text += "\n" + clean(f.Fix)
	}
	if f.Level >= failOn {
		s.Failures++
		c.Failure = &junitFailure{Type: f.Code, Message: clean(f.Message), Text: text}
	} else {
		c.Output = text
	}
	s.Cases = append(s.Cases, c)
}

func writeXML(w io.Writer, v any) error {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	encoder := xml.NewEncoder(&b)
	encoder.Indent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}
