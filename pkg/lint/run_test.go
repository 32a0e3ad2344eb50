package lint_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func codesOf(findings []finding.Finding) []string {
	var codes []string
	for _, f := range findings {
		codes = append(codes, f.Code)
	}
	return codes
}

func TestIncompleteSets(t *testing.T) {
	t.Parallel()
	whole := map[string]bool{}
	for _, r := range lint.All() {
		whole[r.Code] = r.Whole
	}
	for _, f := range fixtures(t) {
		if f.good || !whole[f.code] {
			continue
		}
		set := readSet(t, f.file, f.data)
		set.Incomplete = true
		assert.NotContains(t, codesOf(run(t, versionsOf(t, f.data), set)), f.code, "it follows from what is missing")
	}
}

func TestRunStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := lint.Run(ctx, []lint.Set{{}}, lint.Options{})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestDormant(t *testing.T) {
	t.Parallel()
	assert.Contains(t, lint.Dormant(nil), "KG0410", "it is about Istio before 1.27")
	assert.NotContains(t, lint.Dormant(lint.Versions{rule.Istio: {Major: 1, Minor: 20}}), "KG0410")
}
