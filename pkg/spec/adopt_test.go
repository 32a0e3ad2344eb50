package spec_test

import (
	"bytes"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	revisionsAB = "revisions: [{name: a}, {name: b}]"
	trafficAB   = "traffic: [{revision: a, weight: 90}, {revision: b, weight: 10}]"
)

func adopt(t require.TestingT, text string, adoptions ...spec.Adoption) (string, error) {
	m := load(t, text)
	edited, err := spec.Adopt([]byte(text), []*spec.Deployment{m}, map[string][]spec.Adoption{m.Name: adoptions})
	return string(edited), err
}

func weightsAB(environment string, a, b int) spec.Adoption {
	return spec.Adoption{Environment: environment, Weights: map[string]int{"a": a, "b": b}}
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	const inserted = "traffic: [{revision: a, weight: 30}, {revision: b, weight: 70}]"
	for name, test := range map[string]struct {
		lines      []string
		old, want  string
		adoptions  []spec.Adoption
		unaffected string // an environment that keeps 90 and 10
	}{
		"the only environment": {
			lines: []string{revisionsAB, trafficAB}, adoptions: []spec.Adoption{weightsAB("default", 30, 70)},
			old: "weight: 90}, {revision: b, weight: 10", want: "weight: 30}, {revision: b, weight: 70",
		},
		"every environment that shares it": {
			lines:     []string{revisionsAB, trafficAB, "environments: [{name: x}, {name: y}]"},
			adoptions: []spec.Adoption{weightsAB("x", 30, 70), weightsAB("y", 30, 70)},
			old:       "weight: 90}, {revision: b, weight: 10", want: "weight: 30}, {revision: b, weight: 70",
		},
		"one that shares, flow": {
			lines: []string{revisionsAB, trafficAB, "environments: [{name: x}, {name: 'y'}]"}, adoptions: []spec.Adoption{weightsAB("y", 30, 70)},
			old: "{name: 'y'}", want: "{name: 'y', " + inserted + "}", unaffected: "x",
		},
		"one that shares, flow, more fields": {
			lines:     []string{revisionsAB, trafficAB, `environments: [{name: x}, {replicas: {min: 2},`, `    name: "y" , omit: []}]`},
			adoptions: []spec.Adoption{weightsAB("y", 30, 70)}, unaffected: "x",
			old: `name: "y" ,`, want: `name: "y", ` + inserted + ` ,`,
		},
		"one that shares, block": {
			lines:     []string{revisionsAB, trafficAB, "environments:", "- name: x # first", "  # about x", "  omit: []", "- name: y"},
			adoptions: []spec.Adoption{weightsAB("x", 30, 70)}, unaffected: "y",
			old: "- name: x # first\n", want: "- name: x # first\n    " + inserted + "\n",
		},
		"one that shares, block, deep, name last": {
			lines:     []string{revisionsAB, trafficAB, "environments:", "  - {name: x}", "  -   omit: []", "      name: y"},
			adoptions: []spec.Adoption{weightsAB("y", 30, 70)}, unaffected: "x",
			old: "name: y\n", want: "name: y\n        " + inserted + "\n",
		},
		"one with its own": {
			lines:     []string{revisionsAB, trafficAB, "environments: [{name: x}, {name: y, traffic: [{revision: b, weight: 40}, {weight: 60, revision: a}]}]"},
			adoptions: []spec.Adoption{weightsAB("y", 30, 70)}, unaffected: "x",
			old: "weight: 40}, {weight: 60", want: "weight: 70}, {weight: 30",
		},
		"characters of several bytes before the number": {
			lines:     []string{revisionsAB, `traffic: [{revision: a, testers: {header: h, value: "grüße 模型 🚀 e` + "\u0301" + `"}, weight: 90}, {revision: b, weight: 10}]`},
			adoptions: []spec.Adoption{weightsAB("default", 5, 95)},
			old:       "weight: 90}, {revision: b, weight: 10", want: "weight: 5}, {revision: b, weight: 95",
		},
		"a sign": {
			lines: []string{revisionsAB, "traffic: [{revision: a, weight: +90}, {revision: b, weight: 10 }]"}, adoptions: []spec.Adoption{weightsAB("default", 100, 0)},
			old: "+90}, {revision: b, weight: 10 }", want: "100}, {revision: b, weight: 0 }",
		},
		"testers and mirrors go along": {
			lines: []string{
				revisionsAB, `traffic: [{revision: a, weight: 90, testers: {header: h, value: 'say "hi": \ é'}}, {revision: b, weight: 10, mirror: 5}]`, "environments: [{name: x}, {name: y}]",
			},
			adoptions: []spec.Adoption{weightsAB("y", 30, 70)}, unaffected: "x",
			old: "{name: y}", want: `{name: y, traffic: [{revision: a, weight: 30, testers: {header: "h", value: "say \"hi\": \\ é"}}, {revision: b, weight: 70, mirror: 5}]}`,
		},
		"nothing new": {
			lines: []string{revisionsAB, trafficAB}, adoptions: []spec.Adoption{weightsAB("default", 90, 10)}, old: "weight: 90", want: "weight: 90",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := document(test.lines...)
			require.Equal(t, 1, strings.Count(text, test.old))
			edited, err := adopt(t, text, test.adoptions...)
			require.NoError(t, err)
			assert.Equal(t, strings.Replace(text, test.old, test.want, 1), edited)
			m := load(t, edited)
			for _, target := range m.Environments {
				want := map[string]int{"a": 90, "b": 10}
				if target.Environment != test.unaffected {
					want = test.adoptions[0].Weights
				}
				assert.Equal(t, want, weightsOf(target), target.Environment)
			}
		})
	}
}

func TestAdoptEndings(t *testing.T) {
	t.Parallel()
	text := strings.TrimSuffix(document(revisionsAB, trafficAB, "environments:", "- name: x", "- name: y"), "\n")
	edited, err := adopt(t, text, weightsAB("y", 30, 70))
	require.NoError(t, err)
	assert.Equal(t, text+"\n    traffic: [{revision: a, weight: 30}, {revision: b, weight: 70}]\n", edited, "a file without a last line break")

	windows := strings.ReplaceAll(document(revisionsAB, trafficAB), "\n", "\r\n")
	edited, err = adopt(t, windows, weightsAB("default", 30, 70))
	require.NoError(t, err)
	assert.Equal(t, strings.Replace(strings.Replace(windows, "weight: 90", "weight: 30", 1), "weight: 10", "weight: 70", 1), edited)
}

func TestAdoptKeepsWindowsLineBreaks(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(document(revisionsAB, trafficAB, "environments:", "- name: x", "- name: y"), "\n", "\r\n")
	edited, err := adopt(t, text, weightsAB("x", 30, 70))
	require.NoError(t, err)
	assert.Equal(t, strings.Count(edited, "\r\n"), strings.Count(edited, "\n"))
}

func TestAdoptOneOfSeveralDocuments(t *testing.T) {
	t.Parallel()
	one, two := named("name: one", revisionsAB, trafficAB), named("name: two", revisionsAB, trafficAB)
	both := one + "---\n" + two
	deployments, err := spec.Load("document.yaml", strings.NewReader(both))
	require.NoError(t, err)
	edited, err := spec.Adopt([]byte(both), deployments, map[string][]spec.Adoption{"two": {weightsAB("default", 30, 70)}})
	require.NoError(t, err)
	assert.Equal(t, one+"---\n"+strings.Replace(strings.Replace(two, "90", "30", 1), "weight: 10", "weight: 70", 1), string(edited))
}

func TestAdoptRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines     []string
		adoptions []spec.Adoption
		want      string
	}{
		"a sum of 99":          {[]string{revisionsAB, trafficAB}, []spec.Adoption{weightsAB("default", 90, 9)}, "the weights of the tree cannot be taken over: document.yaml:7:12: spec.traffic: weights must sum to 100, got 99"},
		"a sum of 101":         {[]string{revisionsAB, trafficAB}, []spec.Adoption{weightsAB("default", 90, 11)}, "must sum to 100, got 101"},
		"a weight below 0":     {[]string{revisionsAB, trafficAB}, []spec.Adoption{weightsAB("default", -10, 110)}, "must be from 0 to 100"},
		"an inserted sum":      {[]string{revisionsAB, trafficAB, "environments: [{name: x}, {name: y}]"}, []spec.Adoption{weightsAB("y", 50, 51)}, "must sum to 100, got 101"},
		"no traffic":           {nil, []spec.Adoption{{Environment: "default", Weights: map[string]int{"v1": 90}}}, "document.yaml:1 has no traffic to take the weights over into; add spec.traffic"},
		"an anchor":            {[]string{revisionsAB, "traffic: [{revision: a, weight: &half 50}, {revision: b, weight: *half}]"}, []spec.Adoption{weightsAB("default", 30, 70)}, "editing document.yaml: 7:35"},
		"a block scalar":       {[]string{revisionsAB, trafficAB, "environments:", "- name: x", "- name: >-", "    y"}, []spec.Adoption{weightsAB("y", 30, 70)}, "document.yaml:"},
		"an unknown overlay":   {[]string{revisionsAB, "environments: [{name: x, " + trafficAB + "}]"}, []spec.Adoption{weightsAB("z", 30, 70)}, "has no traffic"},
		"an overlay with none": {[]string{revisionsAB, trafficAB, "environments: [{name: x}, {name: y}]"}, []spec.Adoption{{Environment: "y"}}, "must sum to 100, got 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edited, err := adopt(t, document(test.lines...), test.adoptions...)
			require.ErrorContains(t, err, test.want)
			assert.Empty(t, edited)
		})
	}
}

func TestAdoptOfAChangedFile(t *testing.T) {
	t.Parallel()
	text := document(revisionsAB, trafficAB)
	m := load(t, text)
	for _, other := range []string{"", "a: b\n", strings.Replace(text, "spec:", "# new\nspec:", 1)} {
		_, err := spec.Adopt([]byte(other), []*spec.Deployment{m}, map[string][]spec.Adoption{m.Name: {weightsAB("default", 30, 70)}})
		require.ErrorContains(t, err, "was the file changed meanwhile?")
	}
}

// Aliases share a number between places; a change of one must not be a silent change of the other.
func TestAdoptOfAliases(t *testing.T) {
	t.Parallel()
	text := document(revisionsAB, strings.Replace(trafficAB, "[", "&t [", 1), "environments: [{name: x, traffic: *t}, {name: y}]")
	edited, err := adopt(t, text, weightsAB("x", 30, 70))
	if err == nil {
		m := load(t, edited)
		assert.Equal(t, map[string]int{"a": 30, "b": 70}, weightsOf(m.Environments[0]))
		assert.Equal(t, map[string]int{"a": 90, "b": 10}, weightsOf(m.Environments[1]))
	}
	text = document(revisionsAB, "environments: [{name: x, "+strings.Replace(trafficAB, "[", "&t [", 1)+"}, {name: y, traffic: *t}]")
	require.NotPanics(t, func() { _, err = adopt(t, text, weightsAB("x", 30, 70), weightsAB("y", 20, 80)) })
	require.Error(t, err)
}

func TestAdoptQuotesNames(t *testing.T) {
	t.Parallel()
	text := document("revisions: [{name: '1'}, {name: 'null'}]", "traffic: [{revision: '1', weight: 90}, {revision: 'null', weight: 10}]",
		"environments: [{name: x}, {name: y}]")
	edited, err := adopt(t, text, spec.Adoption{Environment: "x", Weights: map[string]int{"1": 30, "null": 70}})
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"1": 30, "null": 70}, weightsOf(load(t, edited).Environments[0]))
}

func TestAdoptWithoutTrafficOfItsOwn(t *testing.T) {
	t.Parallel()
	_, err := adopt(t, document("environments: [{name: x}, {name: y}]"), spec.Adoption{Environment: "x", Weights: map[string]int{"v1": 90}})
	require.Error(t, err)
}

func TestAdoptBehindAByteOrderMark(t *testing.T) {
	t.Parallel()
	text := "\ufeff{" + strings.Join(strings.Fields(`apiVersion: kservegen.dev/v1alpha1, kind: ModelDeployment, spec: {model: {id: openai/gpt-oss-20b},
		accelerator: {type: a10g}, `+revisionsAB+", "+trafficAB+"}}"), " ") + "\n"
	edited, err := adopt(t, text, weightsAB("default", 30, 70))
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"a": 30, "b": 70}, weightsOf(load(t, edited).Base))
}

func TestAdoptLeavesItsArgumentsAlone(t *testing.T) {
	t.Parallel()
	text := []byte(document(revisionsAB, trafficAB))
	before := bytes.Clone(text)
	adoption := weightsAB("default", 30, 70)
	weights := maps.Clone(adoption.Weights)
	m := load(t, string(text))
	_, err := spec.Adopt(text, []*spec.Deployment{m}, map[string][]spec.Adoption{m.Name: {adoption}})
	require.NoError(t, err)
	assert.Equal(t, before, text)
	assert.Equal(t, weights, adoption.Weights)
}
