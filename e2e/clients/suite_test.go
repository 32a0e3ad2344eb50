package clients

import (
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// suite is what the tests share: the programs, and every overlay with what the kustomize CLI makes of it.
type suite struct {
	kservegen string
	builders  []builder
	overlays  []overlay
}

// TestClients runs everything on all reference trees, or those of KSERVEGEN_TREES, and on the samples.
func TestClients(t *testing.T) {
	log.SetOutput(io.Discard) // where kustomize in process warns of sortOptions; nothing else here logs
	s := newSuite(t)
	t.Run("equality", s.equality)
	t.Run("equality can fail", s.equalityCanFail)
	t.Run("guards", s.guards)
	t.Run("custom", s.custom)
	t.Run("schema", s.schema)
	t.Run("strict", s.strict)
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	s := &suite{kservegen: program(t), builders: builders(t)}
	roots := append(treeRoots(t), s.samples(t)...)
	for _, root := range roots {
		found, err := findOverlays(root)
		require.NoError(t, err)
		require.NotEmptyf(t, found, "%s holds no <model>/overlays/<environment>/kustomization.yaml", root)
		s.overlays = append(s.overlays, found...)
	}
	for i := range s.overlays {
		o := &s.overlays[i]
		var err error
		o.built, err = s.builders[0].build(t.Context(), o.location)
		require.NoErrorf(t, err, "kustomize build %s", o.dir())
		o.objects, err = splitStream(o.built)
		require.NoErrorf(t, err, "what kustomize built of %s", o.dir())
		require.Truef(t, o.shared() || len(o.objects) > 0, "%s builds to nothing", o.dir())
	}
	t.Logf("%d overlays of %d trees", len(s.overlays), len(roots))
	return s
}

// program is the kservegen to test: that of the environment, else the one that make builds.
func program(t *testing.T) string {
	t.Helper()
	path := os.Getenv("KSERVEGEN")
	if path == "" {
		path = filepath.Join("..", "..", "bin", "kservegen")
	}
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	_, err = os.Stat(path)
	require.NoError(t, err, "build the CLI first, or name it in KSERVEGEN")
	return path
}

// treeRoots are the directories to look for trees in; none is an error, so that nothing passes unseen.
func treeRoots(t *testing.T) []string {
	t.Helper()
	if list := os.Getenv("KSERVEGEN_TREES"); list != "" {
		return filepath.SplitList(list)
	}
	entries, err := os.ReadDir(filepath.Join("..", "..", "overlays"))
	require.NoError(t, err)
	var roots []string
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			roots = append(roots, filepath.Join("..", "..", "overlays", entry.Name()))
		}
	}
	require.NotEmpty(t, roots, "no reference trees in overlays/")
	return roots
}

// samples renders each document of testdata into a tree that lies beside it, as the reference trees do.
func (s *suite) samples(t *testing.T) []string {
	t.Helper()
	documents, err := filepath.Glob(filepath.Join("testdata", "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, documents)
	roots := make([]string, len(documents))
	top := t.TempDir()
	for i, from := range documents {
		roots[i] = filepath.Join(top, strings.TrimSuffix(filepath.Base(from), ".yaml"))
		require.NoError(t, os.Mkdir(roots[i], 0o755))
		data, err := os.ReadFile(from)
		require.NoError(t, err)
		to := filepath.Join(roots[i], documentName)
		require.NoError(t, os.WriteFile(to, data, 0o644))
		_, err = output(t.Context(), s.kservegen, "render", "-f", to, "-o", roots[i], "--shared")
		require.NoError(t, err)
	}
	return roots
}

// sample is one environment of a sample.
func (s *suite) sample(t *testing.T, document, environment string) overlay {
	t.Helper()
	for _, o := range s.overlays {
		if filepath.Base(o.root) == document && o.environment() == environment && !o.shared() {
			return o
		}
	}
	require.FailNowf(t, "no such sample", "%s has no environment %s", document, environment)
	return overlay{}
}
