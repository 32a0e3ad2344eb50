package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func vllmTable(t *testing.T) *VLLM {
	t.Helper()
	table, err := VLLMReleases()
	require.NoError(t, err)
	return table
}

func TestVLLM(t *testing.T) {
	t.Parallel()
	table := vllmTable(t)
	require.GreaterOrEqual(t, len(table.Releases), 31)
	require.Greater(t, len(table.Flags), 300)
	require.Greater(t, len(table.Metrics), 80)
	for _, flag := range table.Flags {
		t.Run(flag.Name, func(t *testing.T) {
			checkForms(t, table, flag)
		})
	}
	for _, metric := range table.Metrics {
		for _, form := range metric.Forms {
			assert.Contains(t, []string{"", "gauge", "counter", "histogram"}, form.Kind, metric.Name)
			assert.Contains(t, []string{"", "hidden", "feature"}, form.When, metric.Name)
			assert.NotEmpty(t, in(form.In, table.Releases), metric.Name)
		}
	}
}

// checkForms wants every release at most once among the forms of a flag, and values where a form says who checks them.
func checkForms(t *testing.T, table *VLLM, flag VLLMFlag) {
	t.Helper()
	seen := map[string]bool{}
	for _, form := range flag.Forms {
		assert.Contains(t, []string{"switch", "int", "size", "float", "json", "text", "json-or-text"}, form.Kind)
		assert.Contains(t, []string{"", "parser", "server"}, form.Values)
		releases := in(form.In, table.Releases)
		assert.NotEmpty(t, releases)
		for _, release := range releases {
			assert.False(t, seen[release], "%s twice", release)
			seen[release] = true
			if form.Values != "" {
				assert.True(t, hasValue(flag, release, table.Releases), "%s has no value", release)
			}
		}
		if form.Kind == "switch" {
			assert.False(t, form.Many || form.Optional || form.Values != "" || len(form.Words) > 0)
		} else {
			assert.Empty(t, form.Inverses)
		}
	}
	for value, releases := range flag.Values {
		assert.NotEmpty(t, in(releases, table.Releases), "%s", value)
	}
}

func in(releases Releases, all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(release string) bool { return !releases.Has(release, all) })
}

func hasValue(flag VLLMFlag, release string, all []string) bool {
	for _, releases := range flag.Values {
		if releases.Has(release, all) {
			return true
		}
	}
	return false
}

func TestReleases(t *testing.T) {
	t.Parallel()
	all := []string{"1", "2", "3", "4", "5"}
	for text, want := range map[Releases][]string{
		"":          all,
		"..":        all,
		"..2":       {"1", "2"},
		"4..":       {"4", "5"},
		"2..4":      {"2", "3", "4"},
		"3":         {"3"},
		"..1,3,5..": {"1", "3", "5"},
		"9":         {},
		"9..":       {},
		"..9":       {},
	} {
		assert.Equal(t, want, in(text, all), "%q", text)
		assert.Equal(t, text == "", text.Has("9", all), "%q of a release that is not in the table", text)
	}
}

func TestRenamedFlags(t *testing.T) {
	t.Parallel()
	table := vllmTable(t)
	names := map[string]bool{}
	for _, flag := range table.Flags {
		names[flag.Name] = true
	}
	seen := map[string]bool{}
	for _, renamed := range table.Renamed {
		assert.True(t, names[renamed.Flag], "%s is no flag of any release", renamed.Flag)
		assert.False(t, seen[renamed.Flag], "%s twice", renamed.Flag)
		seen[renamed.Flag] = true
		assert.Len(t, slices.DeleteFunc([]string{renamed.To, renamed.Before, renamed.Instead}, func(s string) bool { return s == "" }), 1, renamed.Flag)
		assert.Regexp(t, `^(\d+\.\d+\.\d+(\.\d+)?: vllm/|https://github\.com/[\w-]+/[\w-]+/(issues|pull)/\d+$)`, renamed.Source)
		for _, other := range []string{renamed.To, renamed.Before} {
			flag, _, _ := strings.Cut(other, ".")
			assert.True(t, flag == "" || names[flag], "%s is no flag of any release", other)
		}
	}
}

func TestParseVLLMIsStrict(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"unknown field": `{"flags": [{"name": "a", "form": []}]}`,
		"not JSON":      `flags:`,
		"wrong type":    `{"flags": {}}`,
	} {
		_, err := parseVLLM([]byte(text))
		assert.Error(t, err, name)
	}
}
