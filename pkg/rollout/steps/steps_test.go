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
	assert.Contains(t, string(change.Data), `  environments: [{name: dev, traffic: [{revision: v1, weight: 90}, {revision: v2, weight: 10, testers: {header: x, value: "on"}, mirror: 5}]}, {name: production}]`)
	assert.Equal(t, &spec.HeaderMatch{Header: "x", Value: "on"}, change.After.Environments[0].Revisions[1].Testers)
	require.Len(t, change.Shifts, 1)
}
