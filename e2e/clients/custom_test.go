package clients

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
	// threeReplicas wants the number that it finds to be %d.
	threeReplicas = component + `patches:
- target: {kind: InferenceService}
  patch: |-
    - {op: test, path: /spec/predictor/minReplicas, value: %d}
    - {op: replace, path: /spec/predictor/minReplicas, value: 3}
`
)

// custom is the folder of an overlay that belongs to its user.
func (s *suite) custom(t *testing.T) {
	t.Parallel()
	o := s.sample(t, "canary", "dev") // one replica here, two in the base
	t.Run("as it is written", func(t *testing.T) {
		t.Parallel()
		data, err := os.ReadFile(filepath.Join(o.dir(), "custom", kustomizationName))
		require.NoError(t, err)
		assert.Contains(t, string(data), "\npatches: []\n") // that it builds, equality shows
	})
	t.Run("without patches", func(t *testing.T) {
		t.Parallel()
		s.allFail(t, withCustom(t, o, component), "")
	})
	t.Run("absent", func(t *testing.T) {
		t.Parallel()
		changed := o.copied(t)
		require.NoError(t, os.RemoveAll(filepath.Join(changed.dir(), "custom")))
		s.allFail(t, changed, "custom")
	})
	t.Run("applies after the generated patches", func(t *testing.T) {
		t.Parallel()
		s.allHold(t, withCustom(t, o, fmt.Sprintf(threeReplicas, 1)), "\n    minReplicas: 3\n")
	})
	t.Run("does not see the base", func(t *testing.T) {
		t.Parallel()
		s.allFail(t, withCustom(t, o, fmt.Sprintf(threeReplicas, 2)), "/spec/predictor/minReplicas")
	})
}

// withCustom is a copy of the overlay with this kustomization of its user.
func withCustom(t *testing.T, o overlay, kustomization string) location {
	t.Helper()
	changed := o.copied(t)
	path := filepath.Join(changed.dir(), "custom", kustomizationName)
	require.NoError(t, os.WriteFile(path, []byte(kustomization), 0o644))
	return changed
}

// allFail wants an error with this text of every builder.
func (s *suite) allFail(t *testing.T, l location, text string) {
	t.Helper()
	for _, b := range s.builders {
		_, err := b.build(t.Context(), l)
		assert.ErrorContains(t, err, text, b.name)
	}
}

// allHold wants the same bytes of every builder, with this text among them.
func (s *suite) allHold(t *testing.T, l location, text string) {
	t.Helper()
	want, err := s.builders[0].build(t.Context(), l)
	require.NoError(t, err)
	assert.Contains(t, string(want), text)
	for _, b := range s.builders[1:] {
		got, err := b.build(t.Context(), l)
		require.NoError(t, err, b.name)
		assert.Equal(t, string(want), string(got), b.name)
	}
}
