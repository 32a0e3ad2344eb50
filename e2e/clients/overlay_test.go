package clients

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

const (
	documentName      = "document.yaml"
	kustomizationName = "kustomization.yaml"
	sharedModel       = "_shared"
)

// location is an overlay on disk: <tree>/<path>, where the tree needs nothing from outside.
type location struct {
	tree string
	path string
}

func (l location) dir() string         { return filepath.Join(l.tree, l.path) }
func (l location) environment() string { return filepath.Base(l.path) }

// shared says that the tree is what documents share, which render prints for no environment.
func (l location) shared() bool { return filepath.Base(l.tree) == sharedModel }

// overlay is an overlay that was found and built.
type overlay struct {
	location
	root     string // the directory in which it was found
	document string // what it was rendered from, if that is there
	built    []byte
	objects  [][]byte
}

func (o overlay) name() string {
	return filepath.Join(filepath.Base(o.root), filepath.Base(o.tree), o.environment())
}

// findOverlays walks below root for [<model>/]overlays/<environment>/kustomization.yaml.
func findOverlays(root string) ([]overlay, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	var found []overlay
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() != kustomizationName {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		parts := strings.Split(rel, string(filepath.Separator))
		if len(parts) < 3 || parts[len(parts)-3] != "overlays" {
			return nil
		}
		environment := filepath.Dir(path)
		tree := filepath.Dir(filepath.Dir(environment))
		at := location{tree: tree, path: filepath.Join("overlays", filepath.Base(environment))}
		found = append(found, overlay{location: at, root: root, document: documentOf(tree, root)})
		return nil
	})
	return found, err
}

// documentOf is the nearest document at the tree or above it, up to root; empty where there is none.
func documentOf(tree, root string) string {
	for dir := tree; ; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, documentName)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		if dir == root || dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// copied is the overlay in a copy of its tree, to change or to let a builder write to.
func (l location) copied(t *testing.T) location {
	t.Helper()
	to, err := copyTree(l, t.TempDir())
	require.NoError(t, err)
	return to
}

func copyTree(l location, to string) (location, error) {
	tree := filepath.Join(to, filepath.Base(l.tree))
	if err := os.CopyFS(tree, os.DirFS(l.tree)); err != nil {
		return location{}, fmt.Errorf("copy %s: %w", l.tree, err)
	}
	return location{tree: tree, path: l.path}, nil
}

// edit replaces a text in every file of the copied tree that has this name, and wants it to be there.
func (l location) edit(t *testing.T, name, from, to string) {
	t.Helper()
	edited := 0
	require.NoError(t, filepath.WalkDir(l.tree, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != name {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(data, []byte(from)) {
			return err
		}
		edited++
		return os.WriteFile(path, bytes.ReplaceAll(data, []byte(from), []byte(to)), 0o644)
	}))
	require.NotZerof(t, edited, "no %s below %s holds %q", name, l.tree, from)
}

// splitStream cuts a YAML stream into its documents.
func splitStream(stream []byte) ([][]byte, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(stream)))
	var documents [][]byte
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		documents = append(documents, document)
	}
}
