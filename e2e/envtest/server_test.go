package envtest

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/dryrun"
)

// dryRun: what `validate --server` asks gets the server's answer, and leaves nothing behind.
func (s *suite) dryRun(t *testing.T) {
	cluster, err := dryrun.New(s.Config, "default")
	require.NoError(t, err)
	service := map[string]any{
		"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": "asked"},
		"spec": map[string]any{"ports": []any{map[string]any{"port": int64(80)}}},
	}
	for name, test := range map[string]struct {
		change  func(map[string]any)
		message string
		field   string
	}{
		"accepted":      {func(map[string]any) {}, "", ""},
		"unknown field": {func(o map[string]any) { o["spec"].(map[string]any)["port"] = int64(80) }, "port", ""},
		"bad value":     {func(o map[string]any) { o["spec"].(map[string]any)["type"] = "Door" }, "Unsupported value", "spec.type"},
		"no name":       {func(o map[string]any) { o["metadata"] = map[string]any{} }, "Required value", "metadata.name"},
		"no such kind":  {func(o map[string]any) { o["kind"] = "Servise" }, "no kind Servise", "kind"},
		"no namespace": {func(o map[string]any) { o["metadata"] = map[string]any{"name": "asked", "namespace": "nowhere"} },
			`namespaces "nowhere" not found`, ""},
	} {
		object := maps.Clone(service)
		object["spec"] = maps.Clone(service["spec"].(map[string]any))
		test.change(object)
		verdict, err := cluster.Ask(t.Context(), object)
		require.NoError(t, err, name)
		assert.Equal(t, test.message == "", verdict.Accepted, name)
		assert.Contains(t, verdict.Message, test.message, name)
		if test.field != "" {
			assert.Equal(t, []string{test.field}, verdict.Fields, name)
		}
	}
	after, err := cluster.Ask(t.Context(), service)
	require.NoError(t, err)
	assert.True(t, after.Accepted)
}
