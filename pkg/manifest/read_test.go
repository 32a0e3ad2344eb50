package manifest_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

func read(text string) ([]manifest.Document, error) {
	return manifest.Read("f.yaml", strings.NewReader(text), manifest.Limits{})
}

func TestReadProblems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"empty":                   {"", "f.yaml: is empty"},
		"blank":                   {" \n\n", "f.yaml: is empty"},
		"comments only":           {"# nothing\n---\n# here\n", "f.yaml: is empty"},
		"not UTF-8":               {"a: b\nc: é\xff\n", "f.yaml:2:5: is not UTF-8: byte 0xFF; save the file as UTF-8"},
		"UTF-16":                  {"\xff\xfea\x00", "f.yaml:1:1: is not UTF-8: byte 0xFF; save the file as UTF-8"},
		"NUL":                     {"a: b\r\nc: \x00\n", "f.yaml:2:4: control character U+0000; remove it, or escape it in double quotes"},
		"escape":                  {"a: \x1b[0m", "f.yaml:1:4: control character U+001B; remove it, or escape it in double quotes"},
		"next line":               {"a: \u0085", "f.yaml:1:4: control character U+0085; remove it, or escape it in double quotes"},
		"duplicate key":           {"a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 2\n", "f.yaml:5:3: duplicate key \"c\", first on line 3; remove one\nf.yaml:6:1: duplicate key \"a\", first on line 1; remove one"},
		"duplicate in flow":       {"{a: 1, 'a': 2}", "f.yaml:1:8: duplicate key \"a\", first on line 1; remove one"},
		"duplicate number":        {"1: a\n\"1\": b\n", "f.yaml:2:1: duplicate key \"1\", first on line 1; remove one"},
		"duplicate by alias":      {"a: &x b\nb: 1\n*x : 2\n", "f.yaml:3:1: duplicate key \"b\", first on line 2; remove one"},
		"duplicate in second":     {"a: 1\n---\n# c\nb: 1\nb: 2\n", "f.yaml:5:1: duplicate key \"b\", first on line 4; remove one"},
		"duplicate and CRLF":      {"a: 1\r\n---\r\nb: 1\r\nb: 2\r\n", "f.yaml:4:1: duplicate key \"b\", first on line 3; remove one"},
		"merge":                   {"a: &a {b: 1}\nc:\n  <<: *a\n", "f.yaml:3:3: merge keys (<<) are not supported; write the fields out"},
		"unknown tag":             {"a: !foo b\n", "f.yaml:1:4: unknown tag !foo; write the value without it"},
		"unknown tag on mapping":  {"a: !foo\n  b: 1\n", "f.yaml:1:4: unknown tag !foo; write the value without it"},
		"unknown tag on list":     {"- !!set [a]\n", "f.yaml:1:3: unknown tag !!set; write the value without it"},
		"unknown tag on key":      {"!foo a: b\n", "f.yaml:1:1: unknown tag !foo; write the value without it"},
		"binary":                  {"a: !!binary aGk=\n", "f.yaml:1:4: unknown tag !!binary; write the value without it"},
		"wrong tag":               {"a: !!int b\n", "f.yaml:1:4: the value does not fit its tag !!int; remove the tag"},
		"wrong tag on list":       {"a: !!str [b]\n", "f.yaml:1:4: the value does not fit its tag !!str; remove the tag"},
		"list as key":             {"[a]: b\n", "f.yaml:1:1: the key is a list or a mapping; a key must be text"},
		"null key":                {"a:\n  ~: b\n", "f.yaml:2:3: the key is empty or null; quote it if it is meant as text"},
		"alias in itself":         {"a: &x\n  b: [*x]\n", "f.yaml:2:7: alias *x stands inside the value that it names; write the value out"},
		"unknown alias":           {"a: 1\n---\nb: 2\nc:   *x\n", "f.yaml:4:6: alias *x names no anchor; write the value out"},
		"alias of other document": {"a: &x 1\n---\nb: *x\n", ""},
		"tab":                     {"a:\n  b: 1\n\tc: 2\n", "f.yaml:3: found a tab character that violates indentation"},
		"tab after a list":        {"a:\n- b\n\t- c: 2\n", "f.yaml:3: found a tab character that violates indentation"},
		"escape in quotes":        {"a: \"x\n  y\n  \\q\"\n", "f.yaml:3: found unknown escape character"},
		"tab on first line":       {"\ta: b\n", "f.yaml:1:1: a tab stands where YAML takes blanks only; write blanks"},
		"tab for an indentation":  {"# c\na:\n \tb: 1\n", "f.yaml:3:2: a tab stands where YAML takes blanks only; write blanks"},
		"tab behind a dash":       {"a:\n-\tb: 1\n", "f.yaml:2:2: a tab stands where YAML takes blanks only; write blanks"},
		"no tab but an at sign":   {"a:\n- \t@b\n", "f.yaml:2: found character that cannot start any token"},
		"two colons":              {"a: b: c\n", "f.yaml:1: mapping values are not allowed in this context"},
		"two colons later":        {"x: 1\ny: 2\na: b: c\n", "f.yaml:3: mapping values are not allowed in this context"},
		"indentation":             {"a:\n    b: 1\n  c: 2\nd: 3\n", "f.yaml:3: did not find expected key"},
		"indentation after":       {"# c\na: 1\nb:\n  - 1\n  c: 2\n", "f.yaml:5: did not find expected '-' indicator"},
		"missing colon":           {"a: 1\nb\nc: 3\n", "f.yaml:2: could not find expected ':'"},
		"open quote":              {"a: 1\nb: \"open\nc: 3\nd: 4\n", "f.yaml:2: found unexpected end of stream"},
		"open quote, first line":  {"a: 'open\nc: 3\nd: 4\n", "f.yaml:1: found unexpected end of stream"},
		"open bracket":            {"a: [1,\nb: 2\nc: 3\n", "f.yaml:3: did not find expected ',' or ']'"},
		"brace in block":          {"a: 1\nb: }\n", "f.yaml:2: did not find expected node content"},
		"syntax in second":        {"a: 1\n---\nb: 1\nc: d: e\n", "f.yaml:4: mapping values are not allowed in this context"},
		"syntax and BOM":          {"\ufeffa: b: c\n", "f.yaml:1: mapping values are not allowed in this context"},
		"syntax, BOM and dashes":  {"\ufeff---\na: b: c\n", "f.yaml:2: mapping values are not allowed in this context"},
		"place and BOM":           {"\ufeffa: !x c\n", "f.yaml:1:4: unknown tag !x; write the value without it"},
		"syntax and CRLF":         {"a: 1\r\nb:\r\n\tc\r\n", "f.yaml:3:1: a tab stands where YAML takes blanks only; write blanks"},
		"directive":               {"# c\n%YAML 3.0\n---\na: 1\n", "f.yaml:2: found incompatible YAML document"},
		"all at once":             {"a: !x 1\na: 2\n---\n<<: 1\n---\nb: [\n", "f.yaml:1:4: unknown tag !x; write the value without it\nf.yaml:2:1: duplicate key \"a\", first on line 1; remove one\nf.yaml:4:1: merge keys (<<) are not supported; write the fields out\nf.yaml:7: did not find expected node content"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			documents, err := read(tt.text)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			var problems manifest.Problems
			require.ErrorAs(t, err, &problems)
			assert.Equal(t, tt.want, err.Error())
			assert.Nil(t, documents)
		})
	}
}

func TestReadKeepsPlacesAndComments(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"---\n# head\na: 1 # line\n---\n\n---\nnull\n---\n# of b\nb:\n# of the item\n- c: &x {d: e}\n- *x\n",
		"\ufeff---\n# head\na: 1 # line\n---\n\n---\nnull\n---\n# of b\nb:\n# of the item\n- c: &x {d: e}\n- *x\n",
	} {
		for _, breaks := range []string{"\n", "\r\n"} {
			documents, err := read(strings.ReplaceAll(text, "\n", breaks))
			require.NoError(t, err)
			require.Len(t, documents, 2)
			first, second := documents[0].Node, documents[1].Node
			assert.Equal(t, "f.yaml", documents[0].File)
			assert.Equal(t, "# head", first.Content[0].HeadComment+first.HeadComment)
			assert.Equal(t, "# line", first.Content[1].LineComment)
			assert.Equal(t, []int{3, 1}, []int{first.Content[0].Line, first.Content[0].Column})
			d := manifest.Lookup(second, "/b/0/c/d")
			require.NotNil(t, d)
			assert.Equal(t, []int{12, 13}, []int{d.Line, d.Column})
			assert.Equal(t, "# of the item", second.Content[1].Content[0].HeadComment+second.Content[1].Content[0].Content[0].HeadComment)
			copied := manifest.Lookup(second, "/b/1/d")
			require.NotNil(t, copied)
			assert.NotSame(t, d, copied)
			assert.Equal(t, "e", copied.Value)
		}
	}
}

func TestReadReportsTheReadersError(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	_, err := manifest.Read("f.yaml", iotest.ErrReader(broken), manifest.DefaultLimits())
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "f.yaml")
	var problems manifest.Problems
	assert.NotErrorAs(t, err, &problems)
}

func TestLookup(t *testing.T) {
	t.Parallel()
	documents, err := read("a/b: {c~d: [x, {\"\": y}]}\n\"0\": z\n")
	require.NoError(t, err)
	root := documents[0].Node
	for pointer, want := range map[string]string{"/a~1b/c~0d/0": "x", "/a~1b/c~0d/1/": "y", "/0": "z"} {
		n := manifest.Lookup(root, pointer)
		require.NotNil(t, n, pointer)
		assert.Equal(t, want, n.Value)
	}
	assert.Same(t, root, manifest.Lookup(root, ""))
	assert.Nil(t, manifest.Lookup(nil, "/a"))
	for _, pointer := range []string{"a", "/a", "/a~1b/c~0d/2", "/a~1b/c~0d/-", "/a~1b/c~0d/00", "/a~1b/c~0d/+1", "/0/x", "/"} {
		assert.Nil(t, manifest.Lookup(root, pointer), pointer)
	}
}

// canonical makes values comparable whatever Go type their numbers have.
func canonical(t require.TestingT, v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return nil
		}
		fields := map[string]any{}
		for key, field := range v {
			fields[key] = canonical(t, field)
		}
		return fields
	case []any:
		if v == nil {
			return nil
		}
		items := []any{}
		for _, item := range v {
			items = append(items, canonical(t, item))
		}
		return items
	case int, int64, float64:
		data, err := manifest.Marshal(v)
		require.NoError(t, err)
		return data
	}
	return v
}

func dataOf(t require.TestingT, n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		fields := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			fields[n.Content[i].Value] = dataOf(t, n.Content[i+1])
		}
		return fields
	case yaml.SequenceNode:
		items := []any{}
		for _, item := range n.Content {
			items = append(items, dataOf(t, item))
		}
		return items
	}
	switch n.ShortTag() {
	case yaml.NodeTagInt, yaml.NodeTagFloat:
		return []byte(n.Value + "\n")
	case yaml.NodeTagNull:
		return nil
	case yaml.NodeTagBool:
		return n.Value == "true"
	}
	require.Equal(t, yaml.NodeTagString, n.ShortTag(), n.Value)
	return n.Value
}

func TestReadOfMarshalIsIdentity(t *testing.T) {
	t.Parallel()
	for _, s := range nasty() {
		checkReadOfMarshal(t, map[string]any{"a": s, "b": []any{s, []any{s}}})
		checkReadOfMarshal(t, []any{map[string]any{s: s}})
	}
	rapid.Check(t, func(t *rapid.T) { checkReadOfMarshal(t, value(5).Draw(t, "value")) })
}

func checkReadOfMarshal(t require.TestingT, v any) {
	data, err := manifest.Marshal(v)
	if err != nil {
		return // kustomize cannot carry it either
	}
	documents, err := read(string(data))
	if canonical(t, v) == nil {
		require.ErrorContains(t, err, "is empty")
		return
	}
	require.NoError(t, err, "%q", data)
	require.Len(t, documents, 1)
	require.Equal(t, canonical(t, v), dataOf(t, documents[0].Node), "%q", data)
}

func TestReadExpandsAliases(t *testing.T) {
	t.Parallel()
	documents, err := read("a: &x {b: &y c}\nd: *x # of d\ne: [*y, *x]\n")
	require.NoError(t, err)
	root := documents[0].Node
	assert.Equal(t, map[string]any{
		"a": map[string]any{"b": "c"}, "d": map[string]any{"b": "c"}, "e": []any{"c", map[string]any{"b": "c"}},
	}, dataOf(t, root))
	assert.Equal(t, "# of d", manifest.Lookup(root, "/d").LineComment)
	for _, pointer := range []string{"/a", "/a/b", "/d", "/d/b", "/e/0"} {
		assert.Empty(t, manifest.Lookup(root, pointer).Anchor, pointer)
	}
}
