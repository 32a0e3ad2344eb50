package validate_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/report"
	"github.com/kservegen/kservegen/pkg/spec/spectest"
	"github.com/kservegen/kservegen/pkg/validate"
)

func judge(t require.TestingT, paths ...string) report.Report {
	check, err := validate.NewJudge(validate.JudgeOptions{})
	require.NoError(t, err)
	r, err := validate.Run(context.Background(), paths, validate.Options{Checks: []validate.Check{check}, FailOn: finding.Error})
	require.NoError(t, err)
	return r
}

// TestEveryDocumentIsWithoutFindings: whatever a valid document says, nothing is wrong with what it renders to
// (invariant 1). What only informs is left to the document: a model without a revision, for example.
func TestEveryDocumentIsWithoutFindings(t *testing.T) {
	t.Parallel()
	effective.DiscardLogs()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		document := spectest.Document(rt)
		path := filepath.Join(dir, "document.yaml")
		require.NoError(rt, os.WriteFile(path, []byte(document), 0o600))
		for _, f := range judge(rt, path).Findings {
			require.Lessf(rt, f.Level, finding.Warning, "%s %s %s: %s\n%s", f.Code, f.Object, f.Path, f.Message, document)
		}
	})
}

// TestReferenceTreesAreWithoutFindings: not even one that informs.
func TestReferenceTreesAreWithoutFindings(t *testing.T) {
	t.Parallel()
	effective.DiscardLogs()
	trees, err := filepath.Glob("../../overlays/*")
	require.NoError(t, err)
	judged := 0
	for _, tree := range trees {
		if info, err := os.Stat(tree); err != nil || !info.IsDir() {
			continue
		}
		r := judge(t, tree)
		judged += len(r.Sets)
		for _, f := range r.Findings {
			assert.Failf(t, "a finding", "%s:%d %s %s: %s", f.File, f.Line, f.Code, f.Object, f.Message)
		}
		assert.Positive(t, r.Objects(), tree)
		assert.True(t, strings.HasSuffix(r.Summary(), "no findings"), r.Summary())
	}
	assert.GreaterOrEqual(t, judged, 11)
}

// TestRevisionsOverNodesAgree: the nodes of each revision reach each other by a rule of the model's NetworkPolicy, and no
// AuthorizationPolicy has to name them.
func TestRevisionsOverNodesAgree(t *testing.T) {
	t.Parallel()
	effective.DiscardLogs()
	path := filepath.Join(t.TempDir(), "document.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m, namespace: a}
spec:
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, source: "oci://registry.example.com/b:v1"}
  accelerator: {type: a10g, perReplica: 4, nodes: 2}
  replicas: {min: 1, max: 1}
  revisions: [{name: a}, {name: b}]
  traffic: [{revision: a, weight: 100}, {revision: b, weight: 0}]
  platform: {kserve: {version: v0.19.0}}
`), 0o600))
	assert.Empty(t, judge(t, path).Findings)
}
