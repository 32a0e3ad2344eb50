package lint_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/lint/rule"
	"github.com/kservegen/kservegen/pkg/manifest"
)

func inferenceService(annotations map[string]any, percent any) manifest.Resource {
	annotations[rule.ModeAnnotation] = "Standard"
	annotations[rule.ClassAnnotation] = "none"
	predictor := map[string]any{"timeout": int64(60), "containers": []any{map[string]any{"name": "kserve-container", "image": "example.com/a:v1"}}}
	if percent != nil {
		predictor["canaryTrafficPercent"] = percent
	}
	return manifest.Resource{File: "a.yaml", Data: map[string]any{
		"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
		"metadata": map[string]any{"name": "a", "namespace": "ml", "annotations": annotations},
		"spec":     map[string]any{"predictor": predictor},
	}}
}

func codesOf(findings []finding.Finding) []string {
	var codes []string
	for _, f := range findings {
		codes = append(codes, f.Code)
	}
	return codes
}

func TestSuppressionByCommandLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"KG0201=known":                          nil,
		"KG0201@InferenceService/a=known":       nil,
		"KG0201@InferenceService/ml/a=known":    nil,
		"KG0201@InferenceService/other/a=known": {"KG0001", "KG0201"},
		"KG0202=known":                          {"KG0001", "KG0201"},
	} {
		suppression, err := lint.ParseSuppression(text)
		require.NoError(t, err, text)
		set := lint.Set{Resources: []manifest.Resource{inferenceService(map[string]any{}, int64(10))}}
		findings, err := lint.Run(t.Context(), []lint.Set{set}, lint.Options{Suppress: []lint.Suppression{suppression}})
		require.NoError(t, err)
		assert.Equal(t, want, codesOf(findings), text)
	}
	for _, text := range []string{"", "KG9999=x", "KG0201", "KG0201=", "KG0201= ", "KG0201@a=x", "KG0201@a/b/c/d=x", "=x"} {
		_, err := lint.ParseSuppression(text)
		assert.Errorf(t, err, "%q", text)
	}
}

// TestSuppressionOfBase: an annotation in a base is used if one overlay needs it.
func TestSuppressionOfBase(t *testing.T) {
	t.Parallel()
	note := func() map[string]any { return map[string]any{lint.Annotation: "KG0201: known"} }
	needs := lint.Set{Name: "production", Resources: []manifest.Resource{inferenceService(note(), int64(10))}}
	not := lint.Set{Name: "dev", Resources: []manifest.Resource{inferenceService(note(), nil)}}
	assert.Empty(t, run(t, nil, needs, not))
	assert.Empty(t, run(t, nil, not, needs))
	assert.Equal(t, []string{"KG0001"}, codesOf(run(t, nil, not, not)), "nobody needs it, said once")
}

// TestSuppressionOfAnotherVersion: a rule that doesn't hold for these versions may hold for others.
func TestSuppressionOfAnotherVersion(t *testing.T) {
	t.Parallel()
	set := lint.Set{Resources: []manifest.Resource{inferenceService(map[string]any{lint.Annotation: "KG0410: known"}, nil)}}
	assert.Empty(t, run(t, nil, set))
	assert.Equal(t, []string{"KG0001"}, codesOf(run(t, lint.Versions{rule.Istio: {Major: 1, Minor: 20}}, set)))
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
