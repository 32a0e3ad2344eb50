package lint

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kservegen/kservegen/pkg/finding"
)

var scalarToken = regexp.MustCompile(`^("([^"\\]|\\.)*"|'([^']|'')*'|[^\s#,{}\[\]"']+)`)

// Apply makes edits in the content of their file and leaves every other byte as it is, comments too. An edit whose
// place doesn't look as expected is skipped: the finding stays, and a person decides. It returns how many it made.
func Apply(file []byte, edits []finding.Edit) ([]byte, int) {
	var splices []splice
	for _, edit := range edits {
		if s, ok := spliceOf(file, edit); ok {
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

func spliceOf(file []byte, edit finding.Edit) (splice, bool) {
	start, line, ok := lineAt(file, edit.Line)
	if !ok {
		return splice{}, false
	}
	offset := start
	for range edit.Column - 1 {
		if offset >= start+len(line) {
			return splice{}, false
		}
		_, size := utf8.DecodeRune(file[offset:])
		offset += size
	}
	token := scalarToken.Find(line[offset-start:])
	if len(token) == 0 || unquoted(string(token)) != edit.Old {
		return splice{}, false
	}
	if edit.Text != "" {
		return splice{offset, offset + len(token), edit.Text}, true
	}
	return removal(file, edit, start, line)
}

// removal takes out the whole line of an entry that stands alone on it and has a neighbour: without one its parent
// would become null.
func removal(file []byte, edit finding.Edit, start int, line []byte) (splice, bool) {
	entry := regexp.MustCompile(`^( *)["']?` + regexp.QuoteMeta(edit.Key) + `["']?:[ ]+\S+( +#.*)?$`)
	match := entry.FindSubmatch(bytes.TrimRight(line, "\r"))
	if match == nil {
		return splice{}, false
	}
	if !hasSibling(file, edit.Line, len(match[1])) {
		return splice{}, false
	}
	return splice{start, min(start+len(line)+1, len(file)), ""}, true
}

// hasSibling says whether the entry on a line, indented by indent, has another beside it: right after it, or
// before it, where the first entry of a list's item stands behind its dash.
func hasSibling(file []byte, number, indent int) bool {
	if _, after, ok := lineAt(file, number+1); ok && !bytes.HasPrefix(bytes.TrimLeft(after, " "), []byte("-")) && keyColumn(after) == indent {
		return true
	}
	for number--; number > 0; number-- {
		_, before, _ := lineAt(file, number)
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

func lineAt(file []byte, number int) (int, []byte, bool) {
	start := 0
	for n := 1; ; n++ {
		end := bytes.IndexByte(file[start:], '\n')
		if end < 0 {
			end = len(file) - start
		}
		if n == number {
			return start, file[start : start+end], true
		}
		if start+end >= len(file) || number < 1 {
			return 0, nil, false
		}
		start += end + 1
	}
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
