package manifest_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// FuzzRead looks for panics and for problems without a sensible place.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "a: 1\n", "# c\n---\na: [b, {c: d}] # e\n---\n", "a: &x {b: 1}\nc: *x\n", "<<: 1", "a: !!binary aGk=", "? a\n: b\n? [c]\n: |+2\n   d\n\n# e",
		"a:\r\n- b # c\r\n\r\n# d\r\n- e", "\ufeff%YAML 1.1\n---\n'a': \"\\x41\\\n b\"\n...\n", bomb(4), strings.Repeat("[", 200), "a: b: c", "a: \"", "\t", "&a [*a]",
		"a: &x {b: 1}\nc: {<<: *x, d: 2}\n", "a: &x {b: 1}\nc: {<<: [*x, {e: 1}], b: 2}\n", "&a {<<: *a}", "{<<: {<<: {a: b}}}", "a: {b: 1, <<: {b: 2}}", mergeBomb(4),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := manifest.Limits{Bytes: 1 << 16, Nodes: 2000}
		documents, err := manifest.Read("f.yaml", bytes.NewReader(data), limits)
		merged, mergedErr := manifest.ReadMerging("f.yaml", bytes.NewReader(data), limits)
		if err == nil {
			require.NoError(t, mergedErr)
			require.Equal(t, documents, merged)
		}
		checkRead(t, data, documents, err)
		checkRead(t, data, merged, mergedErr)
	})
}

func checkRead(t *testing.T, data []byte, documents []manifest.Document, err error) {
	t.Helper()
	if err == nil {
		require.NotEmpty(t, documents)
		for _, document := range documents {
			require.NotNil(t, document.Node)
			manifest.Lookup(document.Node, "/a/0")
		}
		return
	}
	var problems manifest.Problems
	require.ErrorAs(t, err, &problems)
	require.Nil(t, documents)
	lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + bytes.Count(data, []byte("\u2028")) + bytes.Count(data, []byte("\u2029")) + 2
	for _, problem := range problems {
		require.LessOrEqual(t, problem.Line, lines, problem.Error())
		require.NotContains(t, problem.Message, "the YAML library gave up")
	}
}

// FuzzMarshal compares with the library on any JSON.
func FuzzMarshal(f *testing.F) {
	for _, s := range nasty() {
		if data, err := json.Marshal(map[string]any{"a": s, "b": []any{s, map[string]any{"c": s}}}); err == nil && utf8.ValidString(s) {
			f.Add(data)
		}
	}
	f.Add([]byte(`[1, 1.0, -0, 1e21, 1e-7, true, null, {}, [], [[1, [2]]], {"v10": 1, "v2": {"a": null}}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if json.Unmarshal(data, &v) != nil {
			t.Skip("no JSON")
		}
		checkAgainstLibrary(t, v)
	})
}
