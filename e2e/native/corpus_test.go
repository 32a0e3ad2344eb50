package native

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/e2e/envtest/trees"
)

// root is the repository.
const root = "../.."

// corpus are the different objects of every tree, of the API server's suite, of pkg/schema and of this one.
func corpus(t *testing.T) []map[string]any {
	t.Helper()
	var objects []map[string]any
	found, err := trees.Find(root)
	require.NoError(t, err)
	for _, tree := range found {
		for _, object := range tree.Objects {
			objects = append(objects, object.Object)
		}
	}
	for _, pattern := range []string{"../envtest/testdata/corpus/native.yaml", root + "/pkg/schema/testdata/good/*.yaml", "testdata/*.yaml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			objects = append(objects, documents(t, file)...)
		}
	}
	var distinct []map[string]any
	seen := map[string]bool{}
	for _, object := range objects {
		content, err := json.Marshal(object)
		require.NoError(t, err)
		if !seen[string(content)] {
			seen[string(content)] = true
			distinct = append(distinct, object)
		}
	}
	return distinct
}

func documents(t *testing.T, file string) []map[string]any {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	var objects []map[string]any
	for document := range strings.SplitSeq(string(content), "\n---\n") {
		encoded, err := yaml.YAMLToJSON([]byte(document))
		require.NoError(t, err, file)
		var object map[string]any
		require.NoError(t, utiljson.Unmarshal(encoded, &object), file)
		objects = append(objects, object)
	}
	return objects
}
