package suite

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/cluster/image"
)

// TestRecord lets a tree that was edited in again, no other one, and knows pods with other mocks.
func TestRecord(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		was   record
		stale bool
		err   string
	}{
		"a new cluster": {},
		"the same":      {was: record{tree: "/a", mocks: "1"}},
		"other mocks":   {was: record{tree: "/a", mocks: "2"}, stale: true},
		"cut off":       {was: record{tree: "/a"}, stale: true},
		"another tree":  {was: record{tree: "/b", mocks: "1"}, err: "the cluster that runs has another tree in it, /b: `make e2e-down` makes room for /a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stale, err := c.was.compare("/a", "1")
			assert.Equal(t, c.stale, stale)
			if c.err != "" {
				require.EqualError(t, err, c.err)
				return
			}
			require.NoError(t, err)
		})
	}
}

// TestDigest differs as soon as a byte of an image does.
func TestDigest(t *testing.T) {
	t.Parallel()
	of := func(content string) string {
		digest, err := digestOf([]image.Image{{Name: "a:1", Files: []image.File{{Path: "/a", Content: []byte(content)}}}})
		require.NoError(t, err)
		return digest
	}
	assert.Equal(t, of("a"), of("a"))
	assert.NotEqual(t, of("a"), of("b"))
}
