package load

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// looseDirectories makes one set of each directory's files, as kubectl apply -f reads them. alone is set where the
// tree holds nothing else.
func (l *loader) looseDirectories(root string, files []string, alone bool) []Set {
	var sets []Set
	byDir := map[string][]string{}
	for _, file := range files {
		byDir[filepath.Dir(file)] = append(byDir[filepath.Dir(file)], file)
	}
	broken := false
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		found, incomplete := l.looseDirectory(root, dir, byDir[dir])
		for i := range found {
			found[i].Loose = found[i].Kind == Files
		}
		sets, broken = append(sets, found...), broken || incomplete
	}
	if alone && len(sets) == 0 && !broken {
		l.report(finding.Finding{
			Code: CodeNothing, Level: finding.Error, File: root, Message: "holds no Kubernetes object and no kustomization",
			Fix: "Name a directory that does, or - for standard input.",
		})
	}
	return sets
}

// looseDirectory is one set, or one a file where files of a directory that was found, not named, hold the same object:
// then a person applies one of them. Who names a directory, as for kubectl apply -f, means all of it.
func (l *loader) looseDirectory(root, dir string, files []string) ([]Set, bool) {
	if dir == root || !l.alternatives(root, dir, files) {
		return l.looseSets(dir, root, files)
	}
	var sets []Set
	broken := false
	for _, file := range files {
		found, incomplete := l.looseSets(file, root, []string{file})
		for i := range found {
			found[i].Incomplete = found[i].Incomplete || found[i].Kind == Files
		}
		sets, broken = append(sets, found...), broken || incomplete
	}
	return sets, broken
}

// alternatives looks for an object that stands in two files, and tells of the first.
func (l *loader) alternatives(root, dir string, files []string) bool {
	type identity struct{ group, kind, namespace, name string }
	in := map[identity]string{}
	for _, file := range files {
		documents, _ := l.parseStream(root, file)
		for _, document := range documents {
			if !isObject(document) {
				continue
			}
			one := resourceOf(file, document.Node)
			group, _ := filepath.Split(one.APIVersion())
			at := identity{group, one.Kind(), one.Namespace(), one.Name()}
			if first, ok := in[at]; ok && first != file {
				place := one.At("/metadata/name")
				l.report(finding.Finding{
					Code: CodeAlternatives, Level: finding.Info, File: file, Line: place.Line, Column: place.Column,
					Message: one.Kind() + " " + one.Name() + " stands in " + filepath.Base(first) + ", too, so each file of " + dir + " was judged by itself",
				})
				return true
			}
			in[at] = file
		}
	}
	return false
}

// manifestPattern finds what every manifest has at its top, in YAML and in JSON.
var manifestPattern = regexp.MustCompile(`(?m)^(apiVersion|kind|"apiVersion"|"kind")\s*:|"(apiVersion|kind)"\s*:`)

// manifests leaves out of the files of a directory those that are none: values of charts, package.json, data.
// Of a file that a person names it is told.
func (s *scan) manifests(files []string) []string {
	return slices.DeleteFunc(slices.Clone(files), func(path string) bool {
		f, ok := s.bytes(s.root, path)
		return ok && !manifestPattern.Match(f.data)
	})
}

// peek parses a file without a word about its text; false where it is not valid.
func (s *scan) peek(path string) ([]manifest.Document, bool) {
	f, ok := s.bytes(s.root, path)
	if !ok {
		return nil, false
	}
	documents, findings := parseDocuments(path, f.data, s.Limits)
	return documents, len(findings) == 0
}
