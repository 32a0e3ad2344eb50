package render

import (
	_ "embed" // changes.yaml
	"fmt"
	"path"

	"sigs.k8s.io/yaml"
)

// RenderedSince is the release since which the same document renders to the same bytes: that of the newest of Changes. The
// lock has it, and not the release that rendered, so that a release that changes nothing leaves the trees alone. A lock
// without it is of that release, or of a build before it.
const RenderedSince = firstRelease

// firstRelease goes without saying in a lock.
const firstRelease = "v0.1.0"

//go:embed changes.yaml
var changesFile []byte

// Change is something that is rendered otherwise than before from the same document.
type Change struct {
	// Version that came with it, vX.Y.Z.
	Version string `json:"version"`
	// Files are patterns of path.Match for the files of a tree that it may be in.
	Files []string `json:"files"`
	// What changed, why, and the issue or the source that says so.
	What   string `json:"what"`
	Why    string `json:"why"`
	Source string `json:"source"`
}

// Changes are those of every release, the oldest first.
func Changes() ([]Change, error) {
	var list []Change
	if err := yaml.UnmarshalStrict(changesFile, &list); err != nil {
		return nil, fmt.Errorf("reading the list of changes: %w", err)
	}
	return list, nil
}

// between are the changes of a file that came after one release up to and with another; after none with an empty one.
func between(list []Change, file, after, upTo string) []Change {
	var found []Change
	for _, c := range list {
		if newer(c.Version, after) && !newer(c.Version, upTo) && c.touches(file) {
			found = append(found, c)
		}
	}
	return found
}

func (c Change) touches(file string) bool {
	for _, pattern := range c.Files {
		if ok, err := path.Match(pattern, file); ok && err == nil {
			return true
		}
	}
	return false
}

// newer compares releases; what is none is the oldest.
func newer(a, b string) bool {
	was, is := releaseOf(b), releaseOf(a)
	for i := range is {
		if is[i] != was[i] {
			return is[i] > was[i]
		}
	}
	return false
}

func releaseOf(version string) (n [3]int) {
	if _, err := fmt.Sscanf(version, "v%d.%d.%d", &n[0], &n[1], &n[2]); err != nil {
		return [3]int{}
	}
	return n
}
