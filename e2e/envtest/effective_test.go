package envtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"github.com/kservegen/kservegen/e2e/envtest/api"
	"github.com/kservegen/kservegen/e2e/envtest/cluster"
	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/schema"
	"github.com/kservegen/kservegen/pkg/validate"
)

// reconcileTime is what the controller gets for all InferenceServices together.
const reconcileTime = 2 * time.Minute

// sandbox is where the server fills in its defaults. KServe's webhooks leave its pods alone: the effective ones
// have been there.
const sandbox = "sandbox"

// effective holds pkg/effective to the running controller: for each InferenceService that the trees brought, the
// same objects, field for field.
func (s *suite) effective(t *testing.T) {
	s.makeSandbox(t)
	config := s.serviceConfig(t)
	services := 0
	for i, tree := range s.trees {
		tree, _ := tree.Apart(fmt.Sprintf("-%d", i), s.namespaced)
		for _, result := range results(t, append(tree.Objects, config)) {
			services++
			t.Run(result.Reference.Namespace+"/"+result.Reference.Name, func(t *testing.T) {
				t.Parallel()
				s.assertEffective(t, result)
			})
		}
	}
	require.GreaterOrEqual(t, services, 10, "the trees have InferenceServices")
}

func (s *suite) makeSandbox(t *testing.T) {
	t.Helper()
	_, err := s.API.Apply(t.Context(), parse(t, "{apiVersion: v1, kind: Namespace, metadata: {name: "+sandbox+", labels: {control-plane: none}}}"))
	require.NoError(t, err)
}

// serviceConfig is KServe's configuration on the server.
func (s *suite) serviceConfig(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	config, err := s.API.Get(t.Context(), parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: inferenceservice-config, namespace: "+cluster.KServeNamespace+"}}"))
	require.NoError(t, err)
	return config
}

// results are what pkg/effective makes of objects.
func results(t *testing.T, objects []*unstructured.Unstructured) []effective.Result {
	t.Helper()
	catalog, err := schema.New(nil)
	require.NoError(t, err)
	builder, err := effective.New(effective.Options{Structural: validate.Structural(catalog)})
	require.NoError(t, err)
	var resources []manifest.Resource
	for _, object := range objects {
		resources = append(resources, manifest.Resource{Data: object.Object})
	}
	effect, err := builder.Of(t.Context(), resources)
	require.NoError(t, err)
	require.Empty(t, effect.Refused)
	return effect.Services
}

// assertEffective compares what the controller made with what pkg/effective makes, and the pod that would be
// admitted.
func (s *suite) assertEffective(t *testing.T, result effective.Result) {
	t.Helper()
	require.Empty(t, result.Refused)
	made := s.madeOf(t, &unstructured.Unstructured{Object: result.InferenceService.Data}, result.Fleeting...)
	s.assertFleeting(t, result)
	var objects []*unstructured.Unstructured
	for _, object := range result.Objects {
		objects = append(objects, s.stored(t, object.Data))
	}
	own := byKind(objects)
	require.Equal(t, slices.Sorted(maps.Keys(made)), slices.Sorted(maps.Keys(own)))
	for kind := range made {
		assertSame(t, made[kind], own[kind])
	}
	s.supplyAssumed(t, result)
	pod, err := s.Pod(t.Context(), made["Deployment"])
	require.NoError(t, err)
	assertSame(t, pod, s.stored(t, result.Pod()))
}

// assertFleeting waits for what the controller makes and deletes at once, the workers of a replica over several nodes
// (kserve#6113), and compares it as it was made. It is gone when anybody asks for it; a watch sees it.
func (s *suite) assertFleeting(t *testing.T, result effective.Result) {
	t.Helper()
	for i, object := range result.Fleeting {
		own := &unstructured.Unstructured{Object: object.Data}
		if own.GetKind() == "Pod" {
			worker := s.seen(t, &unstructured.Unstructured{Object: result.Fleeting[0].Data})
			pod, err := s.Pod(t.Context(), worker)
			require.NoError(t, err)
			assertSame(t, pod, s.stored(t, result.Fleeting[i].Data))
			continue
		}
		assertSame(t, s.seen(t, own), s.stored(t, own.Object))
	}
}

// seen is an object as the server tells of it when it is made.
func (s *suite) seen(t *testing.T, object *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), reconcileTime)
	defer cancel()
	client, err := dynamic.NewForConfig(s.Config)
	require.NoError(t, err)
	kind, _ := meta.UnsafeGuessKindToResource(object.GroupVersionKind())
	events, err := client.Resource(kind).Namespace(object.GetNamespace()).Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + object.GetName()})
	require.NoError(t, err)
	defer events.Stop()
	for event := range events.ResultChan() {
		if made, ok := event.Object.(*unstructured.Unstructured); ok && event.Type == watch.Added {
			return api.Normal(made)
		}
	}
	require.Failf(t, "never made", "%s %s", object.GetKind(), object.GetName())
	return nil
}

// supplyAssumed makes the Secrets that pkg/effective takes to be there and empty; KServe looks for them when it sees
// the pod.
func (s *suite) supplyAssumed(t *testing.T, result effective.Result) {
	t.Helper()
	for _, secret := range result.Assumed {
		require.Equal(t, "Secret", secret.Kind)
		_, err := s.API.Apply(t.Context(), parse(t, fmt.Sprintf("{apiVersion: v1, kind: Secret, metadata: {name: %s, namespace: %s}}", secret.Name, secret.Namespace)))
		require.NoError(t, err)
	}
}

// stored is an object as the server would have it.
func (s *suite) stored(t *testing.T, data map[string]any) *unstructured.Unstructured {
	t.Helper()
	object := (&unstructured.Unstructured{Object: data}).DeepCopy()
	namespace := object.GetNamespace()
	object.SetNamespace(sandbox)
	if prefix := object.GetGenerateName(); prefix != "" { // of a pod, which has the Deployment's name here
		object.SetName(strings.TrimSuffix(prefix, "-"))
		object.SetGenerateName("")
	}
	owners := object.GetOwnerReferences()
	for i := range owners {
		owners[i].UID = "unknown" // only a cluster knows it; the server wants one
	}
	object.SetOwnerReferences(owners)
	stored, err := s.API.DryRun(t.Context(), object)
	require.NoError(t, err)
	stored = api.Normal(stored)
	stored.SetNamespace(namespace)
	return stored
}

func assertSame(t *testing.T, controller, own *unstructured.Unstructured) {
	t.Helper()
	if difference := cmp.Diff(controller.Object, own.Object); difference != "" {
		assert.Failf(t, "another "+controller.GetKind(), "the controller's (-), pkg/effective's (+):\n%s", difference)
	}
}

// autoscaled is a service for which KServe makes everything: an autoscaler, and a storage initializer in its
// pods.
func (s *suite) autoscaled(t *testing.T) {
	const namespace = "autoscaled"
	s.ensureNamespace(t, namespace)
	service := parse(t, `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: llama
  namespace: autoscaled
  annotations: {serving.kserve.io/deploymentMode: Standard, serving.kserve.io/autoscalerClass: hpa}
spec:
  predictor:
    minReplicas: 1
    maxReplicas: 3
    scaleMetric: cpu
    scaleTarget: 60
    model:
      modelFormat: {name: vLLM}
      runtime: kserve-vllmserver
      storageUri: s3://models/llama
      resources: {requests: {cpu: "2", memory: 8Gi}, limits: {cpu: "2", memory: 8Gi, nvidia.com/gpu: "1"}}
`)
	_, err := s.API.Apply(t.Context(), service)
	require.NoError(t, err)
	s.makeSandbox(t)
	ours := results(t, []*unstructured.Unstructured{service, s.serviceConfig(t)})
	require.Len(t, ours, 1)
	s.assertEffective(t, ours[0])
	made := s.madeOf(t, service)
	require.Contains(t, made, "HorizontalPodAutoscaler")
	most, _, err := unstructured.NestedInt64(made["HorizontalPodAutoscaler"].Object, "spec", "maxReplicas")
	require.NoError(t, err)
	assert.EqualValues(t, 3, most)
	pod, err := s.Pod(t.Context(), made["Deployment"])
	require.NoError(t, err)
	containers, _, err := unstructured.NestedSlice(pod.Object, "spec", "initContainers")
	require.NoError(t, err)
	require.Len(t, containers, 1, "the pod's webhook adds the download")
	first, _ := containers[0].(map[string]any)
	assert.Equal(t, "storage-initializer", first["name"])
}

// madeOf is what the controller made of an InferenceService, by kind, without what it deletes again.
func (s *suite) madeOf(t *testing.T, service *unstructured.Unstructured, fleeting ...effective.Object) map[string]*unstructured.Unstructured {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), reconcileTime)
	defer cancel()
	objects, err := s.Effective(ctx, service)
	require.NoError(t, err)
	return byKind(slices.DeleteFunc(objects, func(object *unstructured.Unstructured) bool {
		return slices.ContainsFunc(fleeting, func(gone effective.Object) bool {
			return (&unstructured.Unstructured{Object: gone.Data}).GetName() == object.GetName()
		})
	}))
}

// byKind are objects by their kinds. Of a canary KServe makes a second one of each; the later ones by name have it with them.
func byKind(objects []*unstructured.Unstructured) map[string]*unstructured.Unstructured {
	kinds := map[string]*unstructured.Unstructured{}
	slices.SortFunc(objects, func(a, b *unstructured.Unstructured) int { return strings.Compare(a.GetName(), b.GetName()) })
	for _, object := range objects {
		key := object.GetKind()
		if kinds[key] != nil {
			key += " " + object.GetName()
		}
		kinds[key] = object
	}
	return kinds
}
