package schema_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	kubeschema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kservegen/kservegen/pkg/schema"
)

// TestSharedSchemasEqualTheServers compares what is compiled once and shared with what the server compiles from the
// whole schema, for everything that is stored.
func TestSharedSchemasEqualTheServers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles every schema in full")
	}
	kinds := 0
	require.NoError(t, schema.EachStored(func(c schema.Compiled) {
		kinds++
		equal(t, c.OfServer, c.Structural, c.Name+": structural schema")
		equal(t, c.OpenAPIOfServer, c.OpenAPI, c.Name+": OpenAPI")
		if !c.Native {
			// The server prunes defaults before it uses them; here nothing is left to prune.
			equal(t, c.WithPrunedDefaults, c.Structural, c.Name+": defaults")
		}
	}))
	assert.Greater(t, kinds, 180)
}

// TestRulesOnDemandEqualRulesAhead runs both over the corpus, the bad objects and mutants of them.
func TestRulesOnDemandEqualRulesAhead(t *testing.T) {
	t.Parallel()
	c, err := schema.New(nil)
	require.NoError(t, err)
	eager := map[kubeschema.GroupVersionKind]*cel.Validator{}
	refused, total := 0, 0
	for object := range mutants(t, 1, 24) {
		lazily, ahead, err := c.Rules(t.Context(), object, eager)
		if err != nil {
			continue // a kind that is not known
		}
		total++
		if len(ahead) > 0 {
			refused++
		}
		require.ElementsMatchf(t, ahead, lazily, "%v", object)
	}
	assert.Greater(t, total, 2000)
	assert.Greater(t, refused, 50, "the rules hardly refuse a mutant: nothing is compared")
}
