package validate_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/finding"
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

// TestLooseFilesAreNotAllThereIs: what follows from what is not there informs, unless a kustomization says what there is.
func TestLooseFilesAreNotAllThereIs(t *testing.T) {
	t.Parallel()
	levels := func(path string) map[string]finding.Level {
		found := map[string]finding.Level{}
		for _, f := range judge(t, path).Findings {
			found[f.Code] = f.Level
		}
		return found
	}
	file := write(t, "web.yaml", selectsNothing)
	require.Contains(t, levels(file), "KG1001")
	assert.Equal(t, finding.Info, levels(file)["KG1001"])
	kustomization := filepath.Join(filepath.Dir(file), "kustomization.yaml")
	require.NoError(t, os.WriteFile(kustomization, []byte("sortOptions: {order: fifo}\nresources: [web.yaml]\n"), 0o600))
	assert.Equal(t, finding.Error, levels(kustomization)["KG1001"])
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
