package edit

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// text is a file and what is to be changed in it.
type text struct {
	file    string
	data    []byte
	lines   manifest.Lines
	splices []splice
}

type splice struct {
	start, end int
	insert     string
}

func (t *text) replace(start, end int, insert string) {
	t.splices = append(t.splices, splice{start, end, insert})
}

func (t *text) spliced() []byte {
	slices.SortStableFunc(t.splices, func(a, b splice) int { return cmp.Compare(a.start, b.start) })
	var out bytes.Buffer
	at := 0
	for _, s := range t.splices {
		out.Write(t.data[at:s.start])
		out.WriteString(s.insert)
		at = s.end
	}
	out.Write(t.data[at:])
	return out.Bytes()
}

func (t *text) refuse(n *yaml.Node, format string, args ...any) error {
	return manifest.Problems{{File: t.file, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)}}
}

// start is where a node begins, behind its tag and anchor.
func (t *text) start(n *yaml.Node) (int, error) {
	at, ok := t.lines.Offset(n.Line, n.Column)
	if !ok {
		return 0, t.refuse(n, "is not where it was read; was the file changed meanwhile?")
	}
	for at < len(t.data) && (t.data[at] == '&' || t.data[at] == '!') {
		for at < len(t.data) && !blank(t.data[at]) {
			at++
		}
		for at < len(t.data) && blank(t.data[at]) {
			at++
		}
	}
	return at, nil
}

func blank(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// end is behind the last byte of a node that is written in one piece: a flow mapping or list, or a scalar that is no block.
func (t *text) end(n *yaml.Node) (int, error) {
	at, err := t.start(n)
	if err != nil {
		return 0, err
	}
	end := -1
	switch {
	case n.Kind == yaml.AliasNode:
		end = at + len("*") + len(n.Value)
	case n.Kind != yaml.ScalarNode && n.Style&yaml.FlowStyle != 0:
		end = t.flowEnd(at)
	case n.Kind == yaml.ScalarNode && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		end = t.quoteEnd(at)
	case n.Kind == yaml.ScalarNode && n.Value != "" && bytes.HasPrefix(t.data[at:], []byte(n.Value)):
		end = at + len(n.Value)
	}
	if end < 0 {
		return 0, t.refuse(n, "is written over several lines; write it in one, then run this again")
	}
	return end, nil
}

// flowEnd is behind the bracket that closes the one at an offset, -1 where none does.
func (t *text) flowEnd(at int) int {
	depth := 0
	for token := true; at < len(t.data); at++ { // token: a quote here begins a scalar
		switch b := t.data[at]; {
		case b == '{' || b == '[':
			depth++
			token = true
			continue
		case b == '}' || b == ']':
			if depth--; depth == 0 {
				return at + 1
			}
		case token && (b == '"' || b == '\''):
			if at = t.quoteEnd(at) - 1; at < 0 {
				return -1
			}
		case b == '#' && blank(t.data[at-1]):
			for at < len(t.data) && t.data[at] != '\n' {
				at++
			}
			continue
		case blank(b):
			continue
		case b == ',' || b == ':':
			token = true
			continue
		}
		token = false
	}
	return -1
}

// quoteEnd is behind the quote that closes the one at an offset, -1 where none does.
func (t *text) quoteEnd(at int) int {
	quote := t.data[at]
	for at++; at < len(t.data); at++ {
		switch {
		case quote == '"' && t.data[at] == '\\':
			at++
		case t.data[at] != quote:
		case quote == '\'' && at+1 < len(t.data) && t.data[at+1] == quote:
			at++
		default:
			return at + 1
		}
	}
	return -1
}

func (t *text) lineOf(offset int) int { return bytes.Count(t.data[:offset], []byte("\n")) + 1 }

// lineStart is where a line begins, the end of the file for the one behind the last.
func (t *text) lineStart(number int) int {
	if start, _, ok := t.lines.Line(number); ok {
		return start
	}
	return len(t.data)
}

// lastLine is the last line that a node is known to take.
func (t *text) lastLine(n *yaml.Node) int {
	if end, err := t.end(n); err == nil {
		return t.lineOf(end)
	}
	last := n.Line
	for _, c := range n.Content {
		last = max(last, t.lastLine(c))
	}
	return last
}

// blockEnd is the last line of what begins in a line and is indented by more than a number of blanks, at least known. Blank
// lines and comments behind it that are indented no more belong to what follows.
func (t *text) blockEnd(line, indent, known int) int {
	for last := known; ; {
		line++
		_, content, ok := t.lines.Line(line)
		if !ok {
			return last
		}
		if line <= known || len(bytes.TrimSpace(content)) == 0 {
			continue
		}
		if indentation(content) <= indent {
			return last
		}
		last = line
	}
}

func indentation(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }

// insertLines puts lines behind a line, each with the line break that the file has there.
func (t *text) insertLines(behind, indent int, lines []string) {
	at := t.lineStart(behind + 1)
	lineBreak := "\n"
	if at > 1 && bytes.HasSuffix(t.data[:at], []byte("\r\n")) {
		lineBreak = "\r\n"
	}
	var insert bytes.Buffer
	if at > 0 && t.data[at-1] != '\n' { // the last line of the file has none
		insert.WriteString(lineBreak)
	}
	for _, line := range lines {
		insert.Write(bytes.Repeat([]byte(" "), indent))
		insert.WriteString(line + lineBreak)
	}
	t.replace(at, at, insert.String())
}

// removeLines takes lines away, with the comments directly above them where those are asked for.
func (t *text) removeLines(first, last, indent int, comments bool) {
	for comments {
		_, above, ok := t.lines.Line(first - 1)
		if !ok || indentation(above) != indent || !bytes.HasPrefix(above[indent:], []byte("#")) {
			break
		}
		first--
	}
	t.replace(t.lineStart(first), t.lineStart(last+1), "")
}

// beginsLine reports that there are but blanks before an offset in its line.
func (t *text) beginsLine(offset int) bool {
	start := t.lineStart(t.lineOf(offset))
	return len(bytes.TrimSpace(t.data[start:offset])) == 0
}

// endsLine reports that there are but a comma and a comment behind an offset in its line.
func (t *text) endsLine(offset int) bool {
	end := t.lineStart(t.lineOf(offset) + 1)
	rest := bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(t.data[offset:end]), []byte(",")))
	return len(rest) == 0 || rest[0] == '#'
}
