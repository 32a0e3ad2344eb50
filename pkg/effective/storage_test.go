package effective_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	controllerutils "github.com/kserve/kserve/pkg/controller/v1alpha1/utils"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// rendered is what a document renders to, of a model with these lines.
func rendered(t *testing.T, model, platform string) []manifest.Resource {
	t.Helper()
	return renderedOf(t, "  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, "+model+"}\n  accelerator: {type: a10g}\n  platform: {eks: {"+platform+"}}\n")
}

func renderedOf(t *testing.T, lines string) []manifest.Resource {
	t.Helper()
	deployments, err := spec.Load("d.yaml", strings.NewReader("apiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: m, namespace: llm}\nspec:\n"+lines))
	require.NoError(t, err)
	tree, err := render.NewGenerator().Tree(deployments[0])
	require.NoError(t, err)
	return resourcesIn(t, tree)
}

func resourcesIn(t *testing.T, tree *render.Tree) []manifest.Resource {
	t.Helper()
	var resources []manifest.Resource
	for _, object := range tree.Environments[0].Objects {
		text, err := json.Marshal(object)
		require.NoError(t, err)
		var data map[string]any
		require.NoError(t, utiljson.Unmarshal(text, &data))
		resources = append(resources, manifest.Resource{Data: data})
	}
	return resources
}

// served is the pod that KServe makes of a tree, and the tree.
func served(t *testing.T, model, platform string) (effective.Result, []manifest.Resource) {
	t.Helper()
	resources := rendered(t, model, platform)
	found := of(t, resources)
	require.Empty(t, found.Refused)
	require.Len(t, found.Services, 1)
	require.Empty(t, found.Services[0].Refused)
	return found.Services[0], resources
}

// volumesOfClaims are the volumes of a pod that are claims.
func volumesOfClaims(result effective.Result) []any {
	var list []any
	volumes, _ := at(result.Pod(), "spec", "volumes").([]any)
	for _, volume := range volumes {
		if at(volume, "persistentVolumeClaim") != nil {
			list = append(list, volume)
		}
	}
	return list
}

const existing = "volume: {size: 1200Gi, fsx: {fileSystemId: fs-0123456789abcdef0, mountName: abcdefgh, zone: us-east-1a}}"

// TestFSxIsWhatPodsMount: the file system of the tree's PersistentVolume is what KServe's pod mounts, in the folder that the Job
// fills and that the init container waits for.
func TestFSxIsWhatPodsMount(t *testing.T) {
	t.Parallel()
	result, resources := served(t, "source: pvc://weights/r1/a, "+existing+", download: {}", "region: us-east-1")

	claims := volumesOfClaims(result)
	require.Len(t, claims, 1, "with two volumes of one claim the pod would never start (kubernetes#127004)")
	assert.Equal(t, map[string]any{"claimName": "weights", "readOnly": true}, at(claims[0], "persistentVolumeClaim"))
	mount := at(server(result), "volumeMounts", "/mnt/models")
	assert.Equal(t, map[string]any{"mountPath": "/mnt/models", "name": "kserve-pvc-source", "readOnly": true, "subPath": "r1/a"}, mount)
	assert.Equal(t, at(claims[0], "name"), at(mount, "name"))
	assert.Nil(t, initializer(result), "nothing is copied")

	wait := at(result.Pod(), "spec", "initContainers", "wait-for-weights")
	assert.Equal(t, map[string]any{"mountPath": "/weights", "name": "kserve-pvc-source", "readOnly": true}, at(wait, "volumeMounts", "/weights"))
	assert.Equal(t, "/weights/r1/a", at(wait, "env", "WEIGHTS", "value"))
	assert.Equal(t, at(server(result), "image"), at(wait, "image"))

	var job, volume, claim manifest.Resource
	for _, r := range resources {
		switch r.Kind() {
		case "Job":
			job = r
		case "PersistentVolume":
			volume = r
		case "PersistentVolumeClaim":
			claim = r
		}
	}
	filled := at(job.Data, "spec", "template", "spec")
	assert.Equal(t, at(wait, "env", "WEIGHTS", "value"), at(filled, "containers", "download", "env", "TARGET", "value"), "the folder that the Job fills")
	assert.Equal(t, at(wait, "volumeMounts", "/weights", "mountPath"), at(filled, "containers", "download", "volumeMounts", "/weights", "mountPath"))
	assert.Equal(t, map[string]any{"claimName": "weights"}, at(filled, "volumes", "weights", "persistentVolumeClaim"), "it writes")
	assert.Equal(t, at(result.Pod(), "spec", "serviceAccountName"), at(filled, "serviceAccountName"))

	assert.Equal(t, claim.Name(), at(volume.Data, "spec", "claimRef", "name"))
	assert.Equal(t, claim.Namespace(), at(volume.Data, "spec", "claimRef", "namespace"))
	assert.Equal(t, volume.Name(), at(claim.Data, "spec", "volumeName"))
	assert.Empty(t, at(claim.Data, "spec", "storageClassName"))
	assert.NotNil(t, at(claim.Data, "spec", "storageClassName"), "or the cluster's default class makes a volume")
	assert.Equal(t, at(volume.Data, "spec", "accessModes"), at(claim.Data, "spec", "accessModes"))
	assert.Equal(t, "fs-0123456789abcdef0.fsx.us-east-1.amazonaws.com", at(volume.Data, "spec", "csi", "volumeAttributes", "dnsname"))
}

// TestClaimIsWhatPodsMount: without a download KServe's own volume is enough.
func TestClaimIsWhatPodsMount(t *testing.T) {
	t.Parallel()
	result, resources := served(t, "source: pvc://weights/r1, volume: {size: 1Ti, storageClass: efs}", "cluster: llm")
	claims := volumesOfClaims(result)
	require.Len(t, claims, 1)
	assert.Equal(t, "weights", at(claims[0], "persistentVolumeClaim", "claimName"))
	assert.Equal(t, "r1", at(server(result), "volumeMounts", "/mnt/models", "subPath"))
	assert.Nil(t, at(result.Pod(), "spec", "initContainers"))
	for _, r := range resources {
		assert.NotContains(t, []string{"Job", "PersistentVolume"}, r.Kind())
	}
}

// TestBucketIsWhatPodsRead: the storage-initializer has the URI of the tree, its region by the role's annotation, and the
// server reads what it wrote.
func TestBucketIsWhatPodsRead(t *testing.T) {
	t.Parallel()
	result, _ := served(t, "source: s3://models/r1/", `cluster: llm, region: eu-central-1, identity: {type: irsa, account: "111122223333", oidcProvider: oidc.eks.eu-central-1.amazonaws.com/id/ABC}`)
	assert.Empty(t, volumesOfClaims(result))
	fetch := initializer(result)
	assert.Equal(t, []any{"s3://models/r1/", "/mnt/models"}, at(fetch, "args"))
	assert.Equal(t, "eu-central-1", at(fetch, "env", "AWS_DEFAULT_REGION", "value"))
	assert.Nil(t, at(fetch, "env", "AWS_ENDPOINT_URL"), "STS stays where it is (kserve#3482)")
	assert.Equal(t, at(fetch, "volumeMounts", "/mnt/models", "name"), at(server(result), "volumeMounts", "/mnt/models", "name"))

	pod, resources := served(t, "source: s3://models/r1/", `cluster: llm, region: eu-central-1, identity: {account: "111122223333"}`)
	assert.Nil(t, at(initializer(pod), "env", "AWS_DEFAULT_REGION"), "Pod Identity's own webhook sets it")
	assert.Nil(t, at(resource(resources, "ServiceAccount", "m").Data, "metadata", "annotations"), "an annotation would be IRSA's")
}

// TestStreamIsWhatServersRead: no init container copies anything, no agent comes, and the server has the bucket, its region and a
// buffer that fits its memory.
func TestStreamIsWhatServersRead(t *testing.T) {
	t.Parallel()
	result, resources := served(t, "source: s3://models/r1/, streamed: true, secret: s3", "region: eu-central-1")
	assert.Nil(t, at(result.Pod(), "spec", "initContainers"))
	assert.Len(t, at(result.Pod(), "spec", "containers"), 1, "no agent (kserve#3449)")
	assert.Nil(t, at(server(result), "volumeMounts", "/mnt/models"))
	args := at(server(result), "args")
	assert.Contains(t, args, "--model=s3://models/r1/")
	assert.Contains(t, args, "--load-format=runai_streamer")
	env := func(name string) any { return at(server(result), "env", name, "value") }
	assert.Equal(t, "eu-central-1", env("AWS_REGION"))
	assert.Equal(t, "0", env("HF_HUB_OFFLINE"), "offline, vLLM takes the URI for a repository")
	assert.Equal(t, "3221225472", env("RUNAI_STREAMER_MEMORY_LIMIT"), "a quarter of 12Gi; without a limit it is as large as the weights")
	assert.Equal(t, "s3", at(server(result), "env", "AWS_ACCESS_KEY_ID", "valueFrom", "secretKeyRef", "name"))
	assert.Nil(t, at(server(result), "resources", "requests", "ephemeral-storage"), "nothing of it is on the node's disk")
	assert.Nil(t, resource(resources, "ServiceAccount", "m").Data["secrets"], "the storage-initializer is not there to use them")
	egress, err := json.Marshal(at(resource(resources, "NetworkPolicy", "m").Data, "spec", "egress"))
	require.NoError(t, err)
	assert.Contains(t, string(egress), `"port":443`)
}

// TestWorkersWaitToo: over several nodes the pods of head and workers have one volume each, and wait for the same folder.
func TestWorkersWaitToo(t *testing.T) {
	t.Parallel()
	found := of(t, renderedOf(t, `  model: {id: deepseek-ai/DeepSeek-R1, source: pvc://weights/r1, download: {from: s3://models/r1/}}
  accelerator: {type: h100}
  platform: {kserve: {version: v0.21.0}}
`))
	require.Len(t, found.Services, 1)
	result := found.Services[0]
	require.Empty(t, result.Refused)
	pods := result.Pods
	for _, object := range result.Fleeting {
		if object.Data["kind"] == "Pod" {
			pods = append(pods, object)
		}
	}
	require.Len(t, pods, 2, "a head and a worker")
	for _, pod := range pods {
		assert.Equal(t, "/weights/r1", at(pod.Data, "spec", "initContainers", "wait-for-weights", "env", "WEIGHTS", "value"))
		claims := 0
		for _, volume := range at(pod.Data, "spec", "volumes").([]any) {
			if at(volume, "persistentVolumeClaim") != nil {
				claims++
			}
		}
		assert.Equal(t, 1, claims)
	}
}

// TestLLMWaitsToo: KServe takes the volume of an LLMInferenceService by its name, too. Not beside others, as llms says.
func TestLLMWaitsToo(t *testing.T) {
	found := llms(t, renderedOf(t, `  serving: LLMInferenceService
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, source: pvc://weights/r1, download: {}}
  accelerator: {type: a10g}
`))
	require.Len(t, found, 1)
	require.Empty(t, found[0].Refused)
	claims := volumesOfClaims(found[0])
	require.Len(t, claims, 1)
	assert.Equal(t, map[string]any{"claimName": "weights", "readOnly": true}, at(claims[0], "persistentVolumeClaim"))
	mount := at(found[0].Pod(), "spec", "containers", "main", "volumeMounts", "/mnt/models")
	assert.Equal(t, at(claims[0], "name"), at(mount, "name"))
	assert.Equal(t, "r1", at(mount, "subPath"))
	assert.Equal(t, "/weights/r1", at(found[0].Pod(), "spec", "initContainers", "wait-for-weights", "env", "WEIGHTS", "value"))
}

// TestSnapshotIsWhatPodsMount: each pod has a claim of its own, of the tree's snapshot and class, where the server looks for the
// weights; KServe brings nothing.
func TestSnapshotIsWhatPodsMount(t *testing.T) {
	t.Parallel()
	result, resources := served(t, "source: pvc://weights/r1/a, volume: {size: 20Gi, ebs: {snapshotId: snap-0123456789abcdef0}}", "cluster: llm")
	assert.Empty(t, volumesOfClaims(result), "a claim is of one node")
	assert.Nil(t, at(result.Pod(), "spec", "initContainers"))
	assert.Len(t, at(result.Pod(), "spec", "containers"), 1, "no agent (kserve#3449)")
	assert.Contains(t, at(server(result), "args"), "--model=/mnt/models")
	mount := at(server(result), "volumeMounts", "/mnt/models")
	assert.Equal(t, map[string]any{"mountPath": "/mnt/models", "name": "weights", "readOnly": true, "subPath": "r1/a"}, mount)
	claim := at(result.Pod(), "spec", "volumes", "weights", "ephemeral", "volumeClaimTemplate", "spec")
	assert.Equal(t, map[string]any{
		"accessModes": []any{"ReadWriteOnce"}, "storageClassName": spec.DefaultEBSClass,
		"resources":  map[string]any{"requests": map[string]any{"storage": "20Gi"}},
		"dataSource": map[string]any{"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "weights"},
	}, claim, "webhooks take none of it away")
	assert.Nil(t, at(server(result), "resources", "requests", "ephemeral-storage"))

	snapshot, content := resource(resources, "VolumeSnapshot", "weights"), resource(resources, "VolumeSnapshotContent", "llm-weights")
	assert.Equal(t, content.Name(), at(snapshot.Data, "spec", "source", "volumeSnapshotContentName"))
	assert.Equal(t, map[string]any{"namespace": snapshot.Namespace(), "name": snapshot.Name()}, at(content.Data, "spec", "volumeSnapshotRef"))
	assert.Equal(t, "snap-0123456789abcdef0", at(content.Data, "spec", "source", "snapshotHandle"))
	for _, r := range resources {
		assert.NotEqual(t, "PersistentVolumeClaim", r.Kind())
	}
}

// withCache is what a document renders to, and the LocalModelCache of its shared tree.
func withCache(t *testing.T, lines string) ([]manifest.Resource, manifest.Resource) {
	t.Helper()
	deployments, err := spec.Load("d.yaml", strings.NewReader("apiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: m, namespace: llm}\nspec:\n"+lines))
	require.NoError(t, err)
	shared, err := render.NewGenerator().Shared(deployments)
	require.NoError(t, err)
	cache := resource(resourcesIn(t, shared), "LocalModelCache", deployments[0].Base.Revisions[0].Model.CacheName())
	require.NotEmpty(t, cache.Data)
	return renderedOf(t, lines), cache
}

// TestCacheIsWhatPodsMount: with the LocalModelCache of the shared tree, and KServe's localModel enabled, pods mount the claim that
// KServe makes of the node group. With either missing they download.
func TestCacheIsWhatPodsMount(t *testing.T) {
	t.Parallel()
	tree, cache := withCache(t, "  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, source: s3://models/r1/, cache: {nodeGroup: a10g, storageLimit: 100Gi}}\n  accelerator: {type: a10g}\n")
	enabled := resourcesOf(t, `{runtime: null, isvc: null, add: [{apiVersion: v1, kind: ConfigMap, metadata: {name: inferenceservice-config, namespace: kserve}, data: {`+
		agent+`, deploy: '{"defaultDeploymentMode": "Standard"}', ingress: '{"ingressGateway": "a/b"}', localModel: '{"enabled": true, "jobNamespace": "kserve-localmodel-jobs"}'}}]}`)[0]

	result := of(t, append([]manifest.Resource{enabled, cache}, tree...)).Services[0]
	require.Empty(t, result.Refused)
	assert.Nil(t, initializer(result), "nothing is copied")
	claims := volumesOfClaims(result)
	require.Len(t, claims, 1)
	assert.Equal(t, cache.Name()+"-a10g", at(claims[0], "persistentVolumeClaim", "claimName"))
	mount := at(server(result), "volumeMounts", "/mnt/models")
	assert.Equal(t, true, at(mount, "readOnly"))
	assert.Equal(t, "models/"+v1alpha1.GetStorageKey("s3://models/r1/"), strings.TrimSuffix(at(mount, "subPath").(string), "/"), "the folder of KServe's agent")
	assert.Equal(t, cache.Name(), at(result.Pod(), "metadata", "labels", "internal.serving.kserve.io/localmodel"))

	for name, resources := range map[string][]manifest.Resource{
		"KServe's default": append([]manifest.Resource{cache}, tree...), "no cache yet": append([]manifest.Resource{enabled}, tree...),
	} {
		fetching := of(t, resources).Services[0]
		assert.NotNil(t, initializer(fetching), name)
		assert.Empty(t, volumesOfClaims(fetching), name)
	}
}

// TestCacheIsOnNodesOfItsGroup: KServe's own code finds the nodes that it copies to by the labels of the document.
func TestCacheIsOnNodesOfItsGroup(t *testing.T) {
	t.Parallel()
	deployments, err := spec.Load("d.yaml", strings.NewReader("apiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: m, namespace: llm}\nspec:\n"+
		"  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, cache: {nodeGroup: a10g, storageLimit: 100Gi, nodeLabels: {kserve/localmodel: worker, models: a10g}}}\n  accelerator: {type: a10g}\n"))
	require.NoError(t, err)
	shared, err := render.NewGenerator().Shared(deployments)
	require.NoError(t, err)
	text, err := json.Marshal(resource(resourcesIn(t, shared), "LocalModelNodeGroup", "a10g").Data)
	require.NoError(t, err)
	group := v1alpha1.LocalModelNodeGroup{}
	require.NoError(t, utiljson.Unmarshal(text, &group))
	for _, c := range []struct {
		labels map[string]string
		in     bool
	}{
		{map[string]string{"kserve/localmodel": "worker", "models": "a10g", "x": "y"}, true},
		{map[string]string{"kserve/localmodel": "worker"}, false},
		{nil, false},
	} {
		matches, err := controllerutils.CheckNodeAffinity(&group.Spec.PersistentVolumeSpec, corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: c.labels}})
		require.NoError(t, err)
		assert.Equal(t, c.in, matches, c.labels)
	}
	volume, claim := group.Spec.PersistentVolumeSpec, group.Spec.PersistentVolumeClaimSpec
	assert.Equal(t, volume.StorageClassName, *claim.StorageClassName, "or the claim is never bound")
	assert.Equal(t, volume.Capacity["storage"], claim.Resources.Requests["storage"])
	assert.Equal(t, volume.AccessModes, claim.AccessModes)
	assert.Equal(t, "/models", volume.Local.Path, "where KServe's agent looks")
}
