package spec_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

func modelOf(t *testing.T, lines ...string) spec.Model {
	t.Helper()
	return load(t, document(lines...)).Base.Revisions[0].Model
}

func TestFSxDefaults(t *testing.T) {
	t.Parallel()
	const model = "model: {id: openai/gpt-oss-20b, source: pvc://models/gpt, volume: {size: 1200Gi, fsx: {"
	exists := modelOf(t, model+"fileSystemId: fs-0123456789abcdef0, mountName: abcdefgh}}}", "platform: {eks: {region: us-east-1}}")
	assert.Equal(t, "fs-0123456789abcdef0.fsx.us-east-1.amazonaws.com", exists.Volume.FSx.DNSName)
	assert.True(t, exists.Volume.Static())
	assert.False(t, exists.Volume.Creates())
	assert.Empty(t, exists.Volume.StorageClass)

	const created = "subnetId: subnet-0123456789abcdef0, securityGroupIds: [sg-0123456789abcdef0]"
	durable := modelOf(t, model+created+"}}}").Volume
	assert.True(t, durable.Creates())
	assert.Equal(t, spec.DefaultFSxClass, durable.StorageClass)
	assert.Equal(t, spec.Persistent2, durable.FSx.DeploymentType)
	assert.Equal(t, 125, durable.FSx.PerUnitStorageThroughput)

	scratch := modelOf(t, model+created+", s3ImportPath: s3://models/gpt}}}").Volume
	assert.Equal(t, spec.Scratch2, scratch.FSx.DeploymentType, "the bucket has another copy")
	assert.Zero(t, scratch.FSx.PerUnitStorageThroughput)
}

func TestFSxSizes(t *testing.T) {
	t.Parallel()
	for _, size := range []string{"1200Gi", "2400Gi", "4800Gi", "7200Gi"} {
		load(t, document("model: {id: openai/gpt-oss-20b, source: pvc://models/gpt, volume: {size: "+size+", fsx: {subnetId: subnet-0123456789abcdef0, securityGroupIds: [sg-0123456789abcdef0]}}}"))
	}
	load(t, document("model: {id: openai/gpt-oss-20b, source: pvc://models/gpt, volume: {size: 3000Gi, fsx: {fileSystemId: fs-0123456789abcdef0, dnsName: fs.example.com, mountName: fsx}}}"))
}

func TestDownloadDefaults(t *testing.T) {
	t.Parallel()
	const commit = "6a6f4aa4197940add57724a7707d069478df56b1"
	const model = "model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, source: pvc://models//r1/a/, "
	catalogue := modelOf(t, model+"download: {}}")
	assert.Equal(t, "hf://deepseek-ai/DeepSeek-R1-Distill-Llama-8B:"+commit, catalogue.Download.From)
	assert.Equal(t, 1000, *catalogue.Download.User)
	assert.Equal(t, "models", catalogue.Claim())
	assert.Equal(t, "r1/a", catalogue.Folder())

	other := modelOf(t, model+`revision: "0000000000000000000000000000000000000001", download: {}}`)
	assert.Equal(t, "hf://deepseek-ai/DeepSeek-R1-Distill-Llama-8B:0000000000000000000000000000000000000001", other.Download.From)

	for volume, user := range map[string]int{
		"efs: {fileSystemId: fs-0123456789abcdef0}":                                               0,
		"efs: {fileSystemId: fs-0123456789abcdef0, accessPointId: fsap-0123456789abcdef0}":        1000,
		"fsx: {fileSystemId: fs-0123456789abcdef0, dnsName: fs.example.com, mountName: abcdefgh}": 0,
		"storageClass: gp3": 1000,
	} {
		assert.Equal(t, user, *modelOf(t, model+"volume: {size: 1200Gi, "+volume+"}, download: {}}").Download.User, volume)
	}
}

func TestBucket(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]spec.Bucket{
		"source: s3://models/a/b/":                                 {Name: "models", Prefix: "a/b", Initializer: true},
		"source: s3://models":                                      {Name: "models", Initializer: true},
		"source: pvc://weights/a, download: {from: s3://models/a}": {Name: "models", Prefix: "a"},
	} {
		bucket, ok := modelOf(t, "model: {id: openai/gpt-oss-20b, "+source+"}").Bucket()
		assert.True(t, ok, source)
		assert.Equal(t, want, bucket, source)
	}
	_, ok := modelOf(t, "model: {id: openai/gpt-oss-20b, source: pvc://weights/a}").Bucket()
	assert.False(t, ok)
}

func TestIdentityDefaults(t *testing.T) {
	t.Parallel()
	identity := func(eks string) spec.EKS {
		return *load(t, named("name: deepseek, namespace: llm", "platform: {eks: {cluster: prod, region: us-gov-west-1, "+eks+"}}")).Base.Platform.EKS
	}
	pod := identity(`identity: {account: "111122223333"}`)
	assert.Equal(t, spec.PodIdentity, pod.Identity.Type)
	assert.Equal(t, "prod-llm-deepseek", pod.Identity.Role)
	assert.Empty(t, pod.RoleARN, "the ServiceAccount has no annotation")

	const provider = "oidcProvider: oidc.eks.us-gov-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
	irsa := identity(`identity: {type: irsa, account: "111122223333", ` + provider + `}`)
	assert.Equal(t, "arn:aws-us-gov:iam::111122223333:role/prod-llm-deepseek", irsa.RoleARN)

	named := identity(`roleArn: "arn:aws-us-gov:iam::111122223333:role/team/reader", identity: {` + provider + `}`)
	assert.Equal(t, spec.IRSA, named.Identity.Type)
	assert.Equal(t, "reader", named.Identity.Role)
	assert.Equal(t, "111122223333", named.Identity.Account)
}

func TestFileSystemsTogether(t *testing.T) {
	t.Parallel()
	model := func(name, claim, volume string) string {
		return named("name: "+name, "model: {id: openai/gpt-oss-20b, source: pvc://"+claim+"/m, volume: {size: 1200Gi, "+volume+"}}")
	}
	created := func(subnet string) string {
		return "fsx: {subnetId: subnet-" + subnet + ", securityGroupIds: [sg-0123456789abcdef0]}"
	}
	const exists = "fsx: {fileSystemId: fs-0123456789abcdef0, dnsName: fs.example.com, mountName: abcdefgh}"
	for name, test := range map[string]struct{ a, b, want string }{
		"one class":              {model("a", "a", created("01234567")), model("b", "b", created("01234567")), ""},
		"a class in two forms":   {model("a", "a", created("01234567")), model("b", "b", created("89abcdef")), "2.yaml:6:82: spec.model.volume.fsx: StorageClass fsx-lustre is another one for model a (1.yaml:1)"},
		"two classes":            {model("a", "a", created("01234567")), model("b", "b", "storageClass: other, "+created("89abcdef")), ""},
		"one file system twice":  {model("a", "a", exists), model("b", "b", exists), "fs-0123456789abcdef0 is claim default/a of model a (1.yaml:1) already"},
		"two access points":      {model("a", "a", "efs: {fileSystemId: fs-01234567, accessPointId: fsap-01234567}"), model("b", "b", "efs: {fileSystemId: fs-01234567, accessPointId: fsap-89abcdef}"), ""},
		"one access point twice": {model("a", "a", "efs: {fileSystemId: fs-01234567, accessPointId: fsap-01234567}"), model("b", "b", "efs: {fileSystemId: fs-01234567, accessPointId: fsap-01234567}"), "fs-01234567::fsap-01234567 is claim default/a"},
	} {
		err := together(t, test.a, test.b)
		if test.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, test.want, name)
	}
}
