package clients

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// equality wants the same bytes of everyone who builds an overlay, and of kservegen, which does not.
func (s *suite) equality(t *testing.T) {
	t.Parallel()
	for _, o := range s.overlays {
		t.Run(o.name(), func(t *testing.T) {
			t.Parallel()
			for _, b := range s.builders[1:] {
				got, err := b.build(t.Context(), o.location)
				require.NoError(t, err, b.name)
				assert.Equalf(t, string(o.built), string(got), "kustomize and %s", b.name)
			}
			s.equalsRender(t, o)
		})
	}
}

// equalsRender compares with `render --env`, which prints objects without building the tree.
func (s *suite) equalsRender(t *testing.T, o overlay) {
	t.Helper()
	if o.shared() {
		return
	}
	if o.document == "" && os.Getenv("KSERVEGEN_TREES") != "" {
		t.Logf("NOT TESTED: render --env, since there is no %s at %s or above", documentName, o.tree)
		return
	}
	require.NotEmptyf(t, o.document, "no %s at %s or above", documentName, o.tree)
	got, err := output(t.Context(), s.kservegen, "render", "-f", o.document, "--env", o.environment())
	require.NoError(t, err)
	assert.Equal(t, s.environmentOf(o), string(got), "kustomize and render --env")
}

// environmentOf is what the trees of a document build of one environment: `render --env` prints the models of a document
// one after the other, in its order, which is that of their names in overlays/.
func (s *suite) environmentOf(o overlay) string {
	var built []string
	for _, other := range s.overlays {
		if other.document == o.document && other.environment() == o.environment() && !other.shared() {
			built = append(built, string(other.built))
		}
	}
	return strings.Join(built, "---\n")
}

// equalityCanFail takes away what makes the builders agree on the order of objects.
func (s *suite) equalityCanFail(t *testing.T) {
	t.Parallel()
	o := s.sample(t, "canary", "production")
	changed := o.copied(t)
	changed.edit(t, kustomizationName, "sortOptions:\n  order: fifo\n", "")
	byName := map[string]string{}
	for _, b := range s.builders {
		got, err := b.build(t.Context(), changed)
		require.NoError(t, err, b.name)
		byName[b.name] = string(got)
	}
	assert.NotEqual(t, byName["kustomize"], byName["flux"], "without sortOptions the CLI sorts and Flux does not")
	assert.Equal(t, string(o.built), byName["flux"])
}

// guards shows that a patch whose test operation does not hold is an error for everyone.
func (s *suite) guards(t *testing.T) {
	t.Parallel()
	changed := s.sample(t, "canary", "production").copied(t)
	changed.edit(t, "traffic.yaml", "-v1-predictor.", "-v0-predictor.")
	s.allFail(t, changed, "/destination/host")
}
