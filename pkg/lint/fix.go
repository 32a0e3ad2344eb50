package lint

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

var scalarToken = regexp.MustCompile(`^("([^"\\]|\\.)*"|'([^']|'')*'|[^\s#,{}\[\]"']+)`)

// Apply makes edits in the content of their file and leaves every other byte as it is, comments too. An edit whose
// place doesn't look as expected is skipped: the finding stays, and a person decides. It returns how many it made.
func Apply(file []byte, edits []finding.Edit) ([]byte, int) {
	var splices []splice
	lines := manifest.NewLines(file)
	for _, edit := range edits {
		if s, ok := spliceOf(lines, edit); ok {
			splices = append(splices, s)
		}
	}
	slices.SortFunc(splices, func(a, b splice) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	// Overlays that share a base ask for the same edit.
	splices = slices.Compact(splices)
	var out bytes.Buffer
	at, made := 0, 0
	for _, s := range splices {
		if s.from < at {
			continue
		}
		out.Write(file[at:s.from])
		out.WriteString(s.text)
		at = s.to
		made++
	}
	out.Write(file[at:])
	return out.Bytes(), made
}

// splice replaces the bytes from from up to to.
type splice struct {
	from, to int
	text     string
}

func spliceOf(lines manifest.Lines, edit finding.Edit) (splice, bool) {
	offset, ok := lines.Offset(edit.Line, edit.Column)
	if !ok {
		return splice{}, false
	}
	start, line, _ := lines.Line(edit.Line)
	token := scalarToken.Find(line[offset-start:])
	if len(token) > 1 && token[0] != '"' && token[0] != '\'' {
		token = bytes.TrimSuffix(token, []byte(":")) // a key
	}
	if len(token) == 0 || unquoted(string(token)) != edit.Old {
		return splice{}, false
	}
	if edit.Text != "" {
		return splice{offset, offset + len(token), edit.Text}, true
	}
	return removal(lines, edit, start, line)
}

// removal takes out the whole line of an entry that stands alone on it and has a neighbour: without one its parent
// would become null.
func removal(lines manifest.Lines, edit finding.Edit, start int, line []byte) (splice, bool) {
	entry := regexp.MustCompile(`^( *)["']?` + regexp.QuoteMeta(edit.Key) + `["']?:[ ]+\S+( +#.*)?$`)
	match := entry.FindSubmatch(bytes.TrimRight(line, "\r"))
	if match == nil {
		return splice{}, false
	}
	if !hasSibling(lines, edit.Line, len(match[1])) {
		return splice{}, false
	}
	end := start + len(line)
	if next, _, ok := lines.Line(edit.Line + 1); ok {
		end = next
	}
	return splice{start, end, ""}, true
}

// hasSibling says whether the entry on a line, indented by indent, has another beside it: right after it, or
// before it, where the first entry of a list's item stands behind its dash.
func hasSibling(lines manifest.Lines, number, indent int) bool {
	if _, after, ok := lines.Line(number + 1); ok && !bytes.HasPrefix(bytes.TrimLeft(after, " "), []byte("-")) && keyColumn(after) == indent {
		return true
	}
	for number--; number > 0; number-- {
		_, before, _ := lines.Line(number)
		if column := keyColumn(before); column >= 0 && column <= indent {
			return column == indent
		}
	}
	return false
}

// keyColumn is how many bytes stand before the first key of a line; -1 for a line without one.
func keyColumn(line []byte) int {
	rest := bytes.TrimLeft(line, " -")
	if len(rest) == 0 || rest[0] == '#' || rest[0] == '\r' {
		return -1
	}
	return len(line) - len(rest)
}

func unquoted(token string) string {
	switch token[0] {
	case '"':
		return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(strings.Trim(token, `"`))
	case '\'':
		return strings.ReplaceAll(strings.Trim(token, "'"), "''", "'")
	}
	return token
}
