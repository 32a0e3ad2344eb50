package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Document is one YAML document of a file.
type Document struct {
	File string
	// Node is the content node, never nil and never null. Line and Column of the nodes are those of the file,
	// comments stay on them, aliases are replaced by copies of what they name.
	Node *yaml.Node
}

// Limits bound what a file may cost. A field that is zero means its default.
type Limits struct {
	// Bytes is the size of the file.
	Bytes int64
	// Nodes is the number of values and keys in the file, aliases expanded.
	Nodes int
}

// DefaultLimits returns 1 MiB and 100,000 nodes.
func DefaultLimits() Limits {
	return Limits{Bytes: 1 << 20, Nodes: 100_000}
}

// Read parses every document of a stream; empty ones are skipped. What is wrong with the text is returned as
// Problems, all that can be found at once; other errors are those of r. Merge keys (<<) are refused.
func Read(file string, r io.Reader, lim Limits) ([]Document, error) {
	return read(&reader{file: file}, r, lim)
}

// ReadMerging is Read for what kubectl and Kustomize read: merge keys (<<) are replaced by copies of the fields that
// they stand for, which keep the places where they are written.
func ReadMerging(file string, r io.Reader, lim Limits) ([]Document, error) {
	return read(&reader{file: file, merging: true}, r, lim)
}

func read(reader *reader, r io.Reader, lim Limits) ([]Document, error) {
	defaults := DefaultLimits()
	if lim.Bytes <= 0 {
		lim.Bytes = defaults.Bytes
	}
	if lim.Nodes <= 0 {
		lim.Nodes = defaults.Nodes
	}
	data, err := io.ReadAll(io.LimitReader(r, lim.Bytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", reader.file, err)
	}
	reader.limit = lim.Nodes
	if int64(len(data)) > lim.Bytes {
		reader.report(0, 0, "is larger than %d bytes, the limit for one file; split it", lim.Bytes)
	} else if reader.checkText(data); len(reader.problems) == 0 {
		// The library leaves carriage returns in comments. Without them no line or column changes.
		reader.parse(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")))
	}
	if len(reader.problems) == 0 && len(reader.documents) == 0 {
		reader.report(0, 0, "is empty")
	}
	if problems := reader.sorted(); len(problems) > 0 {
		return nil, problems
	}
	return reader.documents, nil
}

// maxProblems is how many problems of a file are worth a person's time.
const maxProblems = 100

type reader struct {
	file      string
	merging   bool // whether merge keys are resolved
	limit     int
	nodes     int
	documents []Document
	problems  Problems
	untold    int
}

func (r *reader) report(line, column int, format string, args ...any) {
	if len(r.problems) == maxProblems {
		r.untold++
		return
	}
	r.problems = append(r.problems, Problem{File: r.file, Line: line, Column: column, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) sorted() Problems {
	r.problems.sort()
	if r.untold == 0 {
		return r.problems
	}
	last := r.problems[len(r.problems)-1]
	return append(r.problems, Problem{
		File: r.file, Line: last.Line, Column: last.Column, Message: fmt.Sprintf("and %d more problems in this file", r.untold),
	})
}

// checkText finds the first byte or character that no YAML file may hold; what follows it is likely no text.
func (r *reader) checkText(data []byte) {
	line, column := 1, 1
	for rest := data; len(rest) > 0; column++ {
		c, size := utf8.DecodeRune(rest)
		switch {
		case c == utf8.RuneError && size == 1:
			r.report(line, column, "is not UTF-8: byte 0x%02X; save the file as UTF-8", rest[0])
			return
		case c < ' ' && c != '\t' && c != '\n' && c != '\r', c >= 0x7F && c <= 0x9F, c == 0xFFFE, c == 0xFFFF:
			r.report(line, column, "control character %U; remove it, or escape it in double quotes", c)
			return
		case c == '\n':
			line, column = line+1, 0
		}
		rest = rest[size:]
	}
}

// parse decodes the whole stream with one decoder, which keeps the line numbers of the file.
func (r *reader) parse(data []byte) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		node, err := decode(decoder)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			r.reportSyntax(data, err)
			return
		}
		if len(node.Content) == 0 {
			continue
		}
		content := node.Content[0]
		if content.ShortTag() == yaml.NodeTagNull && content.Style&yaml.TaggedStyle == 0 {
			continue
		}
		if r.count(content); r.nodes > r.limit {
			r.report(content.Line, content.Column, "the file has more than %d values and keys, the limit for one file; split it", r.limit)
			return
		}
		content.HeadComment = joinComments(node.HeadComment, content.HeadComment)
		content.FootComment = joinComments(content.FootComment, node.FootComment)
		found := len(r.problems)
		if r.check(content); len(r.problems) == found {
			r.expandAliases(content)
		}
		r.documents = append(r.documents, Document{File: r.file, Node: content})
	}
}

func (r *reader) count(n *yaml.Node) {
	r.nodes++
	for _, child := range n.Content {
		r.count(child)
	}
}

// decode reads the next document. The library has panicked on odd comments before; that must not take the
// program down.
func decode(decoder *yaml.Decoder) (node yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the YAML library gave up on this file: %v", p)
		}
	}()
	err = decoder.Decode(&node)
	return node, err
}

func joinComments(texts ...string) string {
	var present []string
	for _, text := range texts {
		if text != "" {
			present = append(present, text)
		}
	}
	return strings.Join(present, "\n\n")
}
