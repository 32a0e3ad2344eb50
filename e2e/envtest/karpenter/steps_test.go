package karpenter

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/e2e/envtest/api"
)

// kept is how long an empty node is kept here.
const kept = "1s"

// apply makes the model's NodePools, with the node class of this cloud. change, if any, makes a mistake.
func (w *world) apply(t *testing.T, m model, change func(pool *unstructured.Unstructured)) {
	t.Helper()
	for _, pool := range m.pools {
		pool = pool.DeepCopy()
		ref := map[string]any{"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "kwok"}
		require.NoError(t, unstructured.SetNestedMap(pool.Object, ref, "spec", "template", "spec", "nodeClassRef"))
		require.NoError(t, unstructured.SetNestedField(pool.Object, kept, "spec", "disruption", "consolidateAfter"))
		if change != nil {
			change(pool)
		}
		_, err := w.dynamic.Resource(nodePools).Create(t.Context(), pool, metav1.CreateOptions{})
		require.NoError(t, err)
	}
}

// clear takes the pools away again, and with them their nodes, which nothing collects here.
func (w *world) clear(t *testing.T, m model) {
	t.Helper()
	for _, pool := range m.pools {
		require.NoError(t, w.dynamic.Resource(nodePools).Delete(t.Context(), pool.GetName(), metav1.DeleteOptions{}))
	}
	all := metav1.ListOptions{}
	require.NoError(t, w.typed.CoreV1().Pods("llm").DeleteCollection(t.Context(), metav1.DeleteOptions{GracePeriodSeconds: ptr.To(int64(0))}, all))
	require.NoError(t, w.dynamic.Resource(nodeClaims).DeleteCollection(t.Context(), metav1.DeleteOptions{}, all))
	w.until(t, "nothing to be left", func(ctx context.Context) (bool, error) {
		pools, err := w.dynamic.Resource(nodePools).List(ctx, all)
		return err == nil && len(w.nodes(t)) == 0 && len(pools.Items) == 0, err
	})
}

// replicas makes the pods of so many replicas, and marks them as the scheduler does that finds no node for them.
func (w *world) replicas(t *testing.T, m model, count int) []string {
	t.Helper()
	namespace := m.pods[0].Namespace
	if namespace == "" {
		namespace = "llm"
	}
	_, err := w.API.Apply(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace},
	}})
	require.NoError(t, err)
	w.claim(t, m)
	var names []string
	for replica := range count {
		for i := range m.pods {
			pod := m.pods[i].DeepCopy()
			pod.TypeMeta = metav1.TypeMeta{}
			pod.ObjectMeta = metav1.ObjectMeta{
				Name: fmt.Sprintf("%s-%d-%d", m.name, replica, i), Namespace: namespace, Labels: pod.Labels, Annotations: pod.Annotations,
			}
			if len(m.pods) > 1 { // LeaderWorkerSet's controller labels the pods of a group
				pod.Labels["leaderworkerset.sigs.k8s.io/group-key"] = fmt.Sprintf("group-%d", replica)
			}
			w.pending(t, pod)
			names = append(names, pod.Name)
		}
	}
	return names
}

// claim makes the claims that the pods mount, and the volumes or storage classes that those name: Karpenter asks them for their
// zones.
func (w *world) claim(t *testing.T, m model) {
	t.Helper()
	for _, volume := range m.volumes {
		_, err := w.API.Apply(t.Context(), volume)
		require.NoError(t, err)
	}
	for _, claim := range m.claims {
		class, ok, err := unstructured.NestedString(claim.Object, "spec", "storageClassName")
		require.NoError(t, err)
		require.True(t, ok)
		if class == "" { // it names its volume, which nothing binds here, either
			bound := claim.DeepCopy()
			bound.SetAnnotations(map[string]string{"pv.kubernetes.io/bind-completed": "yes"})
			_, err = w.API.Apply(t.Context(), bound)
			require.NoError(t, err)
			continue
		}
		_, err = w.API.Apply(t.Context(), &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": map[string]any{"name": class}, "provisioner": "fsx.csi.aws.com",
			"volumeBindingMode": "WaitForFirstConsumer", // nothing binds the claims here
		}})
		require.NoError(t, err)
		_, err = w.API.Apply(t.Context(), claim)
		require.NoError(t, err)
	}
}

func (w *world) pending(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	pods := w.typed.CoreV1().Pods(pod.Namespace)
	made, err := pods.Create(t.Context(), pod, metav1.CreateOptions{})
	require.NoError(t, err)
	made.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable}}
	_, err = pods.UpdateStatus(t.Context(), made, metav1.UpdateOptions{})
	require.NoError(t, err)
}

// nodes lists those that Karpenter has asked for.
func (w *world) nodes(t *testing.T) []unstructured.Unstructured {
	t.Helper()
	claims, err := w.dynamic.Resource(nodeClaims).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	return claims.Items
}

// settled waits until so many nodes are there and ready, which the test says for the kubelet, and returns the Node objects.
func (w *world) settled(t *testing.T, count int) []corev1.Node {
	t.Helper()
	var found []corev1.Node
	w.until(t, fmt.Sprintf("%d nodes to be ready", count), func(ctx context.Context) (bool, error) {
		list, err := w.typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		for i := range list.Items {
			if err := w.ready(ctx, &list.Items[i]); err != nil {
				return false, err
			}
		}
		found = list.Items
		initialized := 0
		for _, claim := range w.nodes(t) {
			if condition(claim, "Initialized") == "True" {
				initialized++
			}
		}
		return len(found) == count && initialized == count, nil
	})
	return found
}

// ready plays the kubelet and the controller that takes the taint of a node that isn't ready away.
func (w *world) ready(ctx context.Context, node *corev1.Node) error {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
			return nil
		}
	}
	status := map[string]any{"status": map[string]any{"conditions": []any{map[string]any{
		"type": "Ready", "status": "True", "reason": "Test", "lastHeartbeatTime": time.Now().UTC().Format(time.RFC3339),
	}}}}
	if err := w.patch(ctx, node.Name, status, "status"); err != nil {
		return err
	}
	var taints []corev1.Taint
	for _, taint := range node.Spec.Taints {
		if taint.Key != corev1.TaintNodeNotReady {
			taints = append(taints, taint)
		}
	}
	return w.patch(ctx, node.Name, map[string]any{"spec": map[string]any{"taints": taints}})
}

func (w *world) patch(ctx context.Context, node string, change map[string]any, part ...string) error {
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	_, err = w.typed.CoreV1().Nodes().Patch(ctx, node, types.MergePatchType, body, metav1.PatchOptions{}, part...)
	return err
}

// bind puts a pod on a node, as the scheduler does.
func (w *world) bind(t *testing.T, pod, node string) {
	t.Helper()
	binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: pod, Namespace: "llm"}, Target: corev1.ObjectReference{Kind: "Node", Name: node}}
	require.NoError(t, w.typed.CoreV1().Pods("llm").Bind(t.Context(), binding, metav1.CreateOptions{}))
}

func (w *world) remove(t *testing.T, pods ...string) {
	t.Helper()
	for _, pod := range pods {
		require.NoError(t, w.typed.CoreV1().Pods("llm").Delete(t.Context(), pod, metav1.DeleteOptions{GracePeriodSeconds: ptr.To(int64(0))}))
	}
}

// refusal waits for what Karpenter says of a pod that no pool has a node for.
func (w *world) refusal(t *testing.T, pod string) string {
	t.Helper()
	made, err := w.typed.CoreV1().Pods("llm").Get(t.Context(), pod, metav1.GetOptions{})
	require.NoError(t, err)
	said := ""
	w.until(t, "Karpenter to say why "+pod+" stays Pending", func(ctx context.Context) (bool, error) {
		events, err := w.typed.CoreV1().Events("llm").List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.uid=" + string(made.UID)})
		if err != nil {
			return false, err
		}
		for _, event := range events.Items {
			if event.Reason == "FailedScheduling" {
				said = event.Message
			}
		}
		return said != "", nil
	})
	return said
}

func (w *world) until(t *testing.T, what string, condition func(context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, api.Until(ctx, what, condition))
}

func condition(claim unstructured.Unstructured, kind string) string {
	conditions, _, _ := unstructured.NestedSlice(claim.Object, "status", "conditions")
	for _, entry := range conditions {
		if c, ok := entry.(map[string]any); ok && c["type"] == kind {
			return fmt.Sprint(c["status"])
		}
	}
	return ""
}

func labelsOf(nodes []corev1.Node, key string) string {
	var values []string
	for _, node := range nodes {
		values = append(values, node.Labels[key])
	}
	return strings.Join(values, " ")
}
