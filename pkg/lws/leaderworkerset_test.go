package lws

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	lwsv1 "sigs.k8s.io/lws/api/leaderworkerset/v1"

	"github.com/kservegen/kservegen/pkg/kserve"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

func built(t *testing.T, more string) (*lwsv1.LeaderWorkerSet, spec.Target) {
	t.Helper()
	deployments, err := spec.Load("d.yaml", strings.NewReader(`
apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: r1, namespace: llm}
spec:
  model: {id: deepseek-ai/DeepSeek-R1, source: pvc://models/deepseek-r1}
  serving: LeaderWorkerSet
`+more))
	require.NoError(t, err)
	target := deployments[0].Environments[0]
	object, err := LeaderWorkerSet(kserve.NewBuilder(), target, target.Revisions[0])
	require.NoError(t, err)
	data, err := manifest.FromTyped(object.Typed)
	require.NoError(t, err)
	_, err = manifest.MarshalCommented(data, object.Comments)
	require.NoError(t, err, "every comment has its field")
	return object.Typed.(*lwsv1.LeaderWorkerSet), target
}

// TestGroupsActAsOne: what KServe's two Deployments cannot do.
func TestGroupsActAsOne(t *testing.T) {
	t.Parallel()
	set, target := built(t, "  accelerator: {type: h100}\n  replicas: {min: 3, max: 3}\n")
	assert.Equal(t, "r1-v1", set.Name)
	assert.EqualValues(t, 3, *set.Spec.Replicas, "three groups")
	assert.EqualValues(t, 2, *set.Spec.LeaderWorkerTemplate.Size, "of two pods")
	assert.Equal(t, lwsv1.RecreateGroupOnPodRestart, set.Spec.LeaderWorkerTemplate.RestartPolicy)
	assert.Equal(t, lwsv1.LeaderCreatedStartupPolicy, set.Spec.StartupPolicy, "the leader waits for workers, not they for it")
	assert.Equal(t, lwsv1.SubdomainUniquePerReplica, *set.Spec.NetworkConfig.SubdomainPolicy)
	rollout := set.Spec.RolloutStrategy.RollingUpdateConfiguration
	assert.Zero(t, rollout.MaxSurge.IntValue(), "there are no spare nodes")
	leader, worker := set.Spec.LeaderWorkerTemplate.LeaderTemplate.Labels, set.Spec.LeaderWorkerTemplate.WorkerTemplate.Labels
	for key, value := range target.LeaderSelector("v1") {
		assert.Equal(t, value, leader[key])
	}
	assert.NotContains(t, worker, spec.RoleLabel, "or the Service would send requests to the workers")
	for key, value := range target.RevisionSelector("v1") {
		assert.Equal(t, value, worker[key], "policies are for the whole group")
	}
}

// TestAutoscalerHasTheReplicas: a number in the tree would undo what it sets.
func TestAutoscalerHasTheReplicas(t *testing.T) {
	t.Parallel()
	set, _ := built(t, "  accelerator: {type: h100}\n  replicas: {min: 1, max: 3}\n")
	assert.Nil(t, set.Spec.Replicas)
	set, _ = built(t, "  accelerator: {type: h100}\n  replicas: {min: 1, max: 3}\n  scaling: {type: \"off\"}\n")
	assert.EqualValues(t, 1, *set.Spec.Replicas)
}
