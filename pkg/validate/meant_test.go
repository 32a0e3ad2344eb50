package validate_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
)

const slips = `apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: m
  namespace: llm
  annotations: {serving.kserve.io/deploymentMode: Standard, serving.kserve.io/autoscalerClass: none}
  labels: {networking.kserve.io/visibility: cluster-local}
spec:
  predictor:
    minReplicas: 1
    model:
      runtime: kserve-vllmserver
      modelFormat: {name: vLLM}
      storageUri: s3://models/m
      resources: {requests: {cpu: "2", memory: 8Gi}, limits: {cpu: "2", memory: 8Gi, nvidia.com/gpu: "1"}}
`

// TestOneFindingForAMistake wants one finding, and where it has but one remedy, that --fix mends it.
func TestOneFindingForAMistake(t *testing.T) {
	t.Parallel()
	effective.DiscardLogs()
	runtime := "apiVersion: serving.kserve.io/v1alpha1\nkind: ServingRuntime\nmetadata: {name: r, namespace: llm}\nspec:\n" +
		"  supportedModelFormats: [{name: x}]\n  containers:\n  - name: kserve-container\n    image: registry.example.com/r:1.0.0\n    resources: {requests: {cpu: \"2\"}}\n"
	config := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: llm}\ndata: {a: b}\n"
	virtual := "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: llm}\n" +
		"spec:\n  hosts: [v.example.com]\n  http:\n  - timeout: 10s\n    retries: {attempts: 0}\n    route: [{destination: {host: example.com}}]\n"
	for name, c := range map[string]struct {
		text, was, is string
		// want is the code, the line and column, and the fix.
		want, at, fix string
		mended        string
	}{
		"a number for a quantity": {runtime, `cpu: "2"`, "cpu: 0.1", "KG0023", "9:33", `Write "0.1", with the quotes.`, `cpu: "0.1"`},
		"hexadecimal stays":       {config, "a: b", "a: 0x10", "KG0023", "4:11", `Write "0x10", with the quotes.`, `a: "0x10"`},
		"yes":                     {config, "a: b", "a: yes", "KG0023", "4:11", `Write "yes", with the quotes.`, `a: "yes"`},
		"a name that is boolean":  {config, "name: c", "name: y", "KG0023", "3:18", `Write "y", with the quotes.`, `name: "y"`},
		"text for a number":       {slips, "minReplicas: 1", `minReplicas: "1"`, "KG0023", "10:18", "Write 1, without quotes.", "minReplicas: 1"},
		"not only of the wrong type": {
			virtual, "timeout: 10s", "timeout: 10", "KG0023", "7:14", `Write text; "10" in quotes would be refused, too: `, "",
		},
		"a slip in a name":         {slips, "storageUri:", "storageURI:", "KG0020", "14:7", "Rename it to storageUri.", "storageUri: s3"},
		"quoted":                   {slips, "storageUri:", `"storage-uri":`, "KG0020", "14:7", "Rename it to storageUri.", `"storageUri": s3`},
		"another type":             {slips, "minReplicas: 1", "minReplicas: 1\n    container: x", "KG0020", "11:5", "Rename it to containers, or remove it.", ""},
		"a name that is taken":     {slips, "minReplicas: 1", "minReplicas: 1\n    minReplica: 1", "KG0020", "11:5", "Rename it to minReplicas, or remove it.", ""},
		"nothing near":             {slips, "minReplicas: 1", "minReplicas: 1\n    qqqqqqqqqqqqqqqq: 1", "KG0020", "11:5", "Correct its name, or remove it.", ""},
		"no quantity":              {slips, `cpu: "2", memory: 8Gi}, l`, `cpu: "2", memory: 8Gx}, l`, "KG0023", "15:48", "Write a quantity: a number and perhaps a unit, for example 500m, 2 or 16Gi.", ""},
		"missing":                  {virtual, "destination: {host: example.com}", "destination: {subset: a}", "KG0022", "9:27", "Add host.", ""},
		"a kind that is not there": {config, "ConfigMap", "ConfigMab", "KG0021", "2:7", "Correct apiVersion or kind", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(c.text, c.was, c.is, 1)
			require.NotEqual(t, c.text, text)
			path := write(t, "o.yaml", text)
			found := errorsIn(t, path)
			require.Len(t, found, 1, "%v", found)
			f := found[0]
			assert.Equal(t, c.want, f.Code)
			assert.Equal(t, c.at, place(f), f.Message)
			assert.True(t, strings.HasPrefix(f.Fix, c.fix), f.Fix)
			assert.Equal(t, c.mended != "", f.Edit != finding.Edit{}, "has an edit")
			if c.mended == "" {
				return
			}
			edited, made := lint.Apply([]byte(text), []finding.Edit{f.Edit})
			assert.Equal(t, 1, made)
			assert.Contains(t, string(edited), c.mended)
			require.NoError(t, os.WriteFile(path, edited, 0o600))
			assert.Empty(t, errorsIn(t, path))
		})
	}
}

func place(f finding.Finding) string { return fmt.Sprint(f.Line, ":", f.Column) }

func errorsIn(t *testing.T, path string) []finding.Finding {
	t.Helper()
	return slices.DeleteFunc(judge(t, path).Findings, func(f finding.Finding) bool { return f.Level < finding.Error })
}
