package karpenter

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/e2e/envtest/cluster"
	"github.com/kservegen/kservegen/e2e/envtest/cluster/clustertest"
	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	schemas "github.com/kservegen/kservegen/pkg/schema"
	"github.com/kservegen/kservegen/pkg/validate"
)

// patience is what a case waits for Karpenter.
const patience = time.Minute

var (
	nodePools  = schema.GroupVersionResource{Group: "karpenter.sh", Version: "v1", Resource: "nodepools"}
	nodeClaims = schema.GroupVersionResource{Group: "karpenter.sh", Version: "v1", Resource: "nodeclaims"}
	classes    = schema.GroupVersionResource{Group: "karpenter.kwok.sh", Version: "v1alpha1", Resource: "kwoknodeclasses"}
)

// world is a cluster with Karpenter and without anything that runs pods.
type world struct {
	*cluster.Cluster
	typed   kubernetes.Interface
	dynamic dynamic.Interface
}

// start brings it up for the length of the test. Where that fails, the logs stay.
func start(t *testing.T, zones []string) *world {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	types := filepath.Join(t.TempDir(), "instance-types.json")
	require.NoError(t, writeInstanceTypes(types, zones))
	c := clustertest.Start(t, "karpenter", cluster.Options{Root: root, Products: []string{"karpenter"}})
	w := &world{Cluster: c}
	w.typed, err = kubernetes.NewForConfig(c.Config)
	require.NoError(t, err)
	w.dynamic, err = dynamic.NewForConfig(c.Config)
	require.NoError(t, err)
	require.NoError(t, c.StartKarpenter(t.Context(), types))
	class := map[string]any{"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass", "metadata": map[string]any{"name": "kwok"}}
	_, err = w.dynamic.Resource(classes).Create(t.Context(), &unstructured.Unstructured{Object: class}, metav1.CreateOptions{})
	require.NoError(t, err)
	return w
}

// model is an environment of a reference tree.
type model struct {
	name, environment string
	pools             []*unstructured.Unstructured
	// pods of one replica: one, or those of a group.
	pods []corev1.Pod
	// claims that they mount, and volumes that are there for these.
	claims, volumes []*unstructured.Unstructured
}

// reference reads what a reference tree has in an environment: the NodePools, and the pods of one replica.
func reference(t *testing.T, folder, name, environment string) model {
	t.Helper()
	m := model{name: name, environment: environment}
	root := filepath.Join("..", "..", "..", "overlays", folder)
	for _, object := range built(t, filepath.Join(root, render.SharedName, "overlays", environment)) {
		if object.GetKind() == "NodePool" {
			m.pools = append(m.pools, object)
		}
	}
	require.NotEmpty(t, m.pools)
	objects := built(t, filepath.Join(root, name, "overlays", environment))
	m.takePods(t, objects)
	for _, object := range objects {
		switch object.GetKind() {
		case "PersistentVolumeClaim":
			m.claims = append(m.claims, object)
		case "PersistentVolume":
			m.volumes = append(m.volumes, object)
		}
	}
	return m
}

func built(t *testing.T, folder string) []*unstructured.Unstructured {
	t.Helper()
	list, err := render.BuildObjects(filesys.MakeFsOnDisk(), folder)
	require.NoError(t, err)
	var objects []*unstructured.Unstructured
	for _, data := range list {
		text, err := json.Marshal(data)
		require.NoError(t, err)
		object := &unstructured.Unstructured{}
		require.NoError(t, utiljson.Unmarshal(text, &object.Object))
		objects = append(objects, object)
	}
	return objects
}

// takePods finds the pods of a replica: those that KServe's own code makes of an InferenceService, or those of a
// LeaderWorkerSet.
func (m *model) takePods(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	var resources []manifest.Resource
	for _, object := range objects {
		if object.GetKind() == "LeaderWorkerSet" {
			m.takeGroup(t, object)
			return
		}
		resources = append(resources, manifest.Resource{Data: object.Object})
	}
	effective.DiscardLogs()
	known, err := schemas.New(nil)
	require.NoError(t, err)
	builder, err := effective.New(effective.Options{Structural: validate.Structural(known)})
	require.NoError(t, err)
	effect, err := builder.Of(t.Context(), resources)
	require.NoError(t, err)
	require.NotEmpty(t, effect.Services)
	require.NotEmpty(t, effect.Services[0].Pods)
	m.take(t, effect.Services[0].Pods[0].Data)
}

func (m *model) takeGroup(t *testing.T, set *unstructured.Unstructured) {
	t.Helper()
	for _, part := range []string{"leaderTemplate", "workerTemplate"} {
		template, ok, err := unstructured.NestedMap(set.Object, "spec", "leaderWorkerTemplate", part)
		require.NoError(t, err)
		require.True(t, ok)
		m.take(t, template)
	}
}

func (m *model) take(t *testing.T, template map[string]any) {
	t.Helper()
	text, err := json.Marshal(template)
	require.NoError(t, err)
	var pod corev1.Pod
	require.NoError(t, json.Unmarshal(text, &pod))
	m.pods = append(m.pods, pod)
}
