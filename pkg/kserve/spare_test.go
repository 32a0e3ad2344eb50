package kserve_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"

	"github.com/kservegen/kservegen/pkg/k8s"
	"github.com/kservegen/kservegen/pkg/kserve"
	"github.com/kservegen/kservegen/pkg/spec"
)

const spared = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: gpt, namespace: llm}
spec:
  model: {id: openai/gpt-oss-20b}
  accelerator: {type: a10g}
  replicas: {min: 1, max: 4}
  quota: {devices: auto}
  revisions: [{name: v1}, {name: v2, accelerator: {type: l4}}]
  traffic: [{revision: v1, weight: 30}, {revision: v2, weight: 70}]
  scaling: {spare: {replicas: 2}}
`

func TestSpareIsLikeAReplica(t *testing.T) {
	t.Parallel()
	deployments, err := spec.Load("d.yaml", strings.NewReader(spared))
	require.NoError(t, err)
	target := deployments[0].Environments[0]
	object, err := kserve.NewBuilder().Spare(target)
	require.NoError(t, err)
	deployment, ok := object.Typed.(*appsv1.Deployment)
	require.True(t, ok)
	pod := deployment.Spec.Template
	assert.Equal(t, int32(2), *deployment.Spec.Replicas)
	assert.Equal(t, "spare-nodes", pod.Spec.PriorityClassName)
	assert.NotContains(t, pod.Labels, spec.ModelLabel, "Services, policies and budgets of the model would select it")
	for key, value := range deployment.Spec.Selector.MatchLabels {
		assert.Equal(t, value, pod.Labels[key])
	}
	limits := pod.Spec.Containers[0].Resources.Limits
	devices := limits["nvidia.com/gpu"]
	assert.Equal(t, int64(1), devices.Value())
	assert.Equal(t, string(target.Revisions[1].Resources.Memory), limits.Memory().String())
	terms := pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	assert.Equal(t, []string{"l4"}, terms[0].MatchExpressions[0].Values, "of the revision with the most traffic")
	assert.Nil(t, pod.Spec.Affinity.PodAntiAffinity)

	classes := k8s.SpareClass([]spec.Target{target}, nil)
	require.Len(t, classes, 1)
	class, ok := classes[0].Typed.(*schedulingv1.PriorityClass)
	require.True(t, ok)
	assert.Equal(t, int32(-10), class.Value)
	assert.Equal(t, corev1.PreemptNever, *class.PreemptionPolicy)
	target.Scaling.Spare = &spec.Spare{Replicas: 1, PriorityClass: "mine"}
	assert.Empty(t, k8s.SpareClass([]spec.Target{target}, nil), "it exists")

	// Two revisions of four and one that ends each, and two that hold nodes.
	assert.Equal(t, map[string]int{"nvidia.com/gpu": 12}, deployments[0].Environments[0].PeakDevices())
}
