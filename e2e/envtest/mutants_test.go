package envtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kservegen/kservegen/e2e/envtest/mutate"
)

// The mutants that the server is asked about.
const (
	seed        = 20
	perOperator = 350
)

// mutants reports what the server says of damaged objects: enough of them, and enough that it accepts, for a
// judge that refuses or accepts everything to be found out.
func (s *suite) mutants(t *testing.T) {
	corpus := s.corpus(t)
	began := time.Now()
	mutants := mutate.Generate(corpus, mutate.Options{Seed: seed, PerOperator: perOperator, Schemas: s.schemas(t)})
	made := time.Since(began)
	server, err := verdicts(t.Context(), s.API, mutants)
	require.NoError(t, err)
	counted := newTally(mutants, server, nil)
	elapsed := time.Since(began) - made
	var table strings.Builder
	require.NoError(t, counted.print(&table, false))
	t.Logf("%d mutants of %d objects made in %.1f s, judged in %.1f s (%.0f per second)\n%s", len(mutants), len(corpus),
		made.Seconds(), elapsed.Seconds(), float64(len(mutants))/elapsed.Seconds(), table.String())
	assert.GreaterOrEqual(t, len(mutants), 2000)
	for _, operator := range mutate.Operators() {
		assert.GreaterOrEqualf(t, entry(counted.byOperator, string(operator)).all, 100, "mutants by %s", operator)
	}
	assert.GreaterOrEqual(t, counted.total.share(), 0.4, "the server accepts too few for a fair comparison")
	assert.LessOrEqual(t, counted.total.share(), 0.8, "the server refuses too few for a fair comparison")
}

// corpus are the different objects of all trees, and one of each kind that trees don't have yet. The server
// accepts each, or nothing could be said of its mutants.
func (s *suite) corpus(t *testing.T) []map[string]any {
	t.Helper()
	var corpus []map[string]any
	seen := map[string]bool{}
	add := func(object *unstructured.Unstructured) {
		content, err := object.MarshalJSON()
		require.NoError(t, err)
		if seen[string(content)] {
			return
		}
		seen[string(content)] = true
		if namespace := object.GetNamespace(); namespace != "" {
			s.ensureNamespace(t, namespace)
		}
		verdict, err := s.API.Verdict(t.Context(), object.Object)
		require.NoErrorf(t, err, "%s %s", object.GetKind(), object.GetName())
		require.Truef(t, verdict.Accepted, "%s %s: %v", object.GetKind(), object.GetName(), verdict.Causes)
		corpus = append(corpus, object.Object)
	}
	for _, tree := range s.trees {
		for _, object := range tree.Objects {
			add(object)
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "corpus", "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, document := range strings.Split(string(content), "\n---\n") {
			add(parse(t, document))
		}
	}
	return corpus
}

func (s *suite) schemas(t *testing.T) *schemas {
	t.Helper()
	return &schemas{found: map[string]mutate.Field{}, ask: func(apiVersion, kind string) mutate.Field {
		field, err := s.API.Schema(t.Context(), schema.FromAPIVersionAndKind(apiVersion, kind))
		require.NoErrorf(t, err, "%s %s", apiVersion, kind)
		return field
	}}
}
