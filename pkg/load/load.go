package load

import (
	"context"
	"io"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// Kind says what a set was read from.
type Kind string

// Kinds of sets.
const (
	Kustomization Kind = "kustomization"
	Files         Kind = "files"
	Stream        Kind = "stream"
	// Environment is one environment of a ModelDeployment, rendered in memory.
	Environment Kind = "document environment"
)

// Set is what reaches a cluster together.
type Set struct {
	// Name is the path of the kustomization, the file or directory, or document:environment.
	Name string
	Kind Kind
	// Resources in the order in which they would be applied. Sets of one tree share Data and Nodes of what is
	// the same in them: read them, never change them.
	Resources []manifest.Resource
	// Kustomizations are the kustomization files that took part, the named one first, and Patches the strategic
	// merge patches that they name or hold, in the order in which they are applied.
	Kustomizations, Patches []manifest.Resource
	// Incomplete is set where files could not be read or the kustomization could not be built. Resources are
	// then those that could, as they stand: nothing follows from what is not among them.
	Incomplete bool
	// Loose is set where the files were found in a directory, and nobody said that they are all there is. Files that
	// are named and a stream are: kubectl apply -f takes them as they are.
	Loose bool
	// Unbuilt is set where the kustomization could not be built, not even without what is missing: names,
	// namespaces, variables and patches are not applied.
	Unbuilt bool
}

// Limits bound what reading may cost. A field that is zero means its default.
type Limits struct {
	// FileBytes and FileNodes bound one file: 8 MiB and 400,000 values and keys, aliases expanded. The largest
	// bundles of CRDs are half of that.
	FileBytes int64
	FileNodes int
	// TotalBytes bounds all files together: 512 MiB.
	TotalBytes int64
	// Files bounds how many files and directories are looked at: 250,000.
	Files int
}

func (l Limits) withDefaults() Limits {
	if l.FileBytes <= 0 {
		l.FileBytes = 8 << 20
	}
	if l.FileNodes <= 0 {
		l.FileNodes = 400_000
	}
	if l.TotalBytes <= 0 {
		l.TotalBytes = 512 << 20
	}
	if l.Files <= 0 {
		l.Files = 250_000
	}
	return l
}

// Options of reading.
type Options struct {
	// Stdin is what the path - stands for.
	Stdin  io.Reader
	Limits Limits
	// Progress, where set, is told how many sets of how many are done.
	Progress func(done, total int)
	// Kustomize builds kservegen's own trees by Kustomize, too, instead of directly. The result is the same.
	Kustomize bool
}

// Load reads every set of the paths, which name files, directories, or - for standard input. The error is that
// of ctx; everything else that goes wrong is a finding.
func Load(ctx context.Context, paths []string, options Options) ([]Set, []finding.Finding, error) {
	var sets []Set
	findings, err := Each(ctx, paths, options, func(set Set) error {
		sets = append(sets, set)
		return nil
	})
	return sets, findings, err
}

// Strict is Load for those who can do nothing with a part: what is wrong is its error, manifest.Problems.
func Strict(ctx context.Context, paths []string, options Options) ([]Set, error) {
	sets, findings, err := Load(ctx, paths, options)
	if err != nil {
		return nil, err
	}
	var problems manifest.Problems
	for _, f := range findings {
		if f.Level == finding.Error {
			problems = append(problems, manifest.Problem{File: f.File, Line: f.Line, Column: f.Column, Message: f.Message})
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return sets, nil
}

// Each is Load for many sets: it hands over one after the other and keeps none.
func Each(ctx context.Context, paths []string, options Options, yield func(Set) error) ([]finding.Finding, error) {
	options.Limits = options.Limits.withDefaults()
	l := newLoader(options)
	jobs := l.find(ctx, paths)
	for i, job := range jobs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, set := range job() {
			if err := yield(set); err != nil {
				return nil, err
			}
		}
		l.forget()
		if options.Progress != nil {
			options.Progress(i+1, len(jobs))
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return finding.Sort(l.findings), nil
}
