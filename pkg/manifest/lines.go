package manifest

import (
	"bytes"
	"unicode/utf8"
)

// Lines finds the places of a file that Place counts in lines and columns.
type Lines struct {
	file   []byte
	starts []int
}

const byteOrderMark = "\ufeff"

// NewLines reads where the lines of a file begin. A byte order mark is no part of the first line: the YAML reader
// does not count it either.
func NewLines(file []byte) Lines {
	l := Lines{file: file, starts: []int{0}}
	if bytes.HasPrefix(file, []byte(byteOrderMark)) {
		l.starts[0] = len(byteOrderMark)
	}
	for i, b := range file {
		if b == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

// Line returns where a line starts, counted from 1, and its bytes without the line feed.
func (l Lines) Line(number int) (start int, text []byte, ok bool) {
	if number < 1 || number > len(l.starts) {
		return 0, nil, false
	}
	start, end := l.starts[number-1], len(l.file)
	if number < len(l.starts) {
		end = l.starts[number] - 1
	}
	return start, l.file[start:end], true
}

// Offset returns where a place is in the file. Columns count characters from 1; the one behind the last character of
// a line is a place, too.
func (l Lines) Offset(line, column int) (offset int, ok bool) {
	start, text, ok := l.Line(line)
	for ; ok && column > 1; column-- {
		if len(text) == 0 {
			return 0, false
		}
		_, size := utf8.DecodeRune(text)
		text, start = text[size:], start+size
	}
	return start, ok
}
