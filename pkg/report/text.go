package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
)

// Text is for people: by file, each finding with the line that it is about and what to do.
type Text struct {
	// Source may be nil: then no lines are shown.
	Source *Source
	Color  bool
}

var _ Writer = Text{}

// The colours of a terminal (ECMA-48 SGR).
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	yellow = "33"
	blue   = "34"
)

// margin is where the lines below a finding begin.
const margin = "         "

// Write implements Writer.
func (t Text) Write(w io.Writer, r Report) error {
	var b bytes.Buffer
	file := ""
	for i, f := range r.Findings {
		if shown := fileOf(f); shown != file || i == 0 {
			if file = shown; file != "" {
				fmt.Fprintln(&b, t.paint(bold, clean(file)))
			}
		}
		t.finding(&b, f)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (t Text) finding(b *bytes.Buffer, f finding.Finding) {
	place := ""
	switch {
	case f.Line > 0 && f.Column > 0:
		place = fmt.Sprintf("%d:%d", f.Line, f.Column)
	case f.Line > 0:
		place = fmt.Sprint(f.Line)
	}
	fmt.Fprintf(b, "  %-5s  %s %s  %s\n", place, t.paint(colorOf(f.Level), f.Level.String()), f.Code, clean(f.Message))
	t.lines(b, f)
	if about := aboutOf(f); about != "" {
		fmt.Fprintf(b, "%s%s\n", margin, t.paint(dim, about))
	}
	if f.Fix != "" {
		fmt.Fprintf(b, "%s%s\n", margin, clean(f.Fix))
	}
}

// lines shows the line of a finding and the one before it, which mostly names what the value belongs to.
func (t Text) lines(b *bytes.Buffer, f finding.Finding) {
	line, ok := t.Source.line(f.File, f.Line)
	if !ok {
		return
	}
	width := len(fmt.Sprint(f.Line))
	if before, ok := t.Source.line(f.File, f.Line-1); ok && strings.TrimSpace(before) != "" {
		text, _, _ := excerpt(before, 0)
		fmt.Fprintf(b, "%s%s %s\n", margin, t.paint(dim, fmt.Sprintf("%*d │", width, f.Line-1)), text)
	}
	text, blanks, length := excerpt(line, f.Column)
	fmt.Fprintf(b, "%s%s %s\n", margin, t.paint(dim, fmt.Sprintf("%*d │", width, f.Line)), text)
	if length > 0 {
		fmt.Fprintf(b, "%s%s %s%s\n", margin, t.paint(dim, strings.Repeat(" ", width)+" │"),
			strings.Repeat(" ", blanks), t.paint(colorOf(f.Level), strings.Repeat("^", length)))
	}
}

// aboutOf names the object, the path in it, and the set where that is another than the file.
func aboutOf(f finding.Finding) string {
	var parts []string
	if f.Object != (finding.Object{}) {
		parts = append(parts, f.Object.String())
	}
	if f.Path != "" {
		parts = append(parts, f.Path)
	}
	about := strings.Join(parts, " ")
	if f.Set != "" && f.Set != f.File && about != "" {
		about += " in " + f.Set
	}
	return clean(about)
}

func colorOf(level finding.Level) string {
	switch level {
	case finding.Error:
		return red
	case finding.Warning:
		return yellow
	}
	return blue
}

func (t Text) paint(color, text string) string {
	if !t.Color || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// Summary is one line: what was judged and how it went, for example "3 overlays, 54 objects: no findings".
func (r Report) Summary() string {
	return r.judged() + ": " + r.Count().String() + r.lowered()
}

// lowered says why findings inform that fail a kustomization with the same objects.
func (r Report) lowered() string {
	n := 0
	for _, f := range r.Findings {
		if f.Lowered {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %d informs only, for files found in a directory may not be all there is: name them, or list them in a kustomization.yaml", n)
}

func (r Report) judged() string {
	overlays, environments := 0, 0
	for _, set := range r.Sets {
		switch set.Kind {
		case "kustomization":
			overlays++
		case "document environment":
			environments++
		}
	}
	var parts []string
	if overlays > 0 {
		parts = append(parts, finding.Plural(overlays, "overlay"))
	}
	if environments > 0 {
		parts = append(parts, finding.Plural(environments, "environment"))
	}
	return strings.Join(append(parts, finding.Plural(r.Objects(), "object")), ", ")
}

// String is for example "1 error, 2 warnings".
func (c Count) String() string {
	var parts []string
	if c.Errors > 0 {
		parts = append(parts, finding.Plural(c.Errors, "error"))
	}
	if c.Warnings > 0 {
		parts = append(parts, finding.Plural(c.Warnings, "warning"))
	}
	if c.Infos > 0 {
		parts = append(parts, fmt.Sprintf("%d info", c.Infos))
	}
	if len(parts) == 0 {
		return "no findings"
	}
	return strings.Join(parts, ", ")
}
