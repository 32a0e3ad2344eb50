package manifest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/manifest"
)

func TestTokensOfPointers(t *testing.T) {
	t.Parallel()
	for key, token := range map[string]string{
		"": "", "a": "a", "a/b": "a~1b", "a~b": "a~0b", "~1": "~01", "~/~": "~0~1~0", "example.com/port": "example.com~1port",
	} {
		assert.Equal(t, token, manifest.EscapeToken(key))
		assert.Equal(t, key, manifest.UnescapeToken(token))
	}
}

func TestDeepCopySharesNothing(t *testing.T) {
	t.Parallel()
	original := map[string]any{"list": []any{map[string]any{"n": int64(1)}}, "null": nil}
	copied := manifest.DeepCopy(original)
	assert.Equal(t, original, copied)
	copied["list"].([]any)[0].(map[string]any)["n"] = int64(2)
	assert.Equal(t, int64(1), original["list"].([]any)[0].(map[string]any)["n"])
	assert.Nil(t, manifest.DeepCopy[any](nil))
}

func TestLines(t *testing.T) {
	t.Parallel()
	lines := manifest.NewLines([]byte("\ufeffäb\r\nc\n"))
	for _, tc := range []struct {
		line, column, offset int
		ok                   bool
	}{
		{1, 1, 3, true},
		{1, 2, 5, true},
		{1, 4, 7, true},
		{1, 5, 0, false},
		{2, 1, 8, true},
		{2, 2, 9, true},
		{3, 1, 10, true},
		{3, 2, 0, false},
		{4, 1, 0, false},
		{0, 1, 0, false},
		{2, 0, 8, true}, // no column: the line
	} {
		offset, ok := lines.Offset(tc.line, tc.column)
		assert.Equal(t, tc.ok, ok, "%d:%d", tc.line, tc.column)
		if tc.ok {
			assert.Equal(t, tc.offset, offset, "%d:%d", tc.line, tc.column)
		}
	}
	start, text, ok := lines.Line(2)
	assert.Equal(t, 8, start)
	assert.Equal(t, "c", string(text))
	assert.True(t, ok)
	_, text, _ = manifest.NewLines([]byte("no break")).Line(1)
	assert.Equal(t, "no break", string(text))
}
