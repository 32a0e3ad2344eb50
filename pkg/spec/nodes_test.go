package spec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

// keeping is a KServe that keeps the workers of several nodes.
const keeping = "  platform: {kserve: {version: v0.19.0}}\n"

func twoNodes(t *testing.T, more string) spec.RevisionTarget {
	t.Helper()
	deployments, err := spec.Load("d.yaml", strings.NewReader(`
apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
spec:
  model: {id: deepseek-ai/DeepSeek-R1, source: pvc://models/deepseek-r1}
`+more))
	require.NoError(t, err)
	return deployments[0].Environments[0].Revisions[0]
}

// TestLayoutSpansNodes: the catalogue says that H100 need two nodes, and everything follows from that.
func TestLayoutSpansNodes(t *testing.T) {
	t.Parallel()
	r := twoNodes(t, "  accelerator: {type: h100}\n"+keeping)
	assert.Equal(t, 16, r.Devices)
	assert.Equal(t, 2, r.Nodes)
	assert.Equal(t, 8, r.DevicesPerNode())
	assert.Equal(t, 2, r.PipelineParallel, "a stage on each node")
	assert.Equal(t, 8, r.TensorParallel, "within a node")
	assert.Equal(t, spec.ExecutorMp, r.Executor)
	assert.Equal(t, spec.Text("120"), r.Resources.CPU, "of one node, not of both")
	one := twoNodes(t, "  accelerator: {type: h200}\n"+keeping)
	assert.Equal(t, 1, one.Nodes)
	assert.Empty(t, one.Executor)
	assert.Zero(t, one.PipelineParallel)
	assert.Less(t, r.Startup.Budget, one.Startup.Budget, "each node reads its half")
}

func TestGroupsChoose(t *testing.T) {
	t.Parallel()
	r := twoNodes(t, `
  serving: LeaderWorkerSet
  accelerator: {type: h100, perReplica: 32, nodes: 4, network: {resource: rdma/shared, perNode: 8}}
  runtime: {args: {tensor-parallel-size: 16, pipeline-parallel-size: 2}}
  replicas: {min: 2, max: 3}
`)
	assert.Equal(t, 8, r.DevicesPerNode())
	assert.Equal(t, 2, r.PipelineParallel, "vLLM spans nodes by tensors, too")
	assert.Equal(t, 16, r.TensorParallel)
	assert.Equal(t, &spec.Network{Resource: "rdma/shared", PerNode: 8}, r.Network)
	assert.Equal(t, 3, r.MaxReplicas)
	r = twoNodes(t, `
  accelerator: {type: h100, perReplica: 32, nodes: 4}
  runtime: {executor: ray, image: registry.example.com/vllm-ray:v1}
`+keeping)
	assert.Equal(t, 4, r.Nodes, "Ray tells the workers of one Deployment apart")
	assert.Equal(t, spec.ExecutorRay, r.Executor)
}

// TestEnvironmentOnOneNode: what only several nodes need is of no use there, and no mistake.
func TestEnvironmentOnOneNode(t *testing.T) {
	t.Parallel()
	deployments, err := spec.Load("d.yaml", strings.NewReader(`
apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
spec:
  model: {id: deepseek-ai/DeepSeek-R1, source: pvc://models/deepseek-r1}
  runtime: {executor: mp}
  accelerator: {type: h100, perReplica: 16, nodes: 2, network: {resource: vpc.amazonaws.com/efa, perNode: 32}}
  environments:
  - name: large
    accelerator: {type: h200, perReplica: 8, nodes: 1}
  - name: production
`+keeping))
	require.NoError(t, err)
	large := deployments[0].Environments[0].Revisions[0]
	assert.Equal(t, 1, large.Nodes)
	assert.Nil(t, large.Network)
	assert.False(t, deployments[0].Environments[0].MultiNode())
	assert.True(t, deployments[0].Environments[1].MultiNode())
}
