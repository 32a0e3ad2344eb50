package manifest_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/manifest"
)

func TestMarshalCommented(t *testing.T) {
	t.Parallel()
	v := map[string]any{
		"a": map[string]any{"b/c": 1, "d": map[string]any{}},
		"l": []any{map[string]any{"x": "1", "y": []any{"p", "q"}}, []any{"n"}, "s"},
		"t": "one\ntwo\n",
		"u": strings.Repeat("word ", 20) + "end",
	}
	got, err := manifest.MarshalCommented(v, manifest.Comments{
		Head: "first\n\nsecond\n",
		At: map[string]string{
			"/a": "above a", "/a/b~1c": "two\nlines", "/l/0": "the item", "/l/0/x": "its first field", "/l/0/y": "its second",
			"/l/0/y/1": "q", "/l/1": "nested", "/l/1/0": "in it", "/t": "text",
		},
		Line: map[string]string{"/a/b~1c": "one", "/a/d": "empty", "/l/2": "last", "/l/0/x": "x", "/t": "block", "/u": "folded"},
	})
	require.NoError(t, err)
	assert.Equal(t, `# first
#
# second
# above a
a:
  # two
  # lines
  b/c: 1 # one
  d: {} # empty
l:
# the item
# its first field
- x: "1" # x
  # its second
  "y":
  - p
  # q
  - q
# nested
# in it
- - "n"
- s # last
# text
t: | # block
  one
  two
u: word word word word word word word word word word word word word word word word
  word word word word end # folded
`, string(got))
}

func TestMarshalCommentedErrors(t *testing.T) {
	t.Parallel()
	v := map[string]any{"a": []any{1}, "b": 1}
	tests := map[string]struct {
		comments manifest.Comments
		want     string
	}{
		"no such pointers":   {manifest.Comments{At: map[string]string{"/c": "x", "/a/1": "x"}, Line: map[string]string{"/c": "x"}}, `a comment is meant for "/a/1", "/c", which the document does not have`},
		"behind a list":      {manifest.Comments{Line: map[string]string{"/a": "x"}}, `which is no scalar; put it above`},
		"two lines":          {manifest.Comments{Line: map[string]string{"/b": "x\ny"}}, "more than one line"},
		"control character":  {manifest.Comments{At: map[string]string{"/b": "x\ry"}}, "holds a control character"},
		"other line break":   {manifest.Comments{Head: "x\u2028y: z"}, "holds a control character"},
		"not UTF-8":          {manifest.Comments{Head: "\xff"}, "is not UTF-8"},
		"pointer of no form": {manifest.Comments{At: map[string]string{"b": "x"}}, `"b"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := manifest.MarshalCommented(v, tt.comments)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestMarshalErrorsNameThePlace(t *testing.T) {
	t.Parallel()
	type own struct{}
	deep := any("x")
	for range 10_001 {
		deep = []any{deep}
	}
	for want, v := range map[string]any{
		`writing "/a/0/b~1c": a manifest_test.own is no JSON value`:  map[string]any{"a": []any{map[string]any{"b/c": own{}}}},
		`writing "/a": the text "\x{85}" holds the character U+0085`: map[string]any{"a": "\u0085"},
		`would be read as a merge`:                                   map[string]any{"<<": 1},
		`nests deeper than 10000 levels`:                             deep,
		`is too long for YAML`:                                       map[string]any{strings.Repeat("k", 2000): 1},
	} {
		_, err := manifest.Marshal(v)
		require.ErrorContains(t, err, strings.ReplaceAll(want, `\x{85}`, `\u0085`))
	}
}

// pointers lists every pointer of v.
func pointers(v any, at string) []string {
	list := []string{at}
	switch v := v.(type) {
	case map[string]any:
		for key, field := range v {
			list = append(list, pointers(field, at+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(key))...)
		}
	case []any:
		for i, item := range v {
			list = append(list, pointers(item, at+"/"+strconv.Itoa(i))...)
		}
	}
	return list
}

// TestCommentsAreOnlyComments checks that comments anywhere change nothing of what is read back.
func TestCommentsAreOnlyComments(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := map[string]any{"root": value(4).Draw(t, "value")}
		if _, err := manifest.Marshal(v); err != nil {
			t.Skip("kustomize cannot carry it either")
		}
		comment := rapid.StringMatching(`[ -~é]{1,20}`)
		comments := manifest.Comments{Head: comment.Draw(t, "head"), At: map[string]string{}, Line: map[string]string{}}
		all := pointers(v, "")
		for _, pointer := range rapid.SliceOfN(rapid.SampledFrom(all), 0, 5).Draw(t, "at") {
			comments.At[pointer] = comment.Draw(t, "text") + "\n" + comment.Draw(t, "text")
		}
		for _, pointer := range rapid.SliceOfN(rapid.SampledFrom(all), 0, 5).Draw(t, "line") {
			trial := manifest.Comments{Line: map[string]string{pointer: "x"}}
			if _, err := manifest.MarshalCommented(v, trial); err == nil {
				comments.Line[pointer] = comment.Draw(t, "text")
			}
		}
		data, err := manifest.MarshalCommented(v, comments)
		require.NoError(t, err)
		documents, err := read(string(data))
		require.NoError(t, err, "%s", data)
		require.Equal(t, canonical(t, v), dataOf(t, documents[0].Node), "%s", data)
	})
}
