package eks_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kservegen/kservegen/pkg/eks"
	"github.com/kservegen/kservegen/pkg/kserve"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/schema"
	"github.com/kservegen/kservegen/pkg/spec"
)

func targets(t *testing.T, lines string) []spec.Target {
	t.Helper()
	deployments, err := spec.Load("document.yaml", strings.NewReader("apiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: m, namespace: llm}\nspec:\n"+lines))
	require.NoError(t, err)
	return deployments[0].Environments
}

const (
	distill = "  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, source: \"s3://models/r1\"}\n  accelerator: {type: a10g}\n  replicas: {min: 2, max: 6}\n"
	r1      = "  model: {id: deepseek-ai/DeepSeek-R1, source: \"pvc://r1/r1\"}\n  accelerator: {type: h200}\n"
	two     = "  serving: LeaderWorkerSet\n  model: {id: deepseek-ai/DeepSeek-R1, source: \"pvc://r1/r1\"}\n  accelerator: {type: h100, perReplica: 16, nodes: 2, network: {resource: vpc.amazonaws.com/efa, perNode: 32}}\n"
	neuron  = "  model: {id: meta-llama/Llama-3.3-70B-Instruct}\n  accelerator: {type: trainium2}\n"
)

func on(nodes string) string { return "  platform: {eks: {cluster: llm, nodes: {" + nodes + "}}}\n" }

func documents() map[string]string {
	return map[string]string{
		"karpenter":      distill + on(""),
		"spot":           distill + on("capacity: [spot, on-demand]"),
		"bottlerocket":   distill + on("ami: bottlerocket@v1.40.0"),
		"old":            distill + on("ami: bottlerocket@v1.20.0, volume: 300Gi, expireAfter: 720h"),
		"reserved":       r1 + on("reservation: {id: cr-0123456789abcdef0, capacityBlock: true}, instanceTypes: [p5en.48xlarge]"),
		"auto":           r1 + on("provisioner: auto"),
		"managed":        distill + "  platform: {eks: {cluster: llm, zones: [us-east-1a, us-east-1b], nodes: {provisioner: managed}}}\n",
		"managed in all": distill + on("provisioner: managed, capacity: [spot, on-demand]"),
		"efa":            two + on(""),
		"neuron":         neuron + on(""),
	}
}

// TestObjectsAreValid: whatever a document says of its nodes, Karpenter's CRDs take what is made of it. There is no public
// schema of EKS Auto Mode's NodeClass.
func TestObjectsAreValid(t *testing.T) {
	t.Parallel()
	catalog, err := schema.New(nil)
	require.NoError(t, err)
	for name, document := range documents() {
		for _, object := range eks.Nodes(targets(t, document), map[string]string{"app": "x"}) {
			data, err := manifest.FromTyped(object.Typed)
			require.NoError(t, err)
			if data["kind"] == "NodeClass" {
				continue
			}
			problems, err := catalog.Validate(t.Context(), data)
			require.NoError(t, err)
			assert.Empty(t, problems, "%s: %s", name, object.File)
		}
	}
}

// TestCommentsStandAtFields: a comment on a field that isn't there would be lost.
func TestCommentsStandAtFields(t *testing.T) {
	t.Parallel()
	for name, document := range documents() {
		for _, object := range eks.Nodes(targets(t, document), nil) {
			text, err := json.Marshal(object.Typed)
			require.NoError(t, err)
			var data any
			require.NoError(t, json.Unmarshal(text, &data))
			for pointer := range object.Comments.At {
				assert.NotNil(t, at(data, pointer), "%s: %s has no %s", name, object.File, pointer)
			}
		}
	}
}

// TestPodsFindTheirNodes: the pods of a model and its pool in one set have no findings about nodes, and with any taint or
// requirement of the pool changed they have.
func TestPodsFindTheirNodes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"karpenter", "spot", "reserved", "auto", "neuron"} {
		target := targets(t, documents()[name])[0]
		service, err := kserve.NewBuilder().InferenceService(target, target.Revisions[0])
		require.NoError(t, err)
		runtime, err := kserve.NewBuilder().ServingRuntime(target, target.Revisions[0])
		require.NoError(t, err)
		objects := append([]manifest.Object{service, runtime}, eks.Nodes([]spec.Target{target}, nil)...)
		assert.Empty(t, aboutNodes(t, objects), name)
		for _, o := range objects {
			if pool, ok := o.Typed.(*eks.NodePool); ok {
				pool.Spec.Template.Spec.Taints[0].Key = "example.com/" + strings.ReplaceAll(pool.Spec.Template.Spec.Taints[0].Key, "/", "-")
			}
		}
		assert.Contains(t, aboutNodes(t, objects), "KG1101", name)
	}
}

func aboutNodes(t *testing.T, objects []manifest.Object) []string {
	t.Helper()
	var set lint.Set
	for _, object := range objects {
		text, err := json.Marshal(object.Typed)
		require.NoError(t, err)
		documents, err := manifest.Read(object.File, bytes.NewReader(text), manifest.DefaultLimits())
		require.NoError(t, err)
		resource := manifest.Resource{File: object.File, Node: documents[0].Node}
		require.NoError(t, utiljson.Unmarshal(text, &resource.Data))
		set.Resources = append(set.Resources, resource)
	}
	findings, err := lint.Run(t.Context(), []lint.Set{set}, lint.Options{})
	require.NoError(t, err)
	var codes []string
	for _, f := range findings {
		if strings.HasPrefix(f.Code, "KG11") {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

// at is the value that a JSON pointer leads to, nil where there is none.
func at(data any, pointer string) any {
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch parent := data.(type) {
		case map[string]any:
			data = parent[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i >= len(parent) {
				return nil
			}
			data = parent[i]
		default:
			return nil
		}
	}
	return data
}

func TestDisruption(t *testing.T) {
	t.Parallel()
	pool := func(document string) eks.NodePoolSpec {
		for _, object := range eks.Nodes(targets(t, document), nil) {
			if p, ok := object.Typed.(*eks.NodePool); ok {
				return p.Spec
			}
		}
		require.Fail(t, "no NodePool")
		return eks.NodePoolSpec{}
	}
	budget := func(s eks.NodePoolSpec) string { return s.Disruption.Budgets[1].Nodes }
	assert.Equal(t, "WhenEmpty", pool(distill+on("")).Disruption.ConsolidationPolicy)
	assert.Equal(t, "1", budget(pool(distill+on(""))), "two replicas: one may be replaced")
	assert.Equal(t, "0", budget(pool(r1+on(""))), "the only replica stays")
	assert.Equal(t, "0", budget(pool(two+"  replicas: {min: 2, max: 2}\n"+on(""))), "a group restarts as a whole")
	assert.Equal(t, "Never", pool(r1+on("")).Template.Spec.ExpireAfter)
	assert.Equal(t, "504h", pool(r1+on("provisioner: auto")).Template.Spec.ExpireAfter)
	small, large, efa := pool(distill+on("")).Weight, pool(r1+on("")).Weight, pool(two+on("")).Weight
	assert.Greater(t, small, large)
	assert.Greater(t, large, efa)
	assert.Positive(t, efa)
}

func TestVolumes(t *testing.T) {
	t.Parallel()
	class := func(document string) eks.EC2NodeClassSpec {
		for _, object := range eks.Nodes(targets(t, document), nil) {
			if c, ok := object.Typed.(*eks.EC2NodeClass); ok {
				return c.Spec
			}
		}
		require.Fail(t, "no EC2NodeClass")
		return eks.EC2NodeClassSpec{}
	}
	al2023 := class(distill + on(""))
	assert.Equal(t, "RAID0", al2023.InstanceStorePolicy)
	assert.Equal(t, []eks.BlockDeviceMapping{{DeviceName: "/dev/xvda", EBS: eks.EBS{VolumeSize: "30Gi", VolumeType: "gp3", Encrypted: true, DeleteOnTermination: true}}}, al2023.BlockDeviceMappings)
	assert.Equal(t, &eks.MetadataOptions{HTTPEndpoint: "enabled", HTTPPutResponseHopLimit: 1, HTTPTokens: "required"}, al2023.MetadataOptions)
	old := class(documents()["old"])
	assert.Empty(t, old.InstanceStorePolicy, "Karpenter sets up the disks of newer releases")
	require.Len(t, old.BlockDeviceMappings, 2)
	assert.Equal(t, eks.EBS{VolumeSize: "300Gi", VolumeType: "gp3", IOPS: 3000, Throughput: 500, Encrypted: true, DeleteOnTermination: true}, old.BlockDeviceMappings[1].EBS)
	assert.True(t, old.BlockDeviceMappings[1].RootVolume)
	for _, volume := range append(al2023.BlockDeviceMappings, old.BlockDeviceMappings...) {
		assert.True(t, volume.EBS.Encrypted)
	}
}

// TestNodeHoldsWhatPodsAskOfItsDisk: the request of a pod for its weights is below what the computed volume leaves.
func TestNodeHoldsWhatPodsAskOfItsDisk(t *testing.T) {
	t.Parallel()
	for _, document := range []string{distill + on("provisioner: managed"), neuron + on("provisioner: managed")} {
		target := targets(t, document)[0]
		object, err := kserve.NewBuilder().InferenceService(target, target.Revisions[0])
		require.NoError(t, err)
		data, err := manifest.FromTyped(object.Typed)
		require.NoError(t, err)
		asked, ok := at(data, "/spec/predictor/model/resources/requests/ephemeral-storage").(string)
		require.True(t, ok)
		gib, err := strconv.ParseFloat(strings.TrimSuffix(asked, "Gi"), 64)
		require.NoError(t, err)
		pool := spec.NodePools([]spec.Target{target})[0]
		pods := float64(pool.Types[0].Count / pool.Devices)
		// The kubelet leaves nine tenths less 1 GiB to pods and images; 38 GiB is one image as it comes and unpacked.
		assert.Greater(t, float64(pool.VolumeGiB())*0.9-1, gib*pods+38, pool.Name)
	}
}

func TestNodeGroups(t *testing.T) {
	t.Parallel()
	groups := eks.NodeGroups(targets(t, documents()["managed"]))
	require.Len(t, groups, 6, "three types in two zones")
	g := groups[0]
	assert.Equal(t, "models-a10g-x1-g5-xlarge-us-east-1a", g.Name)
	assert.Equal(t, [2]int{0, 7}, [2]int{g.MinSize, g.MaxSize})
	assert.Equal(t, "AL2023_x86_64_NVIDIA", g.AMIType)
	assert.Equal(t, []corev1.Taint{{Key: "nvidia.com/gpu", Value: "true", Effect: corev1.TaintEffectNoSchedule}}, g.Taints)
	assert.Equal(t, map[string]string{
		"k8s.io/cluster-autoscaler/enabled":                                              "true",
		"k8s.io/cluster-autoscaler/llm":                                                  "owned",
		"k8s.io/cluster-autoscaler/node-template/resources/nvidia.com/gpu":               "1",
		"k8s.io/cluster-autoscaler/node-template/resources/ephemeral-storage":            "116Gi",
		"k8s.io/cluster-autoscaler/node-template/label/node.kubernetes.io/instance-type": "g5.xlarge",
		"k8s.io/cluster-autoscaler/node-template/label/topology.kubernetes.io/zone":      "us-east-1a",
		"k8s.io/cluster-autoscaler/node-template/label/kservegen.dev/nodes":              "models-a10g-x1",
		"k8s.io/cluster-autoscaler/node-template/label/k8s.amazonaws.com/accelerator":    "nvidia-a10g",
		"k8s.io/cluster-autoscaler/node-template/label/nvidia.com/gpu.present":           "true",
		"k8s.io/cluster-autoscaler/node-template/taint/nvidia.com/gpu":                   "true:NoSchedule",
	}, g.Tags)
	assert.Greater(t, groups[0].Priority, groups[2].Priority, "the cheaper first")
	assert.Equal(t, groups[0].Priority, groups[1].Priority, "zones are alike")

	both := eks.NodeGroups(targets(t, documents()["managed in all"]))
	require.Len(t, both, 6)
	names := map[string]bool{}
	for _, group := range both {
		names[group.Name] = true
		assert.Empty(t, group.Zone)
	}
	assert.Equal(t, []string{
		"models-a10g-x1-g5-2xlarge", "models-a10g-x1-g5-2xlarge-spot", "models-a10g-x1-g5-4xlarge", "models-a10g-x1-g5-4xlarge-spot",
		"models-a10g-x1-g5-xlarge", "models-a10g-x1-g5-xlarge-spot",
	}, slices.Sorted(maps.Keys(names)))
	assert.Equal(t, "spot", both[0].Capacity)
	efa := eks.NodeGroups(targets(t, two+"  platform: {eks: {cluster: llm, zones: [us-east-1a], nodes: {provisioner: managed}}}\n"))
	require.Len(t, efa, 1)
	assert.True(t, efa[0].EFA)
	assert.Equal(t, "32", efa[0].Tags["k8s.io/cluster-autoscaler/node-template/resources/vpc.amazonaws.com/efa"])
	assert.NotContains(t, eks.NodeGroups(targets(t, neuron+on("provisioner: managed")))[0].Labels, "k8s.amazonaws.com/accelerator", "the autoscaler would wait for NVIDIA GPUs")
	assert.Equal(t, "AL2023_x86_64_NEURON", eks.NodeGroups(targets(t, neuron+on("provisioner: managed")))[0].AMIType)
	bottlerocket := eks.NodeGroups(targets(t, distill+on("provisioner: managed, ami: bottlerocket@v1.40.0")))[0]
	assert.Equal(t, "BOTTLEROCKET_x86_64_NVIDIA", bottlerocket.AMIType)
	assert.Empty(t, eks.NodeGroups(targets(t, documents()["karpenter"])))
}

// TestNodesAreInPrivateSubnets: eksctl puts the tag for discovery on public subnets, too.
func TestNodesAreInPrivateSubnets(t *testing.T) {
	t.Parallel()
	want := []eks.TagTerm{{Tags: map[string]string{"karpenter.sh/discovery": "llm", "kubernetes.io/role/internal-elb": "1"}}}
	found := 0
	for _, name := range []string{"karpenter", "efa", "auto"} {
		for _, object := range eks.Nodes(targets(t, documents()[name]), nil) {
			switch class := object.Typed.(type) {
			case *eks.EC2NodeClass:
				assert.Equal(t, want, class.Spec.SubnetSelectorTerms, name)
			case *eks.NodeClass:
				assert.Equal(t, want, class.Spec.SubnetSelectorTerms, name)
			default:
				continue
			}
			found++
		}
	}
	assert.Equal(t, 3, found)
}

// TestDevicePluginFindsNodes: NVIDIA's chart wants the label where the image brings no device plugin, and must not have it where
// the image does.
func TestDevicePluginFindsNodes(t *testing.T) {
	t.Parallel()
	for name, wants := range map[string]bool{"karpenter": true, "efa": true, "bottlerocket": false, "auto": false, "neuron": false} {
		for _, object := range eks.Nodes(targets(t, documents()[name]), nil) {
			pool, ok := object.Typed.(*eks.NodePool)
			if !ok {
				continue
			}
			if meta := pool.Spec.Template.Metadata; wants {
				require.NotNil(t, meta, name)
				assert.Equal(t, map[string]string{"nvidia.com/gpu.present": "true"}, meta.Labels, name)
			} else {
				assert.Nil(t, meta, name)
			}
		}
	}
	groups := func(ami string) map[string]string {
		return eks.NodeGroups(targets(t, distill+on("provisioner: managed"+ami)))[0].Labels
	}
	assert.Contains(t, groups(""), "nvidia.com/gpu.present")
	assert.NotContains(t, groups(", ami: bottlerocket@v1.40.0"), "nvidia.com/gpu.present")
}
