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

// Why judges disagree. A disagreement of no known kind fails the test.
const (
	newerServer  = "newer server"                 // see newer
	runtimeAlone = "a runtime alone"              // see alone
	otherDefault = "another default"              // see configured
	notServed    = "webhooks that are not served" // see unserved
	unexplained  = "unexplained"
)

// newer server: Kubernetes 1.36 checks the formats of numbers in custom resources; the libraries of 1.34, which
// KServe needs, drop them (StripUnsupportedFormatsPostProcessorForVersion of apiextensions-apiserver).
func newer(c comparison) bool {
	return c.own.Accepted && !c.server.Accepted && strings.Contains(c.server.Causes[0].Message, "with format int32")
}

// a runtime alone: KServe's code is run on a runtime with the services that name it, and not by itself. Of a number that only its
// webhook decodes, one in an int-or-string, the schema says nothing.
func alone(c comparison) bool {
	return c.own.Accepted && strings.HasSuffix(c.Kind, "ServingRuntime") && strings.Contains(c.server.Causes[0].Message, "json: cannot unmarshal number")
}

// another default: KServe on the server has Standard as its mode (cluster/kserve.go). Of an InferenceService that doesn't say one
// kservegen takes KServe's own, Knative, which has no deploymentStrategy.
func configured(c comparison) bool {
	return !c.own.Accepted && c.server.Accepted && strings.Contains(c.own.Causes[0].Message, "only supported for raw deployment mode")
}

// webhooks that are not served: those of LLMInferenceService are of another program than the others (cluster/kserve.go). What
// they refuse, and what they cannot decode, the server takes.
func unserved(c comparison) bool {
	return !c.own.Accepted && c.server.Accepted && c.Kind == "LLMInferenceService" &&
		(strings.Contains(c.own.Causes[0].Message, "llminferenceservice.kserve-webhook-server") || strings.Contains(c.own.Causes[0].Message, "json: cannot unmarshal number"))
}

// schemaAgrees compares pkg/schema with a server that has no webhooks.
func (s *suite) schemaAgrees(t *testing.T) {
	catalog, err := schema.New(nil)
	require.NoError(t, err)
	compared := s.differential(t, schemaJudge{catalog}, true)
	corpus, mutants := split(compared, func(c comparison) bool { return c.Operator == asWritten })
	assertAgreement(t, corpus, 1, "the corpus")
	native, custom := split(mutants, comparison.native)
	assertAgreement(t, custom, 0.995, "mutants of custom resources")
	assertAgreement(t, native, 0.99, "mutants of native kinds")
	places := newTally(compared).total
	assert.GreaterOrEqual(t, places.places(), 0.97, "where both refuse, the place is the server's")
	t.Logf("the server's first place is among ours at %d of %d refusals that have one", places.found, places.located)
	assertListed(t, "disagreements-a.txt", compared, reason)
}

// validateAgrees compares `validate` with a server that asks KServe and istiod.
func (s *suite) validateAgrees(t *testing.T) {
	whole, err := validate.NewJudge(validate.JudgeOptions{})
	require.NoError(t, err)
	compared := s.differential(t, &validateJudge{judge: whole, refused: refusedCodes()}, false)
	corpus, mutants := split(compared, func(c comparison) bool { return c.Operator == asWritten })
	assertAgreement(t, corpus, 1, "the corpus")
	assertAgreement(t, mutants, 0.995, "mutants")
	assertListed(t, "disagreements-b.txt", compared, reason)
}

func reason(c comparison) string {
	switch {
	case newer(c):
		return newerServer
	case alone(c):
		return runtimeAlone
	case configured(c):
		return otherDefault
	case unserved(c):
		return notServed
	}
	return unexplained
}

func assertAgreement(t *testing.T, compared []comparison, least float64, what string) {
	t.Helper()
	total := newTally(compared).total
	assert.NotZero(t, total.all, what)
	assert.GreaterOrEqualf(t, total.agreement(), least, "%s: %d of %d have the server's verdict", what, total.agreed, total.all)
}

// differential asks the server and another judge about the corpus and its mutants, and prints how often they
// agree.
func (s *suite) differential(t *testing.T, own judge, places bool) []comparison {
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
	native, custom := split(compared, comparison.native)
	var tables strings.Builder
	require.NoError(t, newTally(custom).print(&tables, "custom resources", places))
	tables.WriteByte('\n')
	require.NoError(t, newTally(native).print(&tables, "native kinds", places))
	t.Log("\n" + tables.String())
	assertFair(t, compared)
	return compared
}

func split(compared []comparison, is func(comparison) bool) (those, others []comparison) {
	for _, one := range compared {
		if is(one) {
			those = append(those, one)
		} else {
			others = append(others, one)
		}
	}
	return those, others
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
