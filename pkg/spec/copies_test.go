package spec_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

func TestSnapshotDefaults(t *testing.T) {
	t.Parallel()
	const model = "model: {id: openai/gpt-oss-20b, source: pvc://gpt/a, volume: {size: 20Gi, ebs: {snapshotId: snap-0123456789abcdef0"
	plain := modelOf(t, model+"}}}", "replicas: {min: 2, max: 4}")
	assert.True(t, plain.Restored())
	assert.False(t, plain.Downloads())
	assert.Equal(t, spec.DefaultEBSClass, plain.Volume.StorageClass)
	assert.Equal(t, "ReadWriteOnce", plain.Volume.AccessMode, "of several replicas, too: each has a volume")
	assert.Equal(t, spec.EBS{SnapshotID: "snap-0123456789abcdef0", FSType: "ext4", Throughput: 500, IOPS: 3000, InitializationRate: 300}, *plain.Volume.EBS)

	fast := modelOf(t, model+", throughput: 1000, fastSnapshotRestore: true}}}").Volume.EBS
	assert.Equal(t, 4000, fast.IOPS, "4 for each MiB/s")
	assert.Zero(t, fast.InitializationRate, "EBS would use it instead of fast snapshot restore")
}

func TestCacheDefaults(t *testing.T) {
	t.Parallel()
	const model = "model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, "
	written := modelOf(t, model+"cache: {storageLimit: 100Gi}}")
	assert.Equal(t, spec.ModelCache{NodeGroup: "models", StorageLimit: "100Gi", Size: "15Gi", NodeLabels: map[string]string{"kserve/localmodel": "worker"}}, *written.Cache)
	assert.False(t, written.Downloads(), "KServe's Jobs do")
	assert.Equal(t, "deepseek-r1-distill-llama-8b-3c77496c", written.CacheName())

	there := modelOf(t, model+"source: s3://models/r1/, cache: {nodeGroup: a10g}}")
	assert.Empty(t, there.Cache.NodeLabels)
	_, reads := there.Bucket()
	assert.False(t, reads, "the model's own role reads nothing")
	assert.NotEqual(t, there.CacheName(), modelOf(t, model+"source: s3://models/r1, cache: {nodeGroup: a10g}}").CacheName())
}

// TestCacheOfRole: the role that a document asks for is of the model's pods, and KServe's Jobs run as another account.
func TestCacheOfRole(t *testing.T) {
	t.Parallel()
	remarks := func(source, eks string) []manifest.Problem {
		return load(t, named("name: a", "model: {id: openai/gpt-oss-20b, source: "+source+", cache: {nodeGroup: a10g}}", "accelerator: {type: a10g}", "platform: {eks: {cluster: llm, region: us-east-1, "+eks+"}}")).Remarks
	}
	const identity = `identity: {account: "123456789012"}`
	said := remarks("s3://models/r1", identity)
	require.Len(t, said, 1)
	assert.Contains(t, said[0].Message, "spec.platform.eks.identity: is of the model's pods, and none reads s3://models/r1")
	assert.Len(t, remarks("s3://models/r1", `roleArn: "arn:aws:iam::123456789012:role/models"`), 1)
	assert.Empty(t, remarks("s3://models/r1", "version: \"1.35\""))
	assert.Empty(t, remarks("hf://openai/gpt-oss-20b", identity))
}

func TestClassesOfSnapshots(t *testing.T) {
	t.Parallel()
	model := func(name, volume string) string {
		return "model: {id: openai/gpt-oss-20b, source: pvc://" + name + ", volume: {size: 20Gi, " + volume + "}}"
	}
	const one, two = "ebs: {snapshotId: snap-0123456789abcdef0}", "ebs: {snapshotId: snap-0123456789abcdef1, throughput: 1000}"
	require.NoError(t, together(t, named("name: a", model("x", one)), named("name: b", model("y", one))), "a class of two snapshots, or of two models")
	err := together(t, named("name: a", model("x", one)), named("name: b", model("y", two)))
	require.ErrorContains(t, err, "spec.model.volume.ebs: StorageClass ebs-weights is another one for model a (1.yaml:1)")
	require.NoError(t, together(t, named("name: a", model("x", one)), named("name: b", model("y", "storageClass: fast, "+two))))
	const lustre = "storageClass: ebs-weights, fsx: {subnetId: subnet-0123456789abcdef0, securityGroupIds: [sg-0123456789abcdef0]}"
	err = together(t, named("name: a", model("x", one)), named("name: b", "model: {id: openai/gpt-oss-20b, source: pvc://y, volume: {size: 1200Gi, "+lustre+"}}"))
	require.ErrorContains(t, err, "spec.model.volume.fsx: StorageClass ebs-weights is another one")
	err = together(t, named("name: a", model("x", one)), named("name: b", model("x", one)))
	require.ErrorContains(t, err, "makes claim default/x already")
}

func TestCachesOfDocuments(t *testing.T) {
	t.Parallel()
	model := func(source, cache string) string {
		return "model: {id: openai/gpt-oss-20b, source: " + source + ", " + cache + "}"
	}
	const group = "cache: {storageLimit: 30Gi, size: 14Gi}"
	for name, c := range map[string]struct{ a, b, want string }{
		"one source":         {model("s3://models/a", group), model("s3://models/a", group), ""},
		"two that fit":       {model("s3://models/a", group), model("s3://models/b", group), ""},
		"too much for nodes": {model("s3://models/a", group), model("s3://models/b", "cache: {storageLimit: 30Gi, size: 20Gi}"), "spec.model.cache.storageLimit: the models of LocalModelNodeGroup models take 34Gi together, and it has 30Gi"},
		"group that exists":  {model("s3://models/a", group), model("s3://models/b", "cache: {size: 14Gi}"), ""},
		"two groups":         {model("s3://models/a", group), model("s3://models/b", "cache: {storageLimit: 40Gi, size: 14Gi}"), "LocalModelNodeGroup models is another one for model a (1.yaml:1)"},
		"two forms":          {model("s3://models/a", group), model("s3://models/a", "cache: {storageLimit: 30Gi, size: 15Gi}"), "s3://models/a is cached in another form for model a (1.yaml:1)"},
		"cached unawares":    {model("s3://models/a", group), model("s3://models/a/part/", "servedName: x"), "spec.model.source: model a (1.yaml:1) caches s3://models/a, and KServe gives this model that cache"},
		"another beside it":  {model("s3://models/a", group), model("s3://models/ab", "servedName: x"), ""},
		"streamed":           {model("s3://models/a", group), model("s3://models/a", "streamed: true"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := together(t, named("name: a", c.a), named("name: b", c.b))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			assert.Len(t, problemsOf(t, err), 1)
		})
	}
}

func TestSmallDisks(t *testing.T) {
	t.Parallel()
	pool := spec.NodePool{Devices: 1, Platform: spec.EKS{Nodes: &spec.EKSNodes{Provisioner: spec.ProvisionerKarpenter, AMI: "al2023@v20260903"}}, Types: []catalog.Instance{
		{Name: "large", Count: 1, LocalNVMeGB: 250}, {Name: "small", Count: 1, LocalNVMeGB: 50}, {Name: "none", Count: 1},
	}}
	assert.Equal(t, []string{"small has 47Gi, and images, weights and caches of its pods take 89Gi", "none has none"}, pool.SmallDisks())
	assert.False(t, pool.LocalDisks())
	pool.Types = pool.Types[:1]
	assert.Empty(t, pool.SmallDisks())
	assert.True(t, pool.LocalDisks())
}

// TestNodesAgreeOnDisks: pods of both documents land on the same nodes.
func TestNodesAgreeOnDisks(t *testing.T) {
	t.Parallel()
	const model = "model: {id: openai/gpt-oss-20b}"
	err := together(t, onEKS("a", "provisioner: managed", model, "accelerator: {type: l4}"), onEKS("b", "provisioner: managed, instanceStore: true", model, "accelerator: {type: l4}"))
	require.ErrorContains(t, err, "spec.platform.eks.nodes.instanceStore: nodes with l4 have false by model a")
}

// TestSharedFields: without what the shared tree has of these, claims of the model stay Pending, or nothing is cached.
func TestSharedFields(t *testing.T) {
	t.Parallel()
	fields := func(model string) []string {
		return load(t, named("name: a", "model: {id: openai/gpt-oss-20b"+model+"}", "accelerator: {type: a10g}")).SharedFields()
	}
	assert.Empty(t, fields(""))
	assert.Equal(t, []string{"spec.model.volume.ebs"}, fields(", source: pvc://x, volume: {size: 20Gi, ebs: {snapshotId: snap-0123456789abcdef0}}"))
	assert.Equal(t, []string{"spec.model.cache"}, fields(", cache: {nodeGroup: a10g}"))
	const lustre = ", source: pvc://x, volume: {size: 1200Gi, fsx: {"
	assert.Equal(t, []string{"spec.model.volume.fsx"}, fields(lustre+"subnetId: subnet-0123456789abcdef0, securityGroupIds: [sg-0123456789abcdef0]}}"))
	assert.Empty(t, fields(lustre+"fileSystemId: fs-0123456789abcdef0, mountName: abcdefgh, dnsName: a.b}}"), "one that exists")
}
