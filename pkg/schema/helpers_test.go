package schema_test

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"
)

// unmarshal reads whole numbers as int64, as pkg/manifest does.
func unmarshal(data []byte, into *map[string]any) error { return json.Unmarshal(data, into) }

// roundTrip brings what Kustomize builds into the types of JSON.
func roundTrip(t testing.TB, object map[string]any) map[string]any {
	t.Helper()
	encoded, err := json.Marshal(object)
	require.NoError(t, err)
	var decoded map[string]any
	require.NoError(t, unmarshal(encoded, &decoded))
	return decoded
}

// equal is assert.Equal without the megabytes of a difference.
func equal(t *testing.T, want, got any, what string) {
	t.Helper()
	assert.Truef(t, reflect.DeepEqual(want, got), "%s differs", what)
}

// badObjects are those of testdata/bad, goodObjects those of testdata/good.
func badObjects(t testing.TB) []map[string]any  { return objectsIn(t, "testdata/bad") }
func goodObjects(t testing.TB) []map[string]any { return objectsIn(t, "testdata/good") }

func objectsIn(t testing.TB, dir string) []map[string]any {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.yaml")
	require.NoError(t, err)
	var objects []map[string]any
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		objects = append(objects, decode(t, source))
	}
	return objects
}

// mutants are the corpus, the good and the bad objects, each once as it is and n times with one change, always the same.
func mutants(t testing.TB, seed uint64, n int) iter.Seq[map[string]any] {
	t.Helper()
	var originals []map[string]any
	for _, object := range slices.Concat(corpus(t), goodObjects(t), badObjects(t)) {
		originals = append(originals, roundTrip(t, object))
	}
	random := rand.New(rand.NewPCG(seed, 0))
	return func(yield func(map[string]any) bool) {
		for _, original := range originals {
			if !yield(runtime.DeepCopyJSON(original)) {
				return
			}
			for range n {
				mutant := runtime.DeepCopyJSON(original)
				mutate(random, mutant)
				if !yield(mutant) {
					return
				}
			}
		}
	}
}

// mutate changes one value somewhere in the object.
func mutate(random *rand.Rand, object map[string]any) {
	keys := slices.Sorted(maps.Keys(object))
	if len(keys) == 0 {
		object["new"] = "field"
		return
	}
	key := keys[random.IntN(len(keys))]
	switch value := object[key].(type) {
	case map[string]any:
		if random.IntN(6) > 0 {
			mutate(random, value)
			return
		}
	case []any:
		if len(value) > 0 && random.IntN(4) > 0 {
			at := random.IntN(len(value))
			if item, ok := value[at].(map[string]any); ok && random.IntN(4) > 0 {
				mutate(random, item)
			} else {
				object[key] = append(value, value[at]) // a duplicate
			}
			return
		}
	}
	switch random.IntN(4) {
	case 0:
		delete(object, key)
	case 1:
		object[key+"x"] = object[key]
		delete(object, key)
	default:
		object[key] = other(random, object[key])
	}
}

// other is a value of another type or far out.
func other(random *rand.Rand, value any) any {
	values := []any{nil, true, "", "-", "0s", fmt.Sprint(value), int64(-1), int64(1 << 40), 1.5, []any{}, []any{value, value}, map[string]any{}, map[string]any{"a.b/c": value}}
	return values[random.IntN(len(values))]
}
