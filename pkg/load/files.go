package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// loader reads for one call of Each. Not safe for concurrent use.
type loader struct {
	Options
	findings []finding.Finding
	files    map[string]*file
	realDirs map[string]string
	total    int64
	seen     int
	deployments
	trees map[string]*ownTree
}

// file is a file that was read. It is forgotten when a job did not use it.
type file struct {
	data      []byte
	documents []manifest.Document
	parsed    bool
	bad       bool
	used      bool
}

func newLoader(options Options) *loader {
	return &loader{Options: options, files: map[string]*file{}, realDirs: map[string]string{}, trees: map[string]*ownTree{}}
}

// forget drops what the last job did not use. Overlays of one base follow each other.
func (l *loader) forget() {
	for path, f := range l.files {
		if !f.used {
			delete(l.files, path)
			continue
		}
		f.used = false
	}
	for dir, tree := range l.trees {
		if !tree.used {
			delete(l.trees, dir)
			continue
		}
		tree.used = false
	}
}

func (l *loader) report(f finding.Finding) { l.findings = append(l.findings, f) }

func (l *loader) refuse(path, format string, args ...any) {
	l.report(finding.Finding{Code: CodeRefused, Level: finding.Error, File: path, Message: fmt.Sprintf(format, args...)})
}

// bytes reads a file. root is the directory that links must not leave; empty for a file that a person named.
// What is wrong is reported once.
func (l *loader) bytes(root, path string) (*file, bool) {
	if f, ok := l.files[path]; ok {
		f.used = true
		return f, !f.bad
	}
	f := &file{used: true}
	l.files[path] = f
	data, err := l.readFile(root, path)
	if err != nil {
		f.bad = true
		l.refuse(path, "%s", plainError(err))
		return f, false
	}
	f.data = data
	return f, true
}

func (l *loader) readFile(root, path string) ([]byte, error) {
	if root != "" {
		if err := l.inside(root, path); err != nil {
			return nil, err
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	// Opening a pipe would wait for a writer.
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("is a %s, not a file", kindOf(info.Mode()))
	}
	opened, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return l.take(opened)
}

// take reads within the limits.
func (l *loader) take(r io.Reader) ([]byte, error) {
	if l.seen++; l.seen > l.Limits.Files {
		return nil, fmt.Errorf("is one too many; the limit is %d files in one run", l.Limits.Files)
	}
	data, err := io.ReadAll(io.LimitReader(r, l.Limits.FileBytes+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > l.Limits.FileBytes {
		return nil, fmt.Errorf("is larger than %d bytes, the limit for one file; split it", l.Limits.FileBytes)
	}
	if l.total += int64(len(data)); l.total > l.Limits.TotalBytes {
		return nil, fmt.Errorf("would make it more than %d bytes in one run, the limit; validate in parts", l.Limits.TotalBytes)
	}
	return data, nil
}

// inside refuses a path that a link leads out of root. A path beside root without a link, as ../../base, is
// what the kustomization says and not a link's doing.
func (l *loader) inside(root, path string) error {
	realRoot, err := l.realDir(root)
	if err != nil {
		return err
	}
	relative, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	dir, err := l.realDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	real := filepath.Join(dir, filepath.Base(path))
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 || filepath.Base(path) == ".." {
		if real, err = realPath(path); err != nil {
			return err
		}
	}
	if real == filepath.Join(realRoot, relative) || real == realRoot || strings.HasPrefix(real, realRoot+string(filepath.Separator)) {
		return nil
	}
	return fmt.Errorf("is a link that leaves %s", root)
}

func (l *loader) realDir(dir string) (string, error) {
	if real, ok := l.realDirs[dir]; ok {
		return real, nil
	}
	real, err := realPath(dir)
	if err == nil {
		l.realDirs[dir] = real
	}
	return real, err
}

func realPath(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(absolute)
}

// parse reads the documents of a file; what is wrong with its text is reported once.
func (l *loader) parse(root, path string) ([]manifest.Document, bool) {
	f, ok := l.bytes(root, path)
	if !ok {
		return nil, false
	}
	if !f.parsed {
		f.parsed = true
		documents, findings := parseDocuments(path, f.data, l.Limits)
		f.documents, f.bad = documents, len(findings) > 0
		l.findings = append(l.findings, findings...)
	}
	return f.documents, !f.bad
}

// parseDocuments returns the documents or what is wrong; an empty file has none.
func parseDocuments(path string, data []byte, limits Limits) ([]manifest.Document, []finding.Finding) {
	if isBlank(data) {
		return nil, nil
	}
	documents, err := manifest.ReadMerging(path, bytes.NewReader(data), manifest.Limits{Bytes: limits.FileBytes, Nodes: limits.FileNodes})
	var problems manifest.Problems
	if errors.As(err, &problems) {
		if len(problems) == 1 && problems[0].Message == "is empty" {
			return nil, nil
		}
		return nil, syntaxFindings(problems, data)
	}
	if err != nil {
		return nil, []finding.Finding{{Code: CodeSyntax, Level: finding.Error, File: path, Message: err.Error()}}
	}
	return documents, nil
}

func syntaxFindings(problems manifest.Problems, data []byte) []finding.Finding {
	fix := ""
	if bytes.Contains(data, []byte("{{")) {
		fix = "If this is a Helm template, validate what it gives: helm template … | kservegen validate -"
	}
	findings := make([]finding.Finding, 0, len(problems))
	for _, p := range problems {
		findings = append(findings, finding.Finding{
			Code: CodeSyntax, Level: finding.Error, File: p.File, Line: p.Line, Column: p.Column, Message: p.Message, Fix: fix,
		})
	}
	return findings
}

// isBlank says whether a text holds nothing but comments and document marks.
func isBlank(data []byte) bool {
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return false
		}
	}
	return true
}

func plainError(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return "cannot be read: " + path.Err.Error()
	}
	return err.Error()
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}
