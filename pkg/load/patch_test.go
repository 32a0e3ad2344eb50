package load

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestMatches holds the shortcut for plain texts to what Kustomize does with patterns: the whole text, anchored.
func TestMatches(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern string
		texts   []string
		want    bool
	}{
		{"", []string{"any"}, true},
		{"model-v1", []string{"model-v1"}, true},
		{"model-v1", []string{"model-v2", "model-v1"}, true},
		{"model-v1", []string{"model-v10"}, false},
		{"model", []string{"a-model"}, false},
		{"model", []string{"Model"}, false},
		{"model-.*", []string{"model-v2"}, true},
		{"a|b", []string{"b"}, true},
		{"a|b", []string{"ab"}, false},
		{"serving.kserve.io", []string{"servingxkserve.io"}, true},
		{"(", []string{"("}, true}, // the same text needs no expression
		{"(", []string{"x"}, false},
	} {
		assert.Equal(t, test.want, matches(test.pattern, test.texts...), "%q of %q", test.pattern, test.texts)
	}
}
