package lint_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func TestEveryRuleIsDescribed(t *testing.T) {
	t.Parallel()
	names := map[string]string{}
	last := ""
	for _, r := range lint.All() {
		assert.Regexp(t, `^KG\d{4}$`, r.Code)
		assert.Less(t, last, r.Code, "codes are unique and in order")
		last = r.Code
		assert.NotContains(t, lint.Retired(), r.Code, "a code is never used again")
		assert.NotEmptyf(t, r.Topic(), "%s: the digits after KG name no topic", r.Code)
		assert.Regexpf(t, `^[a-z0-9]+(-[a-z0-9]+)*$`, r.Name, "%s", r.Code)
		assert.Emptyf(t, names[r.Name], "%s: name %s is taken by %s", r.Code, r.Name, names[r.Name])
		names[r.Name] = r.Code
		for field, text := range map[string]string{"Summary": r.Summary, "Why": r.Why, "How": r.How} {
			assert.Truef(t, strings.HasSuffix(text, "."), "%s: %s is sentences, %q", r.Code, field, text)
			assert.NotContainsf(t, text, "  ", "%s: %s", r.Code, field)
		}
		assert.NotEmptyf(t, r.Refs, "%s says where it is known from", r.Code)
		for _, holds := range r.Holds {
			assert.NotZerof(t, holds.Product, "%s", r.Code)
		}
	}
}

func TestEveryRuleHasFixtures(t *testing.T) {
	t.Parallel()
	good, bad := map[string]bool{}, map[string]bool{}
	for _, f := range fixtures(t) {
		if f.good {
			good[f.code] = true
		} else {
			bad[f.code] = true
		}
	}
	known := map[string]bool{}
	for _, r := range lint.All() {
		known[r.Code] = true
		assert.Truef(t, bad[r.Code], "%s has no testdata/%s/bad-*.yaml", r.Code, r.Code)
		assert.Truef(t, good[r.Code], "%s has no testdata/%s/good-*.yaml", r.Code, r.Code)
	}
	for code := range bad {
		assert.Truef(t, known[code], "testdata/%s is for no rule", code)
	}
}

// TestRefused: e2e/envtest asks a server whether what the first lines say is so.
func TestRefused(t *testing.T) {
	t.Parallel()
	accepted := map[string]bool{}
	for _, f := range fixtures(t) {
		if !f.good && !bytes.HasPrefix(f.data, []byte("# refused: ")) {
			accepted[f.code] = true
		}
	}
	for _, r := range lint.All() {
		assert.Equalf(t, !accepted[r.Code], r.Refused, "%s: Refused, and the first lines of its bad fixtures", r.Code)
	}
}

// TestKindsAreThoseAskedFor: either the metadata is wrong or the fixtures are too few.
func TestKindsAreThoseAskedFor(t *testing.T) {
	t.Parallel()
	asked := map[string]map[rule.Kind]bool{}
	for _, f := range fixtures(t) {
		set := readSet(t, f.file, f.data)
		index := rule.NewIndex(&set)
		for _, r := range lint.All() {
			c := rule.NewContext(&r, index, lint.DefaultVersions())
			c.Record()
			r.Check(c)
			if asked[r.Code] == nil {
				asked[r.Code] = map[rule.Kind]bool{}
			}
			for kind := range c.Asked() {
				asked[r.Code][kind] = true
			}
		}
	}
	for _, r := range lint.All() {
		var got []rule.Kind
		for kind := range asked[r.Code] {
			got = append(got, kind)
		}
		assert.ElementsMatchf(t, r.Kinds, got, "%s declares other kinds than it asks for", r.Code)
	}
}

func TestVersionsDecide(t *testing.T) {
	t.Parallel()
	canary := rule.Range{Product: rule.KServe, Since: rule.Version{Minor: 19}, Until: rule.Version{Minor: 20, Patch: 1}}
	meta := rule.Meta{Holds: []rule.Range{canary}}
	for text, applies := range map[string]bool{"0.17.0": false, "v0.19.0": true, "0.20.0": true, "0.20.1": false, "0.21": false, "0.19.0-rc1": true} {
		version, err := rule.ParseVersion(text)
		require.NoError(t, err, text)
		assert.Equal(t, applies, meta.Applies(rule.Versions{rule.KServe: version}), text)
	}
	assert.False(t, meta.Applies(nil), "the newest release is after every other")
	assert.Equal(t, "KServe from 0.19.0 before 0.20.1", canary.String())
	for _, text := range []string{"", "20", "a.b", "1.-2", "1.2.x", "99999.1"} {
		_, err := rule.ParseVersion(text)
		assert.Errorf(t, err, "%q", text)
	}
}

func TestExplanations(t *testing.T) {
	t.Parallel()
	list := lint.Explanations()
	at := slices.IndexFunc(list, func(r finding.Rule) bool { return r.Code == "KG0201" })
	require.GreaterOrEqual(t, at, 0)
	assert.Equal(t, finding.Error, list[at].Level)
	assert.Equal(t, "https://github.com/kserve/kserve/issues/5335", list[at].Reference)
	assert.Equal(t, "all versions", list[at].Since)
	at = slices.IndexFunc(list, func(r finding.Rule) bool { return r.Code == "KG0203" })
	assert.Contains(t, list[at].Since, "KServe before 0.21.0")
	assert.Equal(t, "https://github.com/argoproj/argo-rollouts/issues/3141", lint.Link("argoproj/argo-rollouts#3141"))
	assert.Equal(t, "istio: IST0101", lint.Link("istio: IST0101"))
}

func TestQuantities(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"1": 1, "500m": 0.5, "2Gi": 2 << 30, "1k": 1000, "0.5Mi": 1 << 19, "1e3": 1000, "3E": 3e18} {
		got, ok := rule.ParseQuantity(text)
		assert.True(t, ok, text)
		assert.InEpsilon(t, want, got, 1e-9, text)
	}
	for _, text := range []string{"", "Gi", "1Qi", "1KiB", "1e99999999999", "NaN", "Inf", strings.Repeat("9", 40)} {
		_, ok := rule.ParseQuantity(text)
		assert.False(t, ok, text)
	}
}

// TestTextsNameNoOtherRule keeps the texts readable alone: a reference by code would need its page.
func TestTextsNameNoOtherRule(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`KG\d{4}`)
	for _, r := range lint.All() {
		if r.Check != nil {
			assert.Empty(t, slices.Concat(code.FindAllString(r.Why, -1), code.FindAllString(r.How, -1)), r.Code)
		}
	}
}
