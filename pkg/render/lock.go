package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// LockFile is the name of the lock in a tree.
const LockFile = "kservegen.lock"

const (
	lockKind        = "Lock"
	lockAPIVersion  = "kservegen.dev/v1alpha1"
	wholePrefix     = "sha256:"
	structurePrefix = "structure-sha256:"
)

// Lock says what was rendered from what, so that an edit by hand shows.
type Lock struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Version is RenderedSince, empty for the first release and builds before it.
	Version string `json:"version,omitempty"`
	// Document is the digest of the document, its traffic left out.
	Document string `json:"document"`
	// Files maps each generated file to its digest, a traffic file to that of its structure.
	Files map[string]string `json:"files"`
}

func newLock(document string, files []File) Lock {
	lock := Lock{APIVersion: lockAPIVersion, Kind: lockKind, Document: document, Files: map[string]string{}}
	if RenderedSince != firstRelease {
		lock.Version = RenderedSince
	}
	for _, file := range files {
		if file.Kind != Custom {
			lock.Files[file.Path] = fingerprint(file.Kind, file.Data)
		}
	}
	return lock
}

func fingerprint(kind FileKind, data []byte) string {
	prefix := wholePrefix
	if kind == TrafficFile {
		prefix, data = structurePrefix, trafficStructure(data)
	}
	sum := sha256.Sum256(data)
	return prefix + hex.EncodeToString(sum[:])
}

// Bytes is the file.
func (l Lock) Bytes() ([]byte, error) {
	files := make(map[string]any, len(l.Files))
	for path, digest := range l.Files {
		files[path] = digest
	}
	data := map[string]any{"apiVersion": l.APIVersion, "kind": l.Kind, "document": l.Document, "files": files}
	if l.Version != "" {
		data["version"] = l.Version
	}
	return manifest.MarshalCommented(data, manifest.Comments{Head: "What kservegen rendered here. It tells an edit by hand from its own work."})
}

// ReadLock parses a lock file.
func ReadLock(path string, data []byte) (Lock, error) { return parseLock(path, data) }

// Holds says whether a file is as it was rendered; of a traffic file, whether all but its numbers is.
func (l Lock) Holds(path string, data []byte) bool {
	want, kind := l.Files[path], Generated
	if strings.HasPrefix(want, structurePrefix) {
		kind = TrafficFile
	}
	return want != "" && fingerprint(kind, data) == want
}

func parseLock(path string, data []byte) (Lock, error) {
	var lock Lock
	if err := yaml.UnmarshalStrict(data, &lock); err != nil {
		return Lock{}, fmt.Errorf("reading %s: %w; restore it from Git, or render with --force to replace the tree", path, err)
	}
	if lock.Kind != lockKind || lock.APIVersion != lockAPIVersion {
		return Lock{}, fmt.Errorf("reading %s: it is %s %s, not a lock of this version; render with --force to replace the tree", path, lock.APIVersion, lock.Kind)
	}
	return lock, nil
}
