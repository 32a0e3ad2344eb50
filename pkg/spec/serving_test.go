package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

// TestNamesByServing: what scales, is waited for and is routed to has the names that KServe 0.20.0 gives, or those of our own
// objects.
func TestNamesByServing(t *testing.T) {
	t.Parallel()
	for serving, want := range map[string]struct {
		workload spec.Workload
		service  string
		port     int
	}{
		spec.ServingInferenceService:    {spec.Workload{APIVersion: "apps/v1", Kind: "Deployment", Name: "r1-v1-predictor", Answering: "availableReplicas"}, "r1-v1-predictor", 80},
		spec.ServingLLMInferenceService: {spec.Workload{APIVersion: "apps/v1", Kind: "Deployment", Name: "r1-v1-kserve", Answering: "availableReplicas"}, "r1-v1-kserve-workload-svc", 8000},
		spec.ServingLeaderWorkerSet:     {spec.Workload{APIVersion: "leaderworkerset.x-k8s.io/v1", Kind: "LeaderWorkerSet", Name: "r1-v1", Answering: "readyReplicas"}, "r1-v1-predictor", 80},
	} {
		target := spec.Target{Name: "r1", Serving: serving}
		assert.Equal(t, want.workload, target.Workload("v1"))
		assert.Equal(t, want.service, target.Predictor("v1"), serving)
		assert.Equal(t, want.port, target.ServicePort(), serving)
	}
}

// TestHostOfTwoAPIs: HTTPRoutes of our own and of KServe are at one Gateway, where a host is one's alone.
func TestHostOfTwoAPIs(t *testing.T) {
	t.Parallel()
	document := func(name, api string) string {
		return fmt.Sprintf(`
apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: %s}
spec:
  serving: LLMInferenceService
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B}
  accelerator: {type: a10g}
  expose: {api: %s, hosts: [a.example.com], gateway: istio-ingress/gateway}
---`, name, api)
	}
	deployments, err := spec.Load("d.yaml", strings.NewReader(document("a", "gateway")+document("b", "kserve")))
	require.NoError(t, err)
	require.ErrorContains(t, spec.CheckTogether(deployments), "host a.example.com is taken by model a")
	deployments, err = spec.Load("d.yaml", strings.NewReader(document("a", "istio")+document("b", "kserve")))
	require.NoError(t, err)
	require.NoError(t, spec.CheckTogether(deployments), "a Gateway of Istio's is another object")
}
