package manifest_test

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// nasty are texts that YAML libraries are known to stumble over, as values and as keys.
func nasty() []string {
	long := strings.Repeat("prose with blanks, ", 15)
	return []string{
		"", " ", "  ", "y", "Y", "n", "yes", "Yes", "YES", "yEs", "no", "on", "off", "true", "TRUE", "tRue", "false",
		"null", "NULL", "~", "nil", "none", ".nan", ".inf", "-.inf", "+.inf", "1e3", "1E3", "-1.5e-3", "0x1f", "0X1F", "0b1", "0o14",
		"012", "08", "089", "1_000", "1__0", "12:30:45", "1:2", "-1", "+1", "--1", "1.", ".5", "0", "-0", "123456789012345",
		"123456789012345678901234567890", strings.Repeat("9", 400), "2001-01-01", "2001-1-1", "2001-12-14T21:59:43Z",
		"2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10", "2001-12-14 21:59:43.10 -5", "10s", "5m", "80Gi", "100m", "1e", "0xg", "1t", "1z", "3d", "6a6f4aa",
		" leading", "trailing ", " both ", "\ttab", "tab\t", "in\tside", "a\nb", "a\nb\n", "a\nb\n\n", "\na", "\n", "\n\n", " a\nb", "a\n b",
		"a\n\n  b\n", "a \nb", "a\n ", "a\r\nb", "a\rb", "\r", "a\r\n", "- x", "-", "--", "---", "--- a", "...", "..", "--flag", "---flag", "--flag=a b", "-x",
		"?", "? a", "?a", ":", ": a", ":a", "a:", "a: b", "a:b", "a :b", "a #b", "a# b", "#", "# a", "a#b", "{{", "{{ .x }}", "{}", "{a: b}", "[]", "[a]",
		"a, b", ",", "*", "*a", "&", "&a", "!", "!!str x", "!a", "|", "|-", ">", ">-", "%", "%YAML", "@", "@a", "`", "'", "\"", "'a'", "\"a\"", "it's", `say "x"`, `\`, `a\nb`,
		"=", "<", "<<", "<<a", "$(POD_IP)", "${x}", "_", "/", "/v1/models", "http://a.b/c?d=e&f", "registry.example.com/a/b:v1@sha256:0f", "é", "日本語", "🚀", "a🚀 b", "\u00a0", "\u2028", "a\u2028b", "a\u2029",
		"a \u2028b", "\u2028 a", "\ufeff", "\ufeffa", "a\ufeff", "\u0000", "a\u0000b", "\u0001", "\u001b[0m", "\u007f", "a\u0085b", "\u0080", "\ufffd", "\ufffe", "\uffff", "\U0010ffff", "\u0600", "٣", "a٣", "a3",
		strings.Repeat("x", 128), strings.Repeat("x", 129), strings.Repeat("é", 64), strings.Repeat("é", 65), strings.Repeat("x", 250), strings.Repeat("\"", 100), strings.Repeat("\u0001", 100),
		long, long + ": x", "\"" + long, " " + long, long + "\n" + long, strings.Repeat("a  b ", 40), "x " + strings.Repeat("y", 200) + " z", strings.Repeat("'\u2028 ", 40), strings.Repeat("k", 1015), strings.Repeat("k", 1030),
		strings.Repeat("word ", 16) + "w", strings.Repeat("wörd ", 16) + "w", strings.Repeat("word ", 15) + "word", "v1", "v2", "v10", "v01", "v010", "v0", "v00", "v100", "a-1", "a.1", "a_1", "a1b", "A", "a", "Z", "1", "2", "10", "01", "1a", "a/b", "a~b",
		"{\"a\": 1}", "--x={\"a\": 1}", "a\u0300", "--\u00e9", "app.kubernetes.io/name", "name", "type", "to", "tls", "from",
	}
}

func text() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom(nasty()),
		rapid.StringMatching(`[a-z]{1,8}`),
		rapid.StringMatching(`[a-z0-9A-Z .:/_=#-]{1,100}`),
		rapid.StringMatching(`[0-9a-fxobTZ_.+:-]{1,12}`),
		rapid.StringMatching(`[ -~]{1,30}`),
		rapid.StringOfN(rapid.SampledFrom([]rune(" \n\r\t:-#'\"ab1\u2028é🚀")), 1, 12, -1),
		rapid.StringOfN(rapid.SampledFrom([]rune(" \u2028aé'")), 80, 120, -1),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom(nasty()), 2, 3), func(parts []string) string { return strings.Join(parts, "") }),
		rapid.String(),
	)
}

func key() *rapid.Generator[string] {
	return rapid.OneOf(text(), rapid.StringMatching(`[a-zA-Z]{1,6}`), rapid.StringMatching(`[a-z0-9.\-]{1,6}`))
}

func scalar() *rapid.Generator[any] {
	return rapid.OneOf(
		text().AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil), rapid.Int64().AsAny(), rapid.Int().AsAny(), rapid.Float64().AsAny(),
		rapid.SampledFrom([]any{
			1e21, 1e20, 1e19, 9.3e18, 1e18, -1e18, 1e-6, 1e-7, 0.1, 1.0, math.Copysign(0, -1), math.MaxFloat64, math.SmallestNonzeroFloat64,
			int64(math.MaxInt64), int64(math.MinInt64), 0, map[string]any(nil), []any(nil), map[string]any{}, []any{},
		}),
	)
}

func value(depth int) *rapid.Generator[any] {
	if depth == 0 {
		return scalar()
	}
	return rapid.OneOf(
		scalar(),
		rapid.Deferred(func() *rapid.Generator[any] {
			return rapid.MapOfN(key(), value(depth-1), 0, 5).AsAny()
		}),
		rapid.Deferred(func() *rapid.Generator[any] {
			return rapid.SliceOfN(value(depth-1), 0, 4).AsAny()
		}),
	)
}

// library is what kustomize does with an object in the end.
func library(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return sigsyaml.JSONToYAML(data)
}

// survives says whether the library's bytes read back as the same value.
func survives(v any, data []byte) bool {
	want, err := json.Marshal(v)
	if err != nil {
		return false
	}
	back, err := sigsyaml.YAMLToJSON(data)
	if err != nil {
		return false
	}
	return assert.ObjectsAreEqual(asData(want), asData(back))
}

func asData(text []byte) (v any) {
	_ = json.Unmarshal(text, &v)
	return v
}

// ordered says whether the library's key order is an order for every mapping of v; where it is circular, the
// library's own bytes differ from run to run.
func ordered(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		keys := slices.SortedFunc(maps.Keys(v), manifest.CompareKeys)
		for i, a := range keys {
			for _, b := range keys[i+1:] {
				if manifest.CompareKeys(a, b) > 0 {
					return false
				}
			}
		}
		for _, field := range v {
			if !ordered(field) {
				return false
			}
		}
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !ordered(item) })
	}
	return true
}

// checkAgainstLibrary states the contract of Marshal: the library's bytes, or an error where the library fails
// or its bytes do not carry the value.
func checkAgainstLibrary(t require.TestingT, v any) {
	got, err := manifest.Marshal(v)
	want, libraryErr := library(v)
	if err != nil {
		require.True(t, libraryErr != nil || !survives(v, want), "refused without need: %v\nlibrary: %q", err, want)
		return
	}
	require.NoError(t, libraryErr, "Marshal wrote %q", got)
	if !ordered(v) {
		again, err := manifest.Marshal(v)
		require.NoError(t, err)
		require.Equal(t, string(got), string(again))
		return
	}
	require.Equal(t, string(want), string(got))
}

func TestMarshalIsTheLibrarys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { checkAgainstLibrary(t, value(5).Draw(t, "value")) })
}

func TestMarshalNastyTextsInEveryPlace(t *testing.T) {
	t.Parallel()
	for _, s := range nasty() {
		for _, v := range []any{
			s,
			map[string]any{"key": s},
			map[string]any{s: "value"},
			map[string]any{s: map[string]any{"b": s}},
			map[string]any{s: []any{s, []any{s}}},
			[]any{s, map[string]any{s: s, "b": map[string]any{s: s}}},
			[]any{[]any{[]any{s, s}}, s},
			map[string]any{"a": map[string]any{"b": map[string]any{"a key of some length": s, "c": []any{map[string]any{"d": s}}}}},
		} {
			checkAgainstLibrary(t, v)
		}
	}
}
