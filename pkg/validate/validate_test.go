package validate_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/validate"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// ports finds every object with a port, at the port.
func ports() validate.Check {
	return validate.PerObject(func(_ context.Context, object manifest.Resource) ([]validate.Problem, error) {
		if _, ok := object.Data["port"]; !ok {
			return nil, nil
		}
		return []validate.Problem{{Code: "KG0900", Level: finding.Error, Path: "/port", Message: "has a port", Fix: "Remove it."}}, nil
	})
}

func TestChecksSeeEverySet(t *testing.T) {
	t.Parallel()
	path := write(t, "a.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: a, namespace: ns}\nport: 1\n---\nb: [\n")
	r, err := validate.Run(t.Context(), []string{path}, validate.Options{Checks: []validate.Check{ports()}, FailOn: finding.Error})
	require.NoError(t, err)
	require.Len(t, r.Findings, 2, "what cannot be read, and what was judged nevertheless")
	assert.Equal(t, finding.Finding{
		Code: "KG0900", Level: finding.Error, File: path, Line: 4, Column: 7, Path: "/port", Message: "has a port", Fix: "Remove it.",
		Object: finding.Object{APIVersion: "v1", Kind: "A", Namespace: "ns", Name: "a"},
	}, r.Findings[0])
	assert.Equal(t, load.CodeSyntax, r.Findings[1].Code)
	assert.Equal(t, 1, r.Objects())
}

func TestIgnore(t *testing.T) {
	t.Parallel()
	path := write(t, "a.yaml", "apiVersion: v1\nkind: A\nport: 1\n---\nb: [\n")
	ignores := []validate.Suppression{}
	for _, text := range []string{"kg0900=known", "KG0901=gone", "KG0001=broken=on purpose"} {
		one, err := validate.ParseSuppression(text)
		require.NoError(t, err)
		ignores = append(ignores, one)
	}
	assert.Equal(t, "broken=on purpose", ignores[2].Reason)
	r, err := validate.Run(t.Context(), []string{path}, validate.Options{Checks: []validate.Check{ports()}, Suppress: ignores})
	require.NoError(t, err)
	var codes []string
	for _, f := range r.Findings {
		codes = append(codes, f.Code)
	}
	slices.Sort(codes)
	assert.Equal(t, []string{load.CodeSyntax, validate.CodeUnused}, codes, "what cannot be read is not ignored")
}

func TestACheckThatFailsEndsTheRun(t *testing.T) {
	t.Parallel()
	path := write(t, "a.yaml", "apiVersion: v1\nkind: A\n")
	broken := errors.New("broken")
	_, err := validate.Run(t.Context(), []string{path}, validate.Options{Checks: []validate.Check{
		validate.Func(func(context.Context, load.Set) ([]finding.Finding, error) { return nil, broken }),
	}})
	require.ErrorIs(t, err, broken)
	assert.ErrorContains(t, err, path)
}

func TestRulesExplainEveryCode(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, rule := range validate.Rules() {
		assert.Regexp(t, `^KG\d{4}$`, rule.Code)
		assert.False(t, seen[rule.Code], "%s is there twice", rule.Code)
		seen[rule.Code] = true
		assert.Regexp(t, `[^.]$`, rule.Title)
		assert.Regexp(t, `\.$`, rule.Why)
		assert.Regexp(t, `\.$`, rule.Fix)
	}
}

func TestTheCaseOfAKindDoesNotMatter(t *testing.T) {
	t.Parallel()
	path := write(t, "a.yaml", "apiVersion: v1\nkind: Thing\nmetadata: {name: a}\nport: 1\n")
	for text, left := range map[string]int{"KG0900@thing/a=known": 0, "KG0900@THING/a=known": 0, "KG0900@Thing/A=known": 2} {
		one, err := validate.ParseSuppression(text)
		require.NoError(t, err)
		r, err := validate.Run(t.Context(), []string{path}, validate.Options{Checks: []validate.Check{ports()}, Suppress: []validate.Suppression{one}})
		require.NoError(t, err)
		assert.Len(t, r.Findings, left, text)
	}
}
