package manifest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/manifest"
)

func TestKeyOrderOfEveryPair(t *testing.T) {
	t.Parallel()
	keys := []string{
		"", "0", "00", "1", "01", "001", "10", "010", "9", "1a", "01a", "a1b", "a01b", "a10b", "a100b", "v0", "v00", "v1", "v01", "v2", "v10", "v010", "v100",
		"v20", "v200", "v1000", "v10.0", "v1.10", "v1.9", "v1.09", "x0y", "x00y", "x10", "x9z", "a", "A", "b", "_", "-", ".", "a-b", "a.b", "a_b", "a/b", "ab", "aB", "é", "è", "ê", "日本", "日木",
		"a3", "a٣", "a٣4", "a34", "a30", "a300", "aé1", "aè1", "🚀", "🚁", "99999999999999999999", "99999999999999999998", "a b", "a\tb",
	}
	for i, a := range keys {
		for _, b := range keys[i+1:] {
			checkAgainstLibrary(t, map[string]any{a: 1, b: 2})
		}
	}
}

// TestKeysInACircleKeepOneOrder: each of these stands before the next for the library, and the last before the
// first.
func TestKeysInACircleKeepOneOrder(t *testing.T) {
	t.Parallel()
	v := map[string]any{"11q": 1, "1t": 2, "3c": 3}
	want, err := manifest.Marshal(v)
	require.NoError(t, err)
	for range 100 {
		got, err := manifest.Marshal(v)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got))
	}
}
