package manifest

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	yamlv2 "go.yaml.in/yaml/v2"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// reportSyntax reports an error of the YAML library at its line.
//
// The libraries take line 0 for unknown, and count the lines of a scanner's errors from one but those of a
// parser's errors from zero. A line break put in front of the text removes the first doubt and makes the number
// of a parser's error right; a scanner's is then one too high. Version 3 tells where the broken part starts,
// version 2 where it cannot go on.
func (r *reader) reportSyntax(data []byte, err error) {
	if name, ok := unknownAnchor(err); ok {
		line, column := findAlias(data, name)
		r.report(line, column, "alias *%s names no anchor; write the value out", name)
		return
	}
	data = append([]byte{'\n'}, data...)
	line, message := splitLine(lastError(yaml.NewDecoder(bytes.NewReader(data)), err))
	if !isAboutStart(message) {
		if l, m := splitLine(lastError(yamlv2.NewDecoder(bytes.NewReader(data)), err)); m == message {
			line = l
		}
	}
	if !isParserError(message) {
		line--
	}
	line = max(line, 0)
	if message == "found character that cannot start any token" {
		if column := tabColumn(data, line+1); column > 0 {
			r.report(line, column, "a tab stands where YAML takes blanks only; write blanks")
			return
		}
	}
	r.report(line, 0, "%s", message)
}

// tabColumn is where a tab stands in the indentation of a line, which counts from 1; 0 where none does, and where
// another character follows that starts nothing, either.
func tabColumn(data []byte, line int) int {
	n := 0
	for text := range bytes.Lines(data) {
		if n++; n < line {
			continue
		}
		found := regexp.MustCompile("^[ -]*(\t)[\t ]*[^\t @`%]").FindSubmatchIndex(text)
		if found == nil {
			return 0
		}
		return found[2] + 1
	}
	return 0
}

// isAboutStart says whether a person looks for the cause where the broken part starts: at an open quote, at a
// key without its colon.
func isAboutStart(message string) bool {
	return slices.Contains([]string{
		"found unexpected end of stream", "found unexpected document indicator", "could not find expected ':'",
	}, message)
}

// lastError decodes until something fails, and returns fallback where nothing does.
func lastError(decoder interface{ Decode(any) error }, fallback error) (err error) {
	defer func() {
		if recover() != nil {
			err = fallback
		}
	}()
	for {
		if err := decoder.Decode(&ignored{}); errors.Is(err, io.EOF) {
			return fallback
		} else if err != nil {
			return err
		}
	}
}

// ignored makes the libraries parse without decoding, and so without expanding aliases.
type ignored struct{}

func (*ignored) UnmarshalYAML(func(any) error) error { return nil }

func splitLine(err error) (line int, message string) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	if found := regexp.MustCompile(`^line (\d+): (.*)`).FindStringSubmatch(message); found != nil {
		line, _ = strconv.Atoi(found[1])
		message = found[2]
	}
	return line, message
}

// isParserError tells the errors of the library's parser from those of its scanner.
func isParserError(message string) bool {
	return slices.Contains([]string{
		"did not find expected <stream-start>", "did not find expected <document start>", "did not find expected node content",
		"did not find expected key", "did not find expected '-' indicator", "did not find expected ',' or ']'",
		"did not find expected ',' or '}'", "found undefined tag handle", "found duplicate %YAML directive",
		"found duplicate %TAG directive", "found incompatible YAML document",
	}, message)
}

func unknownAnchor(err error) (name string, ok bool) {
	found := regexp.MustCompile(`unknown anchor '(.*)' referenced`).FindStringSubmatch(err.Error())
	if found == nil {
		return "", false
	}
	return found[1], true
}

// findAlias finds the alias, for which the library gives no line.
func findAlias(data []byte, name string) (line, column int) {
	place := regexp.MustCompile(`(?m)(?:^|[\s,\[{:?-])(\*` + regexp.QuoteMeta(name) + `)(?:$|[\s,\]}:])`).FindSubmatchIndex(data)
	if place == nil {
		return 0, 0
	}
	before := data[:place[2]]
	return bytes.Count(before, []byte("\n")) + 1, len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:]))) + 1
}
