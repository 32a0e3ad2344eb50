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
