package envtest

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/e2e/envtest/mutate"
)

// asWritten is the operator of an object that is no mutant.
const asWritten mutate.Operator = "none"

// The mutants that are made of the corpus.
const (
	seed        = 20
	perOperator = 350
)

// seeds are the different objects of all trees, and one of each kind that trees don't have. The server accepts
// each, or nothing could be said of its mutants.
func (s *suite) seeds(t *testing.T) []map[string]any {
	t.Helper()
	var all []mutate.Mutant
	for _, tree := range s.trees {
		for _, object := range tree.Objects {
			all = append(all, written(tree.Name, object.Object))
		}
	}
	for _, file := range glob(t, filepath.Join("testdata", "corpus", "*.yaml")) {
		all = append(all, documents(t, file)...)
	}
	var objects []map[string]any
	for _, one := range s.distinct(t, all) {
		verdict, err := s.API.Verdict(t.Context(), one.Object)
		require.NoError(t, err, one)
		require.Truef(t, verdict.Accepted, "%s: %v", one, verdict.Causes)
		objects = append(objects, one.Object)
	}
	return objects
}

// samples are the objects, right and wrong, that the tests of other packages keep.
func (s *suite) samples(t *testing.T) []mutate.Mutant {
	t.Helper()
	var all []mutate.Mutant
	for _, file := range glob(t, filepath.Join("testdata", "refusals", "*.yaml")) {
		all = append(all, written(filepath.Base(file), readRefusal(t, file).Object))
	}
	for _, folder := range []string{"good", "bad"} {
		for _, file := range glob(t, filepath.Join("..", "..", "pkg", "schema", "testdata", folder, "*.yaml")) {
			all = append(all, documents(t, file)...)
		}
	}
	for _, fixture := range fixtures(t) {
		for _, object := range fixture.objects {
			all = append(all, written(fixture.name, object.Object))
		}
	}
	return s.distinct(t, all)
}

// distinct leaves out what is there twice and makes the namespaces. In one that cannot be made, the server does
// not look at an object.
func (s *suite) distinct(t *testing.T, all []mutate.Mutant) []mutate.Mutant {
	t.Helper()
	var kept []mutate.Mutant
	seen := map[string]bool{}
	namespaces := map[string]bool{}
	for _, one := range all {
		object := &unstructured.Unstructured{Object: one.Object}
		content, err := yaml.Marshal(one.Object)
		require.NoError(t, err)
		namespace := object.GetNamespace()
		if seen[string(content)] || len(validation.IsDNS1123Label(cmp.Or(namespace, "default"))) > 0 {
			continue
		}
		seen[string(content)] = true
		kept = append(kept, one)
		if namespace != "" && !namespaces[namespace] {
			namespaces[namespace] = true
			s.ensureNamespace(t, namespace)
		}
	}
	return kept
}

// documents are the objects of a file.
func documents(t *testing.T, file string) []mutate.Mutant {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	var all []mutate.Mutant
	for document := range strings.SplitSeq(string(content), "\n---\n") {
		all = append(all, written(filepath.Base(file), parse(t, document).Object))
	}
	return all
}

// written is an object that nothing was done to, with where it comes from.
func written(from string, object map[string]any) mutate.Mutant {
	kind, _ := object["kind"].(string)
	name, _, _ := unstructured.NestedString(object, "metadata", "name")
	return mutate.Mutant{Operator: asWritten, Kind: kind, Name: name, Change: from, Object: object}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, files, pattern)
	return files
}

func (s *suite) schemas(t *testing.T) *schemas {
	t.Helper()
	return &schemas{found: map[string]mutate.Field{}, ask: func(apiVersion, kind string) mutate.Field {
		field, err := s.API.Schema(t.Context(), schema.FromAPIVersionAndKind(apiVersion, kind))
		require.NoErrorf(t, err, "%s %s", apiVersion, kind)
		return field
	}}
}
