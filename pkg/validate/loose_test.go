package validate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/report"
	"github.com/kservegen/kservegen/pkg/validate"
)

// selectsNothing is a Deployment and a budget that is for others.
const selectsNothing = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: apps}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "example.com/web:1.0"}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: apps}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: wed}}
`

// TestTheSameBytesAreJudgedAlike as a named file, by standard input and in a kustomization; of files that were found in
// a directory, what follows from what is not there informs.
func TestTheSameBytesAreJudgedAlike(t *testing.T) {
	t.Parallel()
	unselected := strings.Replace(selectsNothing, "name: web, namespace: apps}\nspec:\n  maxUnavailable", "name: other, namespace: apps}\nspec:\n  maxUnavailable", 1)
	unselected = strings.Replace(unselected, "app: wed", "app: another", 1)
	require.NotEqual(t, selectsNothing, unselected)
	for name, c := range map[string]struct {
		text string
		dir  finding.Level
	}{
		"the pods may be elsewhere": {unselected, finding.Info},
		"a slip in a label":         {selectsNothing, finding.Error},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := write(t, "web.yaml", c.text)
			dir := filepath.Dir(file)
			assert.Equal(t, finding.Error, levelOf(t, judge(t, file)), "a named file")
			assert.Equal(t, finding.Error, levelOf(t, judgeStream(t, c.text)), "a stream")
			found := judge(t, dir)
			assert.Equal(t, c.dir, levelOf(t, found), "a directory")
			assert.Equal(t, c.dir == finding.Info, strings.Contains(found.Summary(), "may not be all there is"), found.Summary())
			kustomization := filepath.Join(dir, "kustomization.yaml")
			require.NoError(t, os.WriteFile(kustomization, []byte("sortOptions: {order: fifo}\nresources: [web.yaml]\n"), 0o600))
			assert.Equal(t, finding.Error, levelOf(t, judge(t, kustomization)), "a kustomization")
		})
	}
}

func levelOf(t *testing.T, r report.Report) finding.Level {
	t.Helper()
	for _, f := range r.Findings {
		if f.Code == "KG1001" {
			return f.Level
		}
	}
	require.Fail(t, "KG1001 isn't found")
	return 0
}

func judgeStream(t *testing.T, text string) report.Report {
	t.Helper()
	j, err := validate.NewJudge(validate.JudgeOptions{})
	require.NoError(t, err)
	r, err := validate.Run(t.Context(), []string{"-"}, validate.Options{
		Checks: []validate.Check{j}, FailOn: finding.Error, Load: load.Options{Stdin: strings.NewReader(text)},
	})
	require.NoError(t, err)
	return r
}

// TestAWebhooksRefusalStandsAtItsField, or at the name of the object.
func TestAWebhooksRefusalStandsAtItsField(t *testing.T) {
	t.Parallel()
	r := judge(t, write(t, "isvc.yaml", `apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: both
  namespace: llm
spec:
  predictor:
    model:
      modelFormat: {name: huggingface}
      storageUri: s3://bucket/model
    containers:
    - name: kserve-container
      image: example.com/server:1.0
`))
	for _, f := range r.Findings {
		if f.Code == "KG0030" {
			assert.Equal(t, "/metadata/name", f.Path)
			assert.Equal(t, 4, f.Line)
			return
		}
	}
	assert.Fail(t, "KServe's webhook refuses nothing")
}
