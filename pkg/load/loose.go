package load

import (
	"bytes"
	"cmp"
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// StreamName is the file of places in standard input.
const StreamName = "stdin"

// stream reads standard input.
func (l *loader) stream() []Set {
	if l.Stdin == nil {
		l.refuse(StreamName, "there is no standard input")
		return nil
	}
	data, err := l.take(l.Stdin)
	if err != nil {
		l.refuse(StreamName, "%s", plainError(err))
		return nil
	}
	l.files[StreamName] = &file{data: data, used: true}
	sets := l.loose(StreamName, "", []string{StreamName})
	for i := range sets {
		if sets[i].Kind == Files {
			sets[i].Kind = Stream
		}
	}
	return sets
}

// loose reads files that belong together: one set of their objects, and one per environment of documents.
func (l *loader) loose(name, root string, paths []string) []Set {
	sets, incomplete := l.looseSets(name, root, paths)
	if len(sets) == 0 && !incomplete {
		l.report(finding.Finding{Code: CodeNothing, Level: finding.Error, File: name, Message: "holds no Kubernetes object"})
	}
	return sets
}

func (l *loader) looseSets(name, root string, paths []string) (found []Set, incomplete bool) {
	set := Set{Name: name, Kind: Files}
	var sets []Set
	for _, path := range paths {
		documents, ok := l.parseStream(root, path)
		set.Incomplete = set.Incomplete || !ok
		if all(documents, isDeployment) && len(documents) > 0 {
			environments, whole := l.environments(path)
			sets = append(sets, environments...)
			set.Incomplete = set.Incomplete || !whole
			continue
		}
		for _, document := range documents {
			if isDeployment(document) {
				l.mixed(document)
				continue
			}
			found, complete := l.resources(kubectl, document)
			set.Resources = append(set.Resources, found...)
			set.Incomplete = set.Incomplete || !complete
		}
	}
	if len(set.Resources) > 0 {
		sets = append([]Set{set}, sets...)
	}
	return sets, set.Incomplete
}

// parseStream is parse for files of loose objects: where one document of several is broken, the ones before and
// behind it are still read.
func (l *loader) parseStream(root, path string) ([]manifest.Document, bool) {
	documents, ok := l.parse(root, path)
	f := l.files[path]
	if ok || f == nil || f.data == nil {
		return documents, ok
	}
	return salvage(path, f.data, l.Limits), false
}

// salvage reads each document of a broken file for itself and returns those that are whole.
func salvage(path string, data []byte, limits Limits) []manifest.Document {
	var documents []manifest.Document
	start, offset, lines := 0, 0, 0
	flush := func(end int) {
		found, findings := parseDocuments(path, data[start:end], limits)
		if len(findings) > 0 {
			return
		}
		for _, document := range found {
			shift(document.Node, lines-bytes.Count(data[start:end], []byte("\n")))
		}
		documents = append(documents, found...)
	}
	for line := range bytes.Lines(data) {
		if bytes.HasPrefix(line, []byte("---")) {
			flush(offset)
			start = offset
		}
		offset += len(line)
		lines += bytes.Count(line, []byte("\n"))
	}
	flush(len(data))
	return documents
}

// shift moves a document to the lines where it stands in its file.
func shift(n *yaml.Node, lines int) {
	n.Line += lines
	for _, child := range n.Content {
		shift(child, lines)
	}
}

func (l *loader) mixed(document manifest.Document) {
	l.report(finding.Finding{
		Code: CodeDocument, Level: finding.Error, File: document.File, Line: document.Node.Line, Column: document.Node.Column,
		Object:  finding.Object{APIVersion: field(document.Node, "apiVersion"), Kind: field(document.Node, "kind"), Name: nameOf(document)},
		Message: "a ModelDeployment stands in a file with other objects and was not judged", Fix: "Move it to a file of its own.",
	})
}

func nameOf(document manifest.Document) string {
	if n := manifest.Lookup(document.Node, "/metadata/name"); n != nil {
		return n.Value
	}
	return ""
}

func all[T any](list []T, is func(T) bool) bool {
	for _, one := range list {
		if !is(one) {
			return false
		}
	}
	return true
}

func environmentName(document, model, environment string) string {
	return fmt.Sprintf("%s: %s, %s", document, model, cmp.Or(environment, "default"))
}
