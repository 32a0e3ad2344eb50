package karpenter

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestKarpenter(t *testing.T) {
	t.Parallel()
	w := start(t, []string{"us-east-1a", "us-east-1b", "us-east-1c"})
	t.Run("a node of the cheapest type for each replica, until it goes", w.distill)
	t.Run("no more nodes than the limit", w.limit)
	t.Run("a pool with the wrong type leaves the pods Pending", w.wrongType)
	t.Run("a pool with a taint that nobody tolerates leaves them Pending", w.wrongTaint)
	t.Run("two replicas share a node", w.shared)
	t.Run("over zones they don't", w.spread)
	t.Run("pods that wait are packed onto a larger type, where it is allowed", w.packed)
	t.Run("the nodes of a replica are in one zone", w.group)
	t.Run("nodes are where the file system is", w.fileSystem)
	t.Run("an environment has another device", w.other)
	t.Run("nodes of Neuron are shared by devices", w.neuron)
}

func (w *world) distill(t *testing.T) {
	m := reference(t, "deepseek-r1-distill-llama-8b-karpenter", "deepseek-r1", "production")
	w.apply(t, m, nil)
	defer w.clear(t, m)
	pods := w.replicas(t, m, 2)
	nodes := w.settled(t, 2)
	assert.Equal(t, "g5.xlarge g5.xlarge", labelsOf(nodes, corev1.LabelInstanceTypeStable))
	assert.Equal(t, "on-demand on-demand", labelsOf(nodes, "karpenter.sh/capacity-type"))
	assert.NotEqual(t, nodes[0].Labels[corev1.LabelTopologyZone], nodes[1].Labels[corev1.LabelTopologyZone], "the pods spread over zones")
	for _, node := range nodes {
		assert.Contains(t, node.Spec.Taints, corev1.Taint{Key: "nvidia.com/gpu", Value: "true", Effect: corev1.TaintEffectNoSchedule})
	}

	w.bind(t, pods[0], nodes[0].Name)
	w.remove(t, pods[1])
	left := w.settled(t, 1)
	assert.Equal(t, nodes[0].Name, left[0].Name, "the empty node goes, the one with a model stays")
	w.remove(t, pods[0])
	w.settled(t, 0)
}

func (w *world) limit(t *testing.T) {
	m := reference(t, "deepseek-r1-distill-llama-8b-karpenter", "deepseek-r1", "production")
	w.apply(t, m, nil)
	defer w.clear(t, m)
	w.replicas(t, m, 8) // replicas.max is 6, and one more may start before another ends
	nodes := w.settled(t, 7)
	assert.Len(t, nodes, 7)
}

func (w *world) wrongType(t *testing.T) {
	m := reference(t, "deepseek-r1-distill-llama-8b-karpenter", "deepseek-r1", "production")
	w.apply(t, m, func(pool *unstructured.Unstructured) { setValues(t, pool, 0, "g6.xlarge") })
	defer w.clear(t, m)
	pods := w.replicas(t, m, 1)
	assert.Contains(t, w.refusal(t, pods[0]), "not in node.kubernetes.io/instance-type In [g6.xlarge]")
	assert.Empty(t, w.nodes(t))
}

func (w *world) wrongTaint(t *testing.T) {
	m := reference(t, "deepseek-r1-distill-llama-8b-karpenter", "deepseek-r1", "dev")
	w.apply(t, m, func(pool *unstructured.Unstructured) {
		taint := []any{map[string]any{"key": "team", "value": "research", "effect": "NoSchedule"}}
		require.NoError(t, unstructured.SetNestedSlice(pool.Object, taint, "spec", "template", "spec", "taints"))
	})
	defer w.clear(t, m)
	pods := w.replicas(t, m, 1)
	assert.Contains(t, w.refusal(t, pods[0]), "did not tolerate taint")
	assert.Empty(t, w.nodes(t))
}

func (w *world) shared(t *testing.T) {
	m := reference(t, "deepseek-v4-flash-h200-karpenter", "deepseek-v4-flash", "default")
	w.apply(t, m, nil)
	defer w.clear(t, m)
	w.replicas(t, m, 2)
	nodes := w.settled(t, 1)
	assert.Equal(t, "p5en.48xlarge", labelsOf(nodes, corev1.LabelInstanceTypeStable))
}

// spread: Karpenter takes the spread over zones for a condition, as spec.NodePools counts.
func (w *world) spread(t *testing.T) {
	m := reference(t, "deepseek-v4-flash-h200-karpenter", "deepseek-v4-flash", "default")
	w.apply(t, m, func(pool *unstructured.Unstructured) { setValues(t, pool, 2, "us-east-1a", "us-east-1b", "us-east-1c") })
	defer w.clear(t, m)
	w.replicas(t, m, 2)
	w.settled(t, 2)
}

// packed is why types with more devices are left out unless a document names them.
func (w *world) packed(t *testing.T) {
	m := reference(t, "deepseek-r1-distill-llama-8b-karpenter", "deepseek-r1", "production")
	w.apply(t, m, func(pool *unstructured.Unstructured) {
		setValues(t, pool, 0, "g5.xlarge", "g5.12xlarge")
		setValues(t, pool, 2, "us-east-1a")
	})
	defer w.clear(t, m)
	w.replicas(t, m, 4)
	nodes := w.settled(t, 1)
	assert.Equal(t, "g5.12xlarge", labelsOf(nodes, corev1.LabelInstanceTypeStable))
}

// setValues changes what a pool wants of a label, by the place of its requirement.
func setValues(t *testing.T, pool *unstructured.Unstructured, requirement int, values ...any) {
	t.Helper()
	path := []string{"spec", "template", "spec", "requirements"}
	requirements, _, err := unstructured.NestedSlice(pool.Object, path...)
	require.NoError(t, err)
	changed, ok := requirements[requirement].(map[string]any)
	require.True(t, ok)
	changed["values"] = values
	require.NoError(t, unstructured.SetNestedSlice(pool.Object, requirements, path...))
}

func (w *world) group(t *testing.T) {
	m := reference(t, "deepseek-r1-h100-karpenter", "deepseek-r1-671b", "default")
	require.Len(t, m.pods, 2)
	w.apply(t, m, nil)
	defer w.clear(t, m)
	w.replicas(t, m, 1)
	nodes := w.settled(t, 2)
	assert.Equal(t, "p5.48xlarge p5.48xlarge", labelsOf(nodes, corev1.LabelInstanceTypeStable))
	assert.Equal(t, nodes[0].Labels[corev1.LabelTopologyZone], nodes[1].Labels[corev1.LabelTopologyZone])
}

// fileSystem: the volume says its zone, whatever the pool allows.
func (w *world) fileSystem(t *testing.T) {
	m := reference(t, "deepseek-r1-distill-llama-70b-fsx-karpenter", "deepseek-r1-70b", "production")
	require.Len(t, m.volumes, 1)
	w.apply(t, m, func(pool *unstructured.Unstructured) { setValues(t, pool, 2, "us-east-1a", "us-east-1b", "us-east-1c") })
	defer w.clear(t, m)
	w.replicas(t, m, 2)
	nodes := w.settled(t, 1)
	assert.Equal(t, "p4de.24xlarge", labelsOf(nodes, corev1.LabelInstanceTypeStable))
	assert.Equal(t, "us-east-1a", labelsOf(nodes, corev1.LabelTopologyZone))
}

// other: the pool of an environment with another device.
func (w *world) other(t *testing.T) {
	m := reference(t, "deepseek-r1-distill-llama-70b-fsx-karpenter", "deepseek-r1-70b", "staging")
	w.apply(t, m, nil)
	defer w.clear(t, m)
	w.replicas(t, m, 1)
	assert.Equal(t, "p4d.24xlarge", labelsOf(w.settled(t, 1), corev1.LabelInstanceTypeStable))
}

// neuron: this cloud is in another region, and has no reservations.
func (w *world) neuron(t *testing.T) {
	m := reference(t, "llama-3.3-70b-trn2-karpenter", "llama-3-3-70b", "default")
	w.apply(t, m, func(pool *unstructured.Unstructured) {
		setValues(t, pool, 1, "on-demand")
		setValues(t, pool, 2, "us-east-1a")
	})
	defer w.clear(t, m)
	w.replicas(t, m, 5) // four are all sixteen devices, and so the limit
	nodes := w.settled(t, 1)
	assert.Equal(t, "trn2.48xlarge", labelsOf(nodes, corev1.LabelInstanceTypeStable))
	assert.Contains(t, nodes[0].Spec.Taints, corev1.Taint{Key: "aws.amazon.com/neuron", Value: "true", Effect: corev1.TaintEffectNoSchedule})
}
