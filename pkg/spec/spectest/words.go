package spectest

import (
	"fmt"
	"strings"
	"unicode"

	"pgregory.net/rapid"
)

// nasty are legal values that careless YAML turns into something else.
func nasty() []string {
	return []string{
		"yes", "on", "no", "off", "n", "y", "true", "False", "null", "~", "1e3", "0x1f", "0o17", "010", "1_000", ".5", "-1", "+3",
		"1.0", ".inf", ".nan", "2026-11-01", "12:30:45", "=", "<<", "*alias", "&anchor", "!tag", "%x", "@at", "`tick`",
		"a: b", "a #b", "# no comment", ": ", "- dash", "? key", "[list]", "{map: 1}", "{one", "$(POD_IP)", "${HOME}", "a,b",
		`say "hi"`, "it's", `back\slash`, "grüße", "模型", "🚀 go", "e\u0301", " blanks ", "tab\there", "x=y --z", "|", ">", "{}", "[]",
		`{"method": "mtp", "num_speculative_tokens": 1}`, strings.Repeat("long words ", 12) + "end",
	}
}

// value draws a line of text that is not empty and holds no template.
func value(t *rapid.T, label string) string {
	if rapid.IntRange(0, 3).Draw(t, label+" kind") > 0 {
		return rapid.SampledFrom(nasty()).Draw(t, label)
	}
	graphic := rapid.RuneFrom([]rune{' ', 'a', '"', '\'', ':', '#'}, unicode.L, unicode.Nd, unicode.P, unicode.S)
	s := rapid.StringOfN(graphic, 1, 12, -1).Draw(t, label)
	return strings.ReplaceAll(s, "{", "(")
}

// label draws a DNS label of a length.
func label(t *rapid.T, name string, least, most int) string {
	n := rapid.IntRange(least, most).Draw(t, name+" length")
	s := rapid.StringMatching(fmt.Sprintf("[a-z][a-z0-9-]{%d}", n-1)).Draw(t, name)
	if s[n-1] == '-' {
		s = s[:n-1] + "z"
	}
	return s
}

// distinct draws labels that differ. Some look like something else in YAML.
func distinct(t *rapid.T, name string, count int, special []string) []string {
	seen := map[string]bool{}
	var names []string
	for len(names) < count {
		s := label(t, name, 1, 8)
		if len(special) > 0 && rapid.Bool().Draw(t, name+" special") {
			s = rapid.SampledFrom(special).Draw(t, name)
		}
		for i := 0; seen[s]; i++ {
			s = fmt.Sprintf("%.5s%d", s, i)
		}
		seen[s] = true
		names = append(names, s)
	}
	return names
}

// weights draws numbers that sum to 100, the ends 0 and 100 often.
func weights(t *rapid.T, count int) []int {
	shares := make([]int, count)
	rest := 100
	for i := range count - 1 {
		cut := rapid.OneOf(rapid.SampledFrom([]int{0, rest}), rapid.IntRange(0, rest)).Draw(t, "weight")
		shares[i] = cut
		rest -= cut
	}
	shares[count-1] = rest
	return shares
}
