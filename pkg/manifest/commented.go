package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Comments are the YAML comments of one document.
type Comments struct {
	// Head stands above the document.
	Head string
	// At maps RFC 6901 JSON pointers to text that stands above the line of that field or list item, at its
	// indentation. Each line of the text becomes a comment line.
	At map[string]string
	// Line maps pointers to one-line text that stands behind a scalar value (or an empty list or mapping).
	Line map[string]string
}

// MarshalCommented is Marshal with comments. A pointer that v does not have is an error: a comment must not
// vanish silently.
func MarshalCommented(v any, c Comments) ([]byte, error) {
	e := &emitter{buf: make([]byte, 0, 1024), keys: make([]string, 0, 24)}
	if err := c.check(); err != nil {
		return nil, err
	}
	if len(c.At)+len(c.Line) > 0 {
		e.comments, e.seen = &c, make(map[string]bool, len(c.At)+len(c.Line))
	}
	e.commentLines(c.Head, 0)
	e.above(0)
	e.value(v, 0, atRoot)
	if e.err != nil {
		return nil, fmt.Errorf("writing %s: %w", excerpt(e.path), e.err)
	}
	if missing := c.missing(e.seen); len(missing) > 0 {
		return nil, fmt.Errorf("a comment is meant for %s, which the document does not have", strings.Join(missing, ", "))
	}
	return e.buf, nil
}

// check refuses comments that would not be comments, or would make the file unreadable.
func (c Comments) check() error {
	for _, text := range c.Line {
		if strings.Contains(text, "\n") {
			return fmt.Errorf("the comment %s stands behind a value and has more than one line", excerpt(text))
		}
	}
	if err := checkComment(c.Head); err != nil {
		return err
	}
	for _, texts := range []map[string]string{c.At, c.Line} {
		for _, text := range texts {
			if err := checkComment(text); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkComment(text string) error {
	for _, r := range text {
		if r < ' ' && r != '\n' && r != '\t' || r == '\u2028' || r == '\u2029' || r == '\ufeff' {
			return fmt.Errorf("the comment %s holds a control character", excerpt(text))
		}
	}
	if err := checkText(text); err != nil {
		return fmt.Errorf("the comment %s %w", excerpt(text), err)
	}
	return nil
}

func (c Comments) missing(seen map[string]bool) []string {
	var missing []string
	for _, texts := range []map[string]string{c.At, c.Line} {
		for pointer := range texts {
			if !seen[pointer] {
				missing = append(missing, strconv.Quote(pointer))
			}
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// above writes the comment of the current pointer. The first field of a list item shares the dash's line, so
// its comment moves above the dash.
func (e *emitter) above(indent int) {
	if e.comments == nil {
		return
	}
	text, above := e.comments.At[string(e.pointer)]
	if _, behind := e.comments.Line[string(e.pointer)]; above || behind {
		e.seen[string(e.pointer)] = true
	}
	if text == "" {
		return
	}
	if e.lineStart == len(e.buf) {
		e.commentLines(text, indent)
		return
	}
	pending := string(e.buf[e.lineStart:])
	e.buf = e.buf[:e.lineStart]
	e.commentLines(text, len(pending)-len(strings.TrimLeft(pending, " ")))
	e.buf = append(e.buf, pending...)
}

func (e *emitter) commentLines(text string, indent int) {
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		e.indent(indent)
		e.buf = append(e.buf, strings.TrimRight("# "+line, " \t")...)
		e.newline()
	}
}

func (e *emitter) lineComment() {
	if e.comments == nil {
		return
	}
	if text := e.comments.Line[string(e.pointer)]; text != "" {
		e.buf = append(e.buf, strings.TrimRight(" # "+text, " \t")...)
	}
}

func (e *emitter) refuseLineComment() {
	if e.comments == nil {
		return
	}
	if text := e.comments.Line[string(e.pointer)]; text != "" {
		e.fail("the comment %s stands behind %q, which is no scalar; put it above", excerpt(text), e.pointer)
	}
}

// enter descends to a field and returns the length of the pointer to come back to.
func (e *emitter) enter(key string) int {
	leave := len(e.pointer)
	if e.comments != nil {
		e.pointer = append(append(e.pointer, '/'), EscapeToken(key)...)
	}
	return leave
}

func (e *emitter) enterIndex(i int) int {
	leave := len(e.pointer)
	if e.comments != nil {
		e.pointer = strconv.AppendInt(append(e.pointer, '/'), int64(i), 10)
	}
	return leave
}
