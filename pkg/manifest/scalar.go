package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	yamlv2 "go.yaml.in/yaml/v2"
	sigsyaml "sigs.k8s.io/yaml"
)

// foldColumn is the column behind which the library may break a line at a space.
const foldColumn = 80

// maxSimpleKey is the longest key in bytes that the library writes without a question mark.
const maxSimpleKey = 128

// text writes a string as a value and ends the line.
func (e *emitter) text(s string, indent int, at place) {
	column := utf8.RuneCount(e.buf[e.lineStart:])
	if at != atRoot {
		column++
	}
	if plain, quoted := simpleText(s, column); plain {
		e.scalar(s, at)
		return
	} else if quoted {
		e.scalar(`"`+s+`"`, at)
		return
	}
	if err := checkText(s); err != nil {
		e.fail("the text %s %w", excerpt(s), err)
		return
	}
	lines, err := libraryText(s, indent, column, at)
	if err != nil {
		e.fail("writing the text %s: %w", excerpt(s), err)
		return
	}
	e.lines(lines, at)
}

// lines writes what the library made of a string; the line comment stands behind a block's header or else at
// the end.
func (e *emitter) lines(lines string, at place) {
	if at != atRoot {
		e.buf = append(e.buf, ' ')
	}
	head, rest := strings.TrimSuffix(lines, "\n"), ""
	if i := strings.IndexByte(lines, '\n'); lines[0] == '|' {
		head, rest = lines[:i], lines[i+1:]
	}
	e.buf = append(e.buf, head...)
	e.lineComment()
	e.newline()
	e.buf = append(e.buf, rest...)
	e.lineStart = len(e.buf)
}

// libraryText returns s as the library writes it at this place, from its first character to the line end. Where
// line breaks are in play the result depends on indentation and column, so the library is given a stand-in of
// the same shape.
func libraryText(s string, indent, column int, at place) (string, error) {
	breaks, spaces := strings.ContainsAny(s, "\n\u2028\u2029"), strings.Contains(s, " ")
	if at == atRoot || !breaks && !(spaces && column+len(s) > foldColumn) {
		alone, err := yamlv2.Marshal(s)
		if err != nil {
			return "", err
		}
		if at == atRoot || !spaces || column+utf8.RuneCount(alone) <= foldColumn {
			return string(alone), nil
		}
	}
	if at == afterDash {
		return standIn([]any{s}, indent, len("- "))
	}
	// A key longer than the fold column changes nothing more.
	key := strings.Repeat("k", min(column-indent-len(": "), foldColumn+1))
	return standIn(yamlv2.MapSlice{{Key: key, Value: s}}, indent, len(key+": "))
}

// standIn returns what the library writes for a block at an indentation, without its first skip bytes. Lists in
// lists give any indentation, all of it on the first line.
func standIn(block any, indent, skip int) (string, error) {
	for range indent / 2 {
		block = []any{block}
	}
	out, err := yamlv2.Marshal(block)
	if err != nil {
		return "", err
	}
	return string(out[indent+skip:]), nil
}

// isSimpleKey says whether the library writes the key in front of a colon; others stand behind a question mark.
func isSimpleKey(key string) bool {
	return len(key) <= maxSimpleKey && !strings.ContainsAny(key, "\n\r\u2028\u2029")
}

// key writes a key and its colon, and says how its value goes on.
func (e *emitter) key(key string, indent int) place {
	if plain, quoted := simpleText(key, 0); len(key) > maxSimpleKey {
		return e.explicitKey(key, indent)
	} else if plain {
		e.buf = append(append(e.buf, key...), ':')
		return afterKey
	} else if quoted {
		e.buf = append(append(append(e.buf, '"'), key...), `":`...)
		return afterKey
	}
	if !isSimpleKey(key) {
		return e.explicitKey(key, indent)
	}
	if err := checkKey(key); err != nil {
		e.fail("the key %s %w", excerpt(key), err)
		return afterKey
	}
	out, err := yamlv2.Marshal(yamlv2.MapSlice{{Key: key}})
	if err != nil {
		e.fail("writing the key %s: %w", excerpt(key), err)
	}
	e.buf = append(e.buf, bytes.TrimSuffix(out, []byte(" null\n"))...)
	return afterKey
}

// explicitKey writes `? key` and the colon on the next line. The JSON way also tells which keys are too long.
func (e *emitter) explicitKey(key string, indent int) place {
	if err := checkKey(key); err != nil {
		e.fail("the key %s %w", excerpt(key), err)
		return afterDash
	}
	data, err := json.Marshal(map[string]any{key: nil})
	if err == nil {
		_, err = sigsyaml.JSONToYAML(data)
	}
	var lines string
	if err == nil {
		lines, err = standIn(yamlv2.MapSlice{{Key: key}}, indent, 0)
	}
	if err != nil {
		e.fail("the key %s is too long for YAML: %w", excerpt(key), err)
		return afterDash
	}
	e.buf = append(e.buf, strings.TrimSuffix(lines, " null\n")...)
	e.lineStart = len(e.buf) - indent - 1
	return afterDash
}

func checkKey(key string) error {
	if key == "<<" {
		return fmt.Errorf("would be read as a merge; rename it")
	}
	return checkText(key)
}

// checkText refuses what does not survive the way through YAML: U+0085 would silently become a space, the other
// characters make the library fail.
func checkText(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("is not UTF-8")
	}
	for _, r := range s {
		if r >= 0x7F && r <= 0x9F || r == 0xFFFE || r == 0xFFFF {
			return fmt.Errorf("holds the character %U, which YAML cannot carry", r)
		}
	}
	return nil
}

// excerpt quotes the start of a string for an error message.
func excerpt(s string) string {
	const most = 40
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}
