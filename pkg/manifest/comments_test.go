package manifest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/manifest"
)

func TestCommentsOfWhatWasWritten(t *testing.T) {
	t.Parallel()
	v := map[string]any{"a/b": map[string]any{"c": 1, "d": "two\nlines\n"}, "l": []any{map[string]any{"x": 1}, "y"}}
	data, err := manifest.MarshalCommented(v, manifest.Comments{
		At:   map[string]string{"/a~1b": "top", "/a~1b/c": "first\nsecond", "/l/1": "item"},
		Line: map[string]string{"/a~1b/d": "block", "/l/0/x": "behind"},
	})
	require.NoError(t, err)
	documents, err := read(string(data))
	require.NoError(t, err)
	got := manifest.CommentsOf(documents[0].Node)
	assert.Equal(t, map[string]string{
		"/a~1b": "top", "/a~1b/c": "first\nsecond", "/a~1b/d": "block", "/l/0/x": "behind", "/l/1": "item",
	}, got.At)

	clone := got.Clone()
	clone.Drop("/a~1b")
	assert.Equal(t, map[string]string{"/l/0/x": "behind", "/l/1": "item"}, clone.At)
	assert.Contains(t, got.At, "/a~1b/c", "a clone shares nothing")
}
