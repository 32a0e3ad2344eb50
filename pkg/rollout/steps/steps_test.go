package steps_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/spec"
)

const kserveCanary = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m}
spec:
  model: {id: openai/gpt-oss-20b, source: s3://models/one}
  accelerator: {type: a10g}
  replicas: {min: 4}
  expose: {api: kserve, gateway: kserve/kserve-ingress-gateway}
  platform: {kserve: {version: v0.21.0}}
`

func words(change steps.Change) string {
	return steps.Words(steps.Shares(change.After.Environments[0]))
}

// TestKServesCanaryRunsNoneAtZero: where KServe routes, a revision comes with a weight and goes with its last percent.
func TestKServesCanaryRunsNoneAtZero(t *testing.T) {
	t.Parallel()
	d := open(t, []byte(kserveCanary), "")
	start := steps.Start{Name: "v2", Set: []steps.Setting{{Path: "model.source", Value: "s3://models/two"}}}
	_, err := d.Start(nil, start)
	require.ErrorContains(t, err, "none of them at 0; raise the weight")
	start.Weight = 25
	change, err := d.Start(nil, start)
	require.NoError(t, err)
	assert.Equal(t, "v1 75, v2 25", words(change))
	d = open(t, change.Data, "")

	aborted, err := d.Abort(nil)
	require.NoError(t, err)
	assert.Equal(t, "v1 100", words(aborted))
	assert.Equal(t, []string{"KServe runs no canary at weight 0: v2 ends; kservegen canary finish v2 removes it from the document"}, aborted.Notes)
	gone, err := open(t, aborted.Data, "").Finish(nil, []string{"v2"})
	require.NoError(t, err)
	assert.Equal(t, []string{"v1"}, gone.After.RevisionNames())
	assert.Nil(t, gone.After.Document.Spec.Rollout)

	promoted, err := d.Promote(nil, "")
	require.NoError(t, err)
	assert.Equal(t, "v2 100", words(promoted))
	finished, err := open(t, promoted.Data, "").Finish(nil, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"v2"}, finished.After.RevisionNames())
}

const base = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m}
spec:
  model: {id: openai/gpt-oss-20b}
  accelerator: {type: a10g}
`

// TestPlanOfTheDocument: step follows spec.rollout.steps from wherever the weight is, and keeps the rest of the plan to the end.
func TestPlanOfTheDocument(t *testing.T) {
	t.Parallel()
	d := open(t, []byte(base+`  revisions: [{name: v1}, {name: v2, replicas: {max: 2}}]
  traffic: [{revision: v1, weight: 93}, {revision: v2, weight: 7}]
  rollout: # agreed with the team
    steps: [1, 20, 100] # slowly
`), "")
	for _, want := range []string{"v1 80, v2 20", "v1 0, v2 100", "v1 0, v2 100"} {
		change, err := d.Step(nil)
		require.NoError(t, err)
		assert.Equal(t, want, words(change))
		d = open(t, change.Data, "")
	}
	change, err := d.Finish(nil, []string{"v1"})
	require.NoError(t, err)
	assert.Contains(t, string(change.Data), "  rollout: # agreed with the team\n    steps: [1, 20, 100] # slowly\n")

	next, err := open(t, change.Data, "").Start(nil, steps.Start{Name: "v3", Set: []steps.Setting{{Path: "replicas.max", Value: "3"}}})
	require.NoError(t, err)
	assert.Contains(t, string(next.Data), "    steps: [1, 20, 100] # slowly\n    from: v2\n    to: v3\n")
}

// TestSettings: fields of a revision over those of the one that it comes from.
func TestSettings(t *testing.T) {
	t.Parallel()
	from := base + `  revisions:
  - name: v1
    runtime:
      args: {max-num-seqs: 64, hf-overrides.a: 1}
      env: {A: "1"}
  traffic: [{revision: v1, weight: 100}]
`
	for set, want := range map[string]string{
		"runtime.args.max-num-seqs=128":    `runtime: {args: {max-num-seqs: 128, hf-overrides.a: 1}, env: {A: "1"}}`,
		"runtime.args.hf-overrides.b=true": `args: {max-num-seqs: 64, hf-overrides.a: 1, hf-overrides.b: true}`,
		"runtime.env.B=on":                 `env: {A: "1", B: "on"}`,
		"runtime.env.B=":                   `env: {A: "1", B: ""}`,
		"runtime.env.B=a: b":               "refused: ",
		"runtime.env.B='a: b'":             `B: "a: b"`,
		"runtime.args.max-num-seqs=null":   "refused: ",
		"model.measured={weightsGiB: 3}":   `model: {measured: {weightsGiB: 3}}`,
		"runtime.version=v0.33.0":          `version: v0.33.0`,
		"runtime.args.a.b..c=1":            "refused: ",
		"runtime.args=[1]":                 "refused: ",
		"name=v3":                          "refused: ",
		"runtime.args.max-num-seqs.x=1":    "refused: ",
	} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			setting, err := steps.ParseSetting(set)
			var change steps.Change
			if err == nil {
				change, err = open(t, []byte(from), "").Start(nil, steps.Start{Name: "v2", Set: []steps.Setting{setting}})
			}
			if strings.HasPrefix(want, "refused: ") {
				require.Error(t, err)
				assert.True(t, steps.Refused(err), err)
				return
			}
			require.NoError(t, err)
			assert.Contains(t, string(change.Data), want)
		})
	}
}

// TestMirrorsEndWithTheOther: the only revision has nothing to copy.
func TestMirrorsEndWithTheOther(t *testing.T) {
	t.Parallel()
	d := open(t, []byte(base+`  revisions: [{name: v1}, {name: v2, replicas: {max: 2}}]
  traffic:
  - {revision: v1, weight: 0}
  - {revision: v2, weight: 100, mirror: 5}
  rollout: {from: v1, to: v2}
`), "")
	change, err := d.Finish(nil, nil)
	require.NoError(t, err)
	assert.Contains(t, string(change.Data), "  traffic:\n  - {revision: v2, weight: 100}\n")
}

// TestPhases: testers, copies, shares; whatever gives the first share ends the copies in the same edit, and so does the way back.
func TestPhases(t *testing.T) {
	t.Parallel()
	d := open(t, []byte(base), "")
	set := []steps.Setting{{Path: "replicas.max", Value: "2"}}
	change, err := d.Start(nil, steps.Start{Name: "v2", Set: set, Testers: &spec.HeaderMatch{Header: "x", Value: "on"}, Shadow: 10})
	require.NoError(t, err)
	assert.Equal(t, "v1 100, v2 0", words(change))
	assert.Contains(t, string(change.Data), "  rollout: {from: v1, to: v2, shadow: 10}\n")
	d = open(t, change.Data, "")
	next, more := d.Next(d.Environments[0])
	assert.True(t, more)
	assert.Equal(t, spec.Phase{Shadow: 10}, next)

	shadow, err := d.Step(nil)
	require.NoError(t, err)
	assert.Equal(t, "v1 100, v2 0 and copies of 10", words(shadow))
	assert.Contains(t, string(shadow.Data), `  - {revision: v2, weight: 0, testers: {header: x, value: "on"}, mirror: 10}`)
	require.Len(t, shadow.Notes, 1)
	assert.Contains(t, shadow.Notes[0], "v2 generates the answers to 10 % of the requests again")
	d = open(t, shadow.Data, "")
	_, err = d.Start(nil, steps.Start{From: "v1", Name: "v3", Set: set})
	require.ErrorContains(t, err, "is on its way")
	next, more = d.Next(d.Environments[0])
	assert.True(t, more)
	assert.Equal(t, spec.Phase{Weight: 5}, next)

	for _, test := range []struct {
		call func() (steps.Change, error)
		want string
	}{
		{func() (steps.Change, error) { return d.Step(nil) }, "v1 95, v2 5"},
		{func() (steps.Change, error) { return d.Set(nil, map[string]int{"v2": 30}) }, "v1 70, v2 30"},
		{func() (steps.Change, error) { return d.Set(nil, map[string]int{"v1": 99, "v2": 1}) }, "v1 99, v2 1"},
		{func() (steps.Change, error) { return d.Promote(nil, "") }, "v1 0, v2 100"},
		{func() (steps.Change, error) { return d.Abort(nil) }, "v1 100, v2 0"},
		{func() (steps.Change, error) { return d.Finish(nil, []string{"v2"}) }, "v1 100"},
	} {
		change, err = test.call()
		require.NoError(t, err, test.want)
		assert.Equal(t, test.want, words(change))
		assert.NotContains(t, string(change.Data), "mirror")
		require.Len(t, change.Shifts, 1, test.want)
	}

	first, err := d.Step(nil)
	require.NoError(t, err)
	d = open(t, first.Data, "")
	for range 3 { // 25, 50, 100
		change, err = d.Step(nil)
		require.NoError(t, err)
		assert.NotContains(t, string(change.Data), "mirror")
		d = open(t, change.Data, "")
	}
	_, more = d.Next(d.Environments[0])
	assert.False(t, more)
	change, err = d.Finish(nil, nil)
	require.NoError(t, err)
	assert.Contains(t, string(change.Data), "  rollout: {shadow: 10}\n", "the plan is that of the next one")
}

// TestCopiesWantReplicas: copies are as much work as a share, and fewer replicas than that are told.
func TestCopiesWantReplicas(t *testing.T) {
	t.Parallel()
	d := open(t, []byte(base+`  revisions: [{name: v1, replicas: {min: 4, max: 4}}, {name: v2, replicas: {max: 1}}]
  traffic: [{revision: v1, weight: 100}, {revision: v2, weight: 0}]
  rollout: {shadow: 25}
`), "")
	for percent, warned := range map[string]bool{"25": false, "26": true} {
		d = open(t, []byte(strings.Replace(string(d.Data), "shadow: 25", "shadow: "+percent, 1)), "")
		change, err := d.Step(nil)
		require.NoError(t, err)
		require.Len(t, change.Notes, 1)
		assert.Equal(t, warned, strings.Contains(change.Notes[0], "v1 has up to 4 replicas for all requests, and v2 up to 1"), change.Notes[0])
		d = open(t, []byte(strings.Replace(string(d.Data), "shadow: "+percent, "shadow: 25", 1)), "")
	}
}

// TestTestersComeAlong: an environment that gets a traffic of its own keeps what the shared one said besides weights.
func TestTestersComeAlong(t *testing.T) {
	t.Parallel()
	d := open(t, []byte(base+`  revisions: [{name: v1}, {name: v2, replicas: {max: 2}}]
  traffic:
  - {revision: v1, weight: 100}
  - {revision: v2, weight: 0, testers: {header: x, value: "on"}, mirror: 5}
  environments: [{name: dev}, {name: production}]
`), "")
	change, err := d.Set([]string{"dev"}, map[string]int{"v2": 10})
	require.NoError(t, err)
	assert.Contains(t, string(change.Data), `  environments: [{name: dev, traffic: [{revision: v1, weight: 90}, {revision: v2, weight: 10, testers: {header: x, value: "on"}}]}, {name: production}]`)
	assert.Equal(t, &spec.HeaderMatch{Header: "x", Value: "on"}, change.After.Environments[0].Revisions[1].Testers)
	require.Len(t, change.Shifts, 1)
}
