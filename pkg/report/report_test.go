package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/report"
)

const service = `apiVersion: networking.istio.io/v1
kind: VirtualService
spec:
  http:
  - route:
    - destination:
        port: {number: 8443} # wrong
`

// sample has a finding of every kind of place, and content that means harm.
func sample() report.Report {
	object := finding.Object{APIVersion: "networking.istio.io/v1", Kind: "VirtualService", Namespace: "llm", Name: "r1"}
	return report.Report{
		Version: "v1.2.3", FailOn: finding.Error,
		Sets:  []report.Set{{Name: "deploy/a", Kind: "kustomization", Objects: 18}, {Name: "deploy/b", Kind: "kustomization", Objects: 2}},
		Rules: []finding.Rule{{Code: "KG0304", Level: finding.Error, Title: "No such port", Why: "Why.", Fix: "Fix.", Reference: "https://example.com/a"}},
		Findings: finding.Sort([]finding.Finding{
			{
				Code: "KG0304", Level: finding.Error, Object: object, Set: "deploy/a", File: "deploy/a/vs 1.yaml", Line: 7, Column: 24,
				Path: "/spec/http/0/route/0/destination/port/number", Message: "the Service will have port 80", Fix: "Set number: 80.",
			},
			{Code: "KG0777", Level: finding.Warning, File: "deploy/a/vs 1.yaml", Message: harmful},
			{Code: "KG0778", Level: finding.Info, File: "/abs/b.yaml", Line: 3, Message: "50%: a, b\nand more", Set: harmful},
			{Code: "KG0779", Level: finding.Info, Set: "deploy/b", Message: "about the set"},
			{Code: "KG0780", Level: finding.Info, Message: "about nothing"},
			{Code: "KG0781", Level: finding.Info, File: harmful + ":x,y.yaml", Line: 1, Column: 1, Message: "a file with an odd name", Object: finding.Object{Kind: "K", Name: harmful}},
		}),
	}
}

// harmful would clear a screen, speak to the runner of GitHub, reverse the text, and end an XML file.
const harmful = "\x1b[2J\x9b31m\r\n::error::boo\u202Eevil\u2028\x00]]></failure>\xff%0A\U000E0001"

func lines() *report.Source {
	return &report.Source{Read: func(file string) ([]byte, error) {
		if file == "deploy/a/vs 1.yaml" {
			return []byte(service), nil
		}
		return nil, io.EOF
	}}
}

func write(t *testing.T, format string, r report.Report) string {
	t.Helper()
	writer, err := report.For(format, lines(), false)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, writer.Write(&b, r))
	var again bytes.Buffer
	require.NoError(t, writer.Write(&again, r))
	require.Equal(t, b.String(), again.String())
	return b.String()
}

func TestNothingHarmfulIsWritten(t *testing.T) {
	t.Parallel()
	for _, format := range report.Formats() {
		for _, r := range write(t, format, sample()) {
			if r != '\n' && (unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar && format != "json" && format != "sarif") {
				assert.Failf(t, format, "%U is written", r)
			}
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	assert.Contains(t, write(t, "text", sample()), `deploy/a/vs 1.yaml
         warning KG0777  \u001b[2J\x9b31m\u000d\n::error::boo\u202eevil\u2028\u0000]]></failure>\xff%0A\U000e0001
  7:24   error KG0304  the Service will have port 80
         6 │     - destination:
         7 │         port: {number: 8443} # wrong
           │                        ^^^^
         VirtualService llm/r1 /spec/http/0/route/0/destination/port/number in deploy/a
         Set number: 80.
`)
}

func TestColourOnlyWhenTold(t *testing.T) {
	t.Parallel()
	var plain, coloured bytes.Buffer
	require.NoError(t, report.Text{Source: lines()}.Write(&plain, sample()))
	require.NoError(t, report.Text{Source: lines(), Color: true}.Write(&coloured, sample()))
	assert.NotContains(t, plain.String(), "\x1b")
	assert.Contains(t, coloured.String(), "\x1b[31merror\x1b[0m")
	assert.Equal(t, plain.String(), strip(coloured.String()))
}

func strip(text string) string {
	for _, code := range []string{"0", "1", "2", "31", "33", "34"} {
		text = strings.ReplaceAll(text, "\x1b["+code+"m", "")
	}
	return text
}

func TestSummary(t *testing.T) {
	t.Parallel()
	r := sample()
	assert.Equal(t, "2 overlays, 20 objects: 1 error, 1 warning, 4 info", r.Summary())
	assert.True(t, r.Failed())
	r.Findings = nil
	assert.Equal(t, "2 overlays, 20 objects: no findings", r.Summary())
	assert.False(t, r.Failed())
	r.Findings = []finding.Finding{{Level: finding.Warning}}
	assert.False(t, r.Failed())
	r.FailOn = finding.Warning
	assert.True(t, r.Failed())
}

func TestGitHub(t *testing.T) {
	t.Parallel()
	out := write(t, "github", sample())
	assert.Contains(t, out, "::error file=deploy/a/vs 1.yaml,line=7,col=24,title=KG0304 VirtualService llm/r1::the Service will have port 80%0ASet number: 80.\n")
	assert.Contains(t, out, "::notice file=/abs/b.yaml,line=3,title=KG0778::50%25: a, b%0Aand more\n")
	for line := range strings.Lines(out) {
		assert.Regexp(t, `^::(error|warning|notice) [^:]*::`, line)
	}
	assert.Contains(t, out, `%3Ax%2Cy.yaml`)
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var document struct {
		Findings []struct {
			Code, Level, Message string
			Object               *finding.Object
			Line, Column         int
		}
		Summary map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(write(t, "json", sample())), &document))
	require.Len(t, document.Findings, 6)
	assert.Equal(t, map[string]any{
		"sets": 2.0, "objects": 20.0, "errors": 1.0, "warnings": 1.0, "infos": 4.0, "failOn": "error", "failed": true,
	}, document.Summary)
	for _, f := range document.Findings {
		if f.Code == "KG0777" {
			assert.Equal(t, strings.ToValidUTF8(harmful, "\uFFFD"), f.Message, "escaping changes no text")
		}
	}
	assert.Contains(t, write(t, "json", report.Report{}), `"findings": []`)
}

func TestJUnit(t *testing.T) {
	t.Parallel()
	out := write(t, "junit", sample())
	var document struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	decoder := xml.NewDecoder(strings.NewReader(out))
	decoder.Strict = true
	require.NoError(t, decoder.Decode(&document))
	assert.Equal(t, 6, document.Tests)
	assert.Equal(t, 1, document.Failures)
	assert.Equal(t, "deploy/a", document.Suites[0].Name)
	require.Len(t, document.Suites[0].Cases, 1)
	assert.Equal(t, "the Service will have port 80", document.Suites[0].Cases[0].Failure.Message)

	empty := sample()
	empty.Findings = nil
	assert.Contains(t, write(t, "junit", empty), `<testcase name="no findings" classname="deploy/b"></testcase>`)
}

// sarifSchema is that of the standard; testdata/README.md says where it is from.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := os.ReadFile("testdata/sarif-schema-2.1.0.json")
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat() // helpUri is a URI
	require.NoError(t, compiler.AddResource("sarif.json", document))
	schema, err := compiler.Compile("sarif.json")
	require.NoError(t, err)
	return schema
}

func TestSARIFIsOfItsSchema(t *testing.T) {
	t.Parallel()
	schema := sarifSchema(t)
	validate := func(text string) error {
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		require.NoError(t, err)
		return schema.Validate(document)
	}
	out := write(t, "sarif", sample())
	require.NoError(t, validate(out))
	require.NoError(t, validate(write(t, "sarif", report.Report{})))
	require.Error(t, validate(strings.Replace(out, `"level": "error"`, `"level": "dreadful"`, 1)), "the schema is looked at")
	require.Error(t, validate(strings.Replace(out, `"startLine": 7`, `"startLine": 0`, 1)))
}

func TestSARIF(t *testing.T) {
	t.Parallel()
	out := write(t, "sarif", sample())
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct {
					Rules []struct{ ID, HelpURI string }
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &log))
	require.Len(t, log.Runs[0].Results, 6)
	rules := log.Runs[0].Tool.Driver.Rules
	for _, result := range log.Runs[0].Results {
		assert.Equal(t, result.RuleID, rules[result.RuleIndex].ID)
	}
	assert.Equal(t, "https://example.com/a", rules[0].HelpURI)
	assert.Contains(t, out, `"uri": "deploy/a/vs%201.yaml"`)
	assert.Contains(t, out, `"uri": "file:///abs/b.yaml"`)
}

func TestMarks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, line string
		column     int
		want       string
	}{
		{"plain", "a: b", 4, "a: b\n   ^"},
		{"key", "spec:", 1, "spec:\n^^^^"},
		{"quoted", `a: "b # c" # d`, 4, "a: \"b # c\" # d\n   ^^^^^^^"},
		{"open quote", `a: "b`, 4, "a: \"b\n   ^^"},
		{"flow", "{a: b, c: d}", 5, "{a: b, c: d}\n    ^"},
		{"mapping", "x: {a: b}", 4, "x: {a: b}\n   ^"},
		{"item", "- a: b", 1, "- a: b\n^"},
		{"flag", "- --max=1", 3, "- --max=1\n  ^^^^^^^"},
		{"tab and escape", "\ta: \x1bb", 5, " a: \\u001bb\n    ^^^^^^^"},
		{"umlaut", "ä: ö", 4, "ä: ö\n   ^"},
		{"behind the end", "a", 9, "a\n"},
		{"no column", "a", 0, "a\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			text, blanks, length := report.Excerpt(tc.line, tc.column)
			mark := ""
			if length > 0 {
				mark = strings.Repeat(" ", blanks) + strings.Repeat("^", length)
			}
			assert.Equal(t, tc.want, text+"\n"+mark)
		})
	}
}

func FuzzReport(f *testing.F) {
	f.Add(harmful, service, 7, 24)
	f.Add("", "\xff", 1, 1)
	f.Add("a", strings.Repeat("x", 1000), 1, 900)
	f.Fuzz(func(t *testing.T, text, source string, line, column int) {
		r := report.Report{Findings: []finding.Finding{{
			Code: "KG0001", File: text, Line: line, Column: column, Message: text, Fix: text, Set: text, Path: text,
			Object: finding.Object{Kind: text, Name: text},
		}}}
		for _, format := range report.Formats() {
			writer, err := report.For(format, &report.Source{Read: func(string) ([]byte, error) { return []byte(source), nil }}, false)
			require.NoError(t, err)
			var b bytes.Buffer
			require.NoError(t, writer.Write(&b, r))
			out := b.String()
			for _, c := range out {
				require.False(t, c != '\n' && unicode.In(c, unicode.Cc, unicode.Cf), "%s writes %U", format, c)
			}
			switch format {
			case "json", "sarif":
				require.True(t, json.Valid([]byte(out)))
			case "junit":
				require.NoError(t, xml.Unmarshal([]byte(out), &struct{}{}))
			case "github":
				require.Equal(t, 1, strings.Count(out, "\n"))
			}
		}
	})
}

// TestOfFilesThatAreNoTextNothingIsShown, and findings without a file stand under no empty heading.
func TestOfFilesThatAreNoTextNothingIsShown(t *testing.T) {
	t.Parallel()
	source := &report.Source{Read: func(string) ([]byte, error) { return []byte("\x7fELF\x00\x01\n"), nil }}
	var out bytes.Buffer
	require.NoError(t, report.Text{Source: source}.Write(&out, report.Report{Findings: []finding.Finding{
		{Code: "KG0009", Level: finding.Warning, Message: "of the command line"},
		{Code: "KG0001", Level: finding.Error, File: "a.yaml", Line: 1, Column: 1, Message: "is binary"},
	}}))
	assert.Equal(t, "         warning KG0009  of the command line\na.yaml\n  1:1    error KG0001  is binary\n", out.String())
}
