package report

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Source gives the lines that findings point to.
type Source struct {
	// Read returns a file's content.
	Read func(file string) ([]byte, error)

	file  string
	lines []string
}

// line returns a line, which counts from 1. Findings come by file, so one file is kept. Of a file that is no text
// nothing is shown: its lines are of any length and say nothing.
func (s *Source) line(file string, n int) (string, bool) {
	if s == nil || s.Read == nil || n < 1 {
		return "", false
	}
	if s.file != file || s.lines == nil {
		data, err := s.Read(file)
		s.file, s.lines = file, []string{}
		if err == nil && bytes.IndexByte(data, 0) < 0 {
			s.lines = strings.Split(string(data), "\n")
		}
	}
	if n > len(s.lines) {
		return "", false
	}
	return strings.TrimSuffix(s.lines[n-1], "\r"), true
}

// maxShown is how many characters of a line are shown.
const maxShown = 160

// excerpt returns the part of a line to show, and where its value stands in it: blanks in front of the mark and
// the length of the mark. column counts characters from 1; 0 marks nothing.
func excerpt(line string, column int) (text string, blanks, length int) {
	runes := []rune(line)
	if column < 1 || column > len(runes) {
		return cut(clean(line), maxShown), 0, 0
	}
	start := 0
	if column > maxShown*3/4 {
		start = column - maxShown/2
	}
	before, behind := string(runes[start:column-1]), string(runes[column-1:])
	token := valueAt(behind)
	shown := clean(before)
	blanks = utf8.RuneCountInString(shown)
	length = utf8.RuneCountInString(clean(token))
	prefix := ""
	if start > 0 {
		prefix = "…"
		blanks++
	}
	text = cut(prefix+shown+clean(behind), maxShown)
	return text, blanks, max(min(length, maxShown-blanks), 1)
}

func cut(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}

// valueAt returns the scalar that a text starts with; the key of a mapping, the bracket of a collection.
func valueAt(text string) string {
	if text == "" {
		return text
	}
	switch quote := text[0]; quote {
	case '"', '\'':
		if end := strings.IndexByte(text[1:], quote); end >= 0 {
			return text[:end+2]
		}
		return text
	case '{', '[', '|', '>', '-':
		if quote != '-' || strings.HasPrefix(text, "- ") {
			return text[:1]
		}
	}
	end := len(text)
	for _, stop := range []string{" #", ": ", ", ", "}", "]"} {
		if i := strings.Index(text, stop); i > 0 && i < end {
			end = i
		}
	}
	return strings.TrimRight(strings.TrimSuffix(text[:end], ":"), " \t")
}
