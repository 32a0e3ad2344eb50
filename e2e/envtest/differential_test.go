package envtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/envtest/mutate"
	"github.com/kservegen/kservegen/pkg/schema"
	"github.com/kservegen/kservegen/pkg/validate"
)

// schemaAgrees compares pkg/schema with a server that has no webhooks.
func (s *suite) schemaAgrees(t *testing.T) {
	catalog, err := schema.New(nil)
	require.NoError(t, err)
	compared := s.differential(t, schemaJudge{catalog})
	assertListed(t, "disagreements-a.txt", compared, func(comparison) string { return "?" })
}

// validateAgrees compares `validate` with a server that asks KServe and istiod.
func (s *suite) validateAgrees(t *testing.T) {
	whole, err := validate.NewJudge(validate.JudgeOptions{})
	require.NoError(t, err)
	compared := s.differential(t, &validateJudge{judge: whole, refused: refusedCodes(t)})
	assertListed(t, "disagreements-b.txt", compared, func(comparison) string { return "?" })
}

// differential asks the server and another judge about the corpus and its mutants, and prints how often they
// agree.
func (s *suite) differential(t *testing.T, own judge) []comparison {
	t.Helper()
	seeds := s.seeds(t)
	objects := s.samples(t)
	for _, object := range seeds {
		objects = append(objects, written("the trees", object))
	}
	objects = append(objects, mutate.Generate(seeds, mutate.Options{Seed: seed, PerOperator: perOperator, Schemas: s.schemas(t)})...)
	began := time.Now()
	compared, err := compare(t.Context(), s.API, own, objects)
	require.NoError(t, err)
	t.Logf("%d objects judged twice in %.1f s", len(objects), time.Since(began).Seconds())
	custom, native := split(compared)
	var tables strings.Builder
	require.NoError(t, newTally(custom).print(&tables, "custom resources"))
	tables.WriteByte('\n')
	require.NoError(t, newTally(native).print(&tables, "native kinds"))
	t.Log("\n" + tables.String())
	assertFair(t, compared)
	return compared
}

func split(compared []comparison) (custom, native []comparison) {
	for _, one := range compared {
		if one.native() {
			native = append(native, one)
		} else {
			custom = append(custom, one)
		}
	}
	return custom, native
}

// assertFair wants enough mutants, and enough that the server accepts and refuses, for a judge that accepts or
// refuses everything to be found out.
func assertFair(t *testing.T, compared []comparison) {
	t.Helper()
	counted := newTally(slices.DeleteFunc(slices.Clone(compared), func(c comparison) bool { return c.Operator == asWritten }))
	assert.GreaterOrEqual(t, counted.total.all, 2000)
	for _, operator := range mutate.Operators() {
		assert.GreaterOrEqualf(t, entry(counted.byOperator, string(operator)).all, 100, "mutants by %s", operator)
	}
	assert.GreaterOrEqual(t, counted.total.acceptance(), 0.4, "the server accepts too few for a fair comparison")
	assert.LessOrEqual(t, counted.total.acceptance(), 0.8, "the server refuses too few for a fair comparison")
}
