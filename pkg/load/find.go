package load

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
)

// job reads one set, or the sets of one document.
type job func() []Set

// find turns the arguments into jobs. Files that are named one by one are one set.
func (l *loader) find(ctx context.Context, paths []string) []job {
	var (
		jobs  []job
		named []string
		seen  = map[string]bool{}
	)
	for _, path := range paths {
		if path != "-" {
			path = filepath.Clean(path)
		}
		if seen[path] {
			continue
		}
		seen[path] = true
		info, err := os.Stat(path)
		switch {
		case path == "-":
			jobs = append(jobs, l.stream)
		case err != nil:
			l.refuse(path, "%s", plainError(err))
		case info.IsDir():
			jobs = append(jobs, l.directory(ctx, path)...)
		case isKustomizationName(filepath.Base(path)):
			jobs = append(jobs, l.kustomization(filepath.Dir(path), filepath.Dir(path)))
		default:
			named = append(named, path)
		}
	}
	if len(named) > 0 {
		name := named[0]
		if len(named) > 1 {
			name = "files"
		}
		jobs = append(jobs, func() []Set { return l.loose(name, "", named) })
	}
	return jobs
}

func isKustomizationName(name string) bool {
	return slices.Contains(kustomizationNames(), name)
}

// kustomizationNames are those that Kustomize looks for (konfig.RecognizedKustomizationFileNames).
func kustomizationNames() []string {
	return []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}
}

// kustomizationFile returns the kustomization file of a directory, empty where there is none.
func kustomizationFile(dir string) string {
	for _, name := range kustomizationNames() {
		path := filepath.Join(dir, name)
		if info, err := os.Lstat(path); err == nil && !info.IsDir() {
			return path
		}
	}
	return ""
}

// directory turns a directory into jobs: a kustomization, the leaves of a tree of them, or loose files.
func (l *loader) directory(ctx context.Context, dir string) []job {
	if kustomizationFile(dir) != "" {
		return []job{l.kustomization(dir, dir)}
	}
	scan := &scan{loader: l, root: dir, used: map[string]bool{}}
	scan.walk(ctx, dir)
	jobs := scan.leaves()
	loose := scan.loose()
	if alone := len(jobs) == 0; alone || len(loose) > 0 {
		jobs = append(jobs, func() []Set { return l.looseDirectories(dir, loose, alone) })
	}
	return jobs
}

// scan is what a directory tree holds.
type scan struct {
	*loader
	root string
	// kustomizations and own are directories: those with a kustomization, and trees with our lock.
	kustomizations, own []string
	yaml                []string
	// used are the files and directories that kustomizations name.
	used map[string]bool
}

// walk looks through a tree in the order of names. Hidden directories and the templates of charts are no
// manifests.
func (s *scan) walk(ctx context.Context, dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		s.refuse(dir, "%s", plainError(err))
		return
	}
	if exists(filepath.Join(dir, lockFile)) && kustomizationFile(dir) == "" {
		s.own = append(s.own, dir)
		return
	}
	if kustomizationFile(dir) != "" {
		s.kustomizations = append(s.kustomizations, dir)
	}
	chart := exists(filepath.Join(dir, "Chart.yaml"))
	for _, entry := range entries {
		if s.seen++; s.seen > s.Limits.Files || ctx.Err() != nil {
			return
		}
		name := entry.Name()
		path := filepath.Join(dir, name)
		switch {
		case strings.HasPrefix(name, "."), chart && (name == "templates" || name == "Chart.yaml"):
		case entry.IsDir():
			s.walk(ctx, path)
		case isYAML(name) && !isKustomizationName(name):
			s.file(path, entry)
		}
	}
}

func (s *scan) file(path string, entry fs.DirEntry) {
	if entry.Type()&fs.ModeSymlink != 0 {
		if err := s.inside(s.root, path); err != nil {
			s.refuse(path, "%s", plainError(err))
			return
		}
	}
	s.yaml = append(s.yaml, path)
}

func isYAML(name string) bool {
	extension := filepath.Ext(name)
	return extension == ".yaml" || extension == ".yml" || extension == ".json"
}

// leaves are the kustomizations that no other one uses; the others are judged as parts of them.
func (s *scan) leaves() []job {
	candidates := slices.Clone(s.kustomizations)
	for _, dir := range s.own {
		candidates = append(candidates, builtOf(dir)...)
	}
	for _, dir := range s.kustomizations {
		if k := s.readKustomization(s.root, dir); k != nil {
			for _, ref := range k.references() {
				s.used[filepath.Join(dir, ref.path)] = ref.path != "" || s.used[dir]
			}
			s.used[dir] = s.used[dir] || k.Kind == componentKind
		}
	}
	slices.Sort(candidates)
	var jobs []job
	for _, dir := range candidates {
		if !s.used[dir] {
			jobs = append(jobs, s.kustomization(s.root, dir))
		}
	}
	return jobs
}

// loose are the files that are judged as they stand. In a directory of a kustomization, what none names may be a
// part of an object, a patch that was switched off for example, and judging it as a whole would be wrong; but it may
// have been forgotten, too, so it is told. Every other file is one that a person applies by itself.
func (s *scan) loose() []string {
	managed := map[string]bool{}
	for _, dir := range s.kustomizations {
		managed[dir] = true
	}
	for path := range s.used {
		managed[filepath.Dir(path)] = managed[filepath.Dir(path)] || exists(path) && !isDirectory(path)
	}
	if len(s.kustomizations)+len(s.own) == 0 {
		return s.manifests(s.yaml)
	}
	var files []string
	for _, path := range s.manifests(s.yaml) {
		if s.used[path] {
			continue
		}
		documents, ok := s.peek(path)
		switch {
		// Documents of ours beside their trees, values and the like: what is built is what reaches a cluster.
		case ok && !slices.ContainsFunc(documents, isObject):
		case managed[filepath.Dir(path)]:
			s.unused(path, documents)
		default:
			files = append(files, path)
		}
	}
	return files
}

// unused tells of objects that nothing builds.
func (s *scan) unused(path string, documents []manifest.Document) {
	if !slices.ContainsFunc(documents, isObject) {
		return
	}
	s.report(finding.Finding{
		Code: CodeUnused, Level: finding.Info, File: path, Line: documents[0].Node.Line, Column: documents[0].Node.Column,
		Message: "no kustomization of " + s.root + " lists this file, so it was not judged",
		Fix:     "List it under resources or patches, remove it, or validate it by its own name.",
	})
}

func isObject(d manifest.Document) bool {
	return field(d.Node, "apiVersion") != "" && field(d.Node, "kind") != "" && !isDeployment(d) &&
		manifest.Lookup(d.Node, "/metadata/name") != nil
}

// builtOf lists what is built of one of our trees: its overlays, and what makes Flux or Argo CD pull them.
func builtOf(tree string) []string {
	var dirs []string
	for _, folder := range render.Folders() {
		found, err := filepath.Glob(filepath.Join(escapeGlob(tree), folder, "*", "kustomization.yaml"))
		if err != nil {
			return nil
		}
		for _, file := range found {
			dirs = append(dirs, filepath.Dir(file))
		}
	}
	return dirs
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
