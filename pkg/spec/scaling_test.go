package spec_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

// TestKEDADefaults are those of one environment, beside one that has a HorizontalPodAutoscaler.
func TestKEDADefaults(t *testing.T) {
	t.Parallel()
	deployments, err := spec.Load("d.yaml", strings.NewReader(`apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
spec:
  model: {id: openai/gpt-oss-20b}
  accelerator: {type: a10g}
  expose: {hosts: [a.example.com], gateway: istio-ingress/llm}
  monitoring: {namespace: watch}
  replicas: {min: 0}
  scaling: {type: keda}
  environments:
  - {name: zero}
  - {name: slow, runtime: {startupTimeout: 40m}, replicas: {max: 2}}
  - {name: hpa, replicas: {min: 1, max: 2}, scaling: {type: hpa}}
`))
	require.NoError(t, err)
	zero, slow, hpa := deployments[0].Environments[0], deployments[0].Environments[1], deployments[0].Environments[2]
	assert.Equal(t, "http://prometheus-operated.watch.svc:9090", zero.Scaling.Prometheus.ServerAddress)
	assert.Equal(t, []int{0, 1}, []int{zero.Revisions[0].MinReplicas, zero.Revisions[0].MaxReplicas})
	assert.GreaterOrEqual(t, zero.Revisions[0].Cooldown, max(10*time.Minute, zero.Revisions[0].Startup.Budget))
	assert.Equal(t, 40*time.Minute, slow.Revisions[0].Cooldown)
	assert.Equal(t, "hpa", hpa.Scaling.Type)
	assert.Empty(t, hpa.Scaling.Prometheus.ServerAddress)
	assert.Zero(t, hpa.Revisions[0].Cooldown)
}

// TestColdStart: an estimate takes in what has to be fetched; a measured one is taken at its word, but for the cooldown, which is
// never less than a replica may load.
func TestColdStart(t *testing.T) {
	t.Parallel()
	of := func(lines ...string) spec.RevisionTarget {
		return load(t, named("name: a", append([]string{"accelerator: {type: a10g}", "expose: {hosts: [a.example.com], gateway: istio-ingress/llm}"}, lines...)...)).Base.Revisions[0]
	}
	const keda = "replicas: {min: 0, max: 2}"
	s3, pvc := `model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, source: "s3://models/r1"}`, `model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, source: "pvc://models/r1"}`
	streamed := `model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, source: "s3://models/r1", streamed: true}`
	assert.Zero(t, of(s3).ColdStart, "the windows are fixed")
	mounts := of(pvc, "scaling: {coldStart: auto}")
	assert.Greater(t, mounts.ColdStart, mounts.Startup.Budget, "the image comes first")
	assert.Greater(t, of(s3, "scaling: {coldStart: auto}").ColdStart, mounts.ColdStart, "and so do weights")
	assert.Equal(t, mounts.ColdStart, of(streamed, "scaling: {coldStart: auto}").ColdStart, "reading them is the start itself")
	assert.Equal(t, 7*time.Minute, of(s3, "scaling: {coldStart: 7m}").ColdStart)
	measured := of(s3, keda, "scaling: {type: keda, coldStart: 7m}")
	assert.Equal(t, max(10*time.Minute, measured.Startup.Budget), measured.Cooldown)
	slow := of(s3, keda, "scaling: {type: keda, coldStart: 1h}")
	assert.Equal(t, time.Hour, slow.Cooldown)
}
