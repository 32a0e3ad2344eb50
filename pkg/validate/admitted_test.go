package validate_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/validate"
)

// errorsOf are the codes of the errors of an InferenceService whose predictor has more fields.
func errorsOf(t *testing.T, spec, predictor, model string) []string {
	t.Helper()
	effective.DiscardLogs()
	text := `apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: m
  namespace: llm
  annotations: {serving.kserve.io/deploymentMode: Standard, serving.kserve.io/autoscalerClass: none}
  labels: {networking.kserve.io/visibility: cluster-local}
spec:
  SPEC
  predictor:
    minReplicas: 1
    PREDICTOR
    model:
      runtime: kserve-vllmserver
      modelFormat: {name: vLLM}
      MODEL
      resources: {requests: {cpu: "2", memory: 8Gi}, limits: {cpu: "2", memory: 8Gi, nvidia.com/gpu: "1"}}
`
	text = strings.NewReplacer("SPEC\n", spec+"\n", "PREDICTOR", predictor, "MODEL", model).Replace(text)
	var codes []string
	for _, f := range judge(t, write(t, "isvc.yaml", text)).Findings {
		if strings.HasPrefix(f.Code, "KG002") || strings.HasPrefix(f.Code, "KG003") {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

// TestDefaultingComesBeforeTheSchema: what a server with KServe accepts is not refused, and what its controller
// cannot write is found nevertheless.
func TestDefaultingComesBeforeTheSchema(t *testing.T) {
	t.Parallel()
	const storage = "storageUri: s3://models/m"
	assert.Empty(t, errorsOf(t, "", "", storage), "nothing is wrong")
	canary := "canary: [{trafficPercent: 10, predictor: {name: next, minReplicas: 1, model: {modelFormat: {name: vLLM}, runtime: kserve-vllmserver, storageUri: s3://models/n}}}]"
	assert.Empty(t, errorsOf(t, canary, "", storage),
		"the CRD requires the name of a canary's model, the webhook writes an empty one")
	spread := "topologySpreadConstraints: [{maxSkew: 1, whenUnsatisfiable: DoNotSchedule}]"
	assert.Equal(t, []string{validate.CodeController}, errorsOf(t, "", spread, storage), "no topologyKey: the Deployment is refused")
	assert.Equal(t, []string{validate.CodeUnknownField}, errorsOf(t, "", "minReplica: 1", storage), "unknown fields are refused before")
}

// TestAssumedSecretsRefuseNothing: what a Secret holds that is kept elsewhere is not known.
func TestAssumedSecretsRefuseNothing(t *testing.T) {
	t.Parallel()
	assert.Empty(t, errorsOf(t, "", "", "storage: {key: models, path: m}"))
}
