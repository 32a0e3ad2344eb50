package mutate_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/envtest/mutate"
)

// widget has something for each operator.
const widget = `{
	"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "n", "labels": {"a": "b"}},
	"spec": {"mode": "Fast", "size": 3, "ports": [{"name": "http", "port": 80}, {"name": "admin", "port": 81}]}
}`

const widgetSchema = `{"type": "object", "properties": {"spec": {"type": "object", "required": ["mode"], "properties": {
	"mode": {"type": "string", "enum": ["Fast", "Slow"]},
	"size": {"type": "integer", "minimum": 1, "maximum": 5},
	"ports": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
		"items": {"type": "object", "properties": {"name": {"type": "string"}, "port": {"type": "integer"}}}}
}}}}`

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var fields map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &fields))
	return integers(fields).(map[string]any)
}

// integers has whole numbers of the type that the API machinery uses.
func integers(value any) any {
	switch value := value.(type) {
	case float64:
		return int64(value)
	case map[string]any:
		for key := range value {
			value[key] = integers(value[key])
		}
	case []any:
		for i := range value {
			value[i] = integers(value[i])
		}
	}
	return value
}

type one struct{ field mutate.Field }

func (o one) Schema(string, string) mutate.Field { return o.field }

func generate(t *testing.T, seed uint64, perOperator int) []mutate.Mutant {
	t.Helper()
	return mutate.Generate([]map[string]any{decode(t, widget)}, mutate.Options{
		Seed: seed, PerOperator: perOperator, Schemas: one{decode(t, widgetSchema)},
	})
}

func TestEveryOperatorDamages(t *testing.T) {
	t.Parallel()
	original := decode(t, widget)
	made := map[mutate.Operator]int{}
	seen := map[string]mutate.Mutant{}
	for _, mutant := range generate(t, 1, 1000) {
		made[mutant.Operator]++
		assert.NotEqual(t, original, mutant.Object, mutant.String())
		assert.Equal(t, "Widget", mutant.Object["kind"])
		metadata, _ := mutant.Object["metadata"].(map[string]any)
		assert.Equal(t, "w", metadata["name"], "which object it is stays")
		content, err := json.Marshal(mutant.Object)
		require.NoError(t, err)
		assert.NotContainsf(t, seen, string(content), "%s", mutant)
		seen[string(content)] = mutant
	}
	for _, operator := range mutate.Operators() {
		assert.NotZero(t, made[operator], operator)
	}
	assert.Equal(t, decode(t, widget), original, "the corpus is not touched")
}

func TestSeedDecides(t *testing.T) {
	t.Parallel()
	first, again := generate(t, 1, 5), generate(t, 1, 5)
	assert.Equal(t, first, again)
	assert.NotEqual(t, first, generate(t, 2, 5))
	assert.Len(t, generate(t, 1, 2), 2*len(mutate.Operators()))
}

func TestChanges(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, mutant := range generate(t, 1, 1000) {
		found[string(mutant.Operator)+" "+mutant.Path+": "+mutant.Change] = true
	}
	for _, want := range []string{
		"drop spec.mode: dropped",
		"drop spec.ports[1]: dropped",
		"rename spec.size: renamed to sizex",
		"retype spec.size: set to <nil>",
		"out of range spec.size: set to 6",
		"out of range spec.size: set to 0",
		"enum spec.mode: set to \"Slow\"",
		"duplicate spec.ports[0]: once more",
		"list key spec.ports[1]: name of a copy changed",
	} {
		assert.True(t, found[want], want)
	}
}
