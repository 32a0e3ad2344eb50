package manifest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/manifest"
)

func TestMergeKeysAreResolved(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"alias":           {"a: &a {b: 1, c: 2}\nd: {<<: *a, c: 3}", "a: {b: 1, c: 2}\nd: {b: 1, c: 3}"},
		"first wins":      {"a: &a {b: 1}\nc: &c {b: 2, d: 3}\ne: {<<: [*a, *c]}", "a: {b: 1}\nc: {b: 2, d: 3}\ne: {b: 1, d: 3}"},
		"written":         {"a: {<<: {b: 1}, c: 2}", "a: {b: 1, c: 2}"},
		"nested":          {"a: &a {b: 1}\nc: &c {<<: *a, d: 2}\ne: {<<: *c}", "a: {b: 1}\nc: {b: 1, d: 2}\ne: {b: 1, d: 2}"},
		"behind another":  {"a: &a {b: 1}\nc: {d: 2, <<: *a}", "a: {b: 1}\nc: {d: 2, b: 1}"},
		"empty":           {"a: {<<: {}}", "a: {}"},
		"quoted is a key": {"a: {'<<': b}", "a: {'<<': b}"},
	} {
		documents, err := manifest.ReadMerging("f.yaml", strings.NewReader(tc.text), manifest.Limits{})
		require.NoErrorf(t, err, name)
		want, err := read(tc.want)
		require.NoErrorf(t, err, name)
		var got, expected any
		require.NoErrorf(t, documents[0].Node.Decode(&got), name)
		require.NoErrorf(t, want[0].Node.Decode(&expected), name)
		assert.Equalf(t, expected, got, name)
	}
}

func TestMergedFieldsKeepTheirPlaces(t *testing.T) {
	t.Parallel()
	documents, err := manifest.ReadMerging("f.yaml", strings.NewReader("a: &a\n  b: 1\nc:\n  <<: *a\n  d: 2\n"), manifest.Limits{})
	require.NoError(t, err)
	r := manifest.Resource{File: "f.yaml", Node: documents[0].Node}
	assert.Equal(t, manifest.Place{File: "f.yaml", Line: 2, Column: 6}, r.At("/c/b"))
	assert.Equal(t, manifest.Place{File: "f.yaml", Line: 5, Column: 6}, r.At("/c/d"))
}

func TestMergeKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	const wants = "a merge key (<<) takes a mapping, or a list of mappings; name an anchor of one: <<: *name"
	for text, want := range map[string]string{
		"a: {<<: 1}":                        "f.yaml:1:5: " + wants,
		"a: &a [1]\nb: {<<: *a}":            "f.yaml:2:5: " + wants,
		"a: {<<: [{b: 1}, c]}":              "f.yaml:1:5: " + wants,
		"&a {<<: *a}":                       "f.yaml:1:9: alias *a stands inside the value that it names; write the value out",
		"a: &a {b: 1}\nc: {<<: *a, <<: *a}": `f.yaml:2:13: duplicate key "<<", first on line 2; remove one`,
		"a: &a {b: 1}\nc: {b: 2, <<: *a}": `f.yaml:2:11: the merge key (<<) stands behind "b", which it holds, too: ` +
			"kubectl and Kustomize take different ones; put << first",
	} {
		_, err := manifest.ReadMerging("f.yaml", strings.NewReader(text), manifest.Limits{})
		require.EqualErrorf(t, err, want, text)
	}
}
