package iam_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/eks/iam"
	"github.com/kservegen/kservegen/pkg/eks/iam/iamtest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	provider = "oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
	key      = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

// rolesOf are those of one document, with the lines of model and identity.
func rolesOf(t *testing.T, model, identity string) []iam.Role {
	t.Helper()
	deployments, err := spec.Load("d.yaml", strings.NewReader(document("deepseek", model, identity)))
	require.NoError(t, err)
	return iam.Roles(deployments, "")
}

func document(name, model, identity string) string {
	return "apiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: " + name + ", namespace: llm}\nspec:\n" +
		"  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, " + model + "}\n  accelerator: {type: a10g}\n" +
		"  platform: {eks: {cluster: prod, region: us-east-1, identity: {account: \"111122223333\", " + identity + "}}}\n"
}

func allowed(t *testing.T, p iam.Policy, r iamtest.Request) bool {
	t.Helper()
	ok, err := iamtest.Allowed(p, r)
	require.NoError(t, err)
	return ok
}

func object(key string) string { return "arn:aws:s3:::models/" + key }

func list(bucket string, keys ...string) iamtest.Request {
	r := iamtest.Request{Action: "s3:ListBucket", Resource: "arn:aws:s3:::" + bucket, Keys: map[string]string{}}
	for _, prefix := range keys {
		r.Keys["s3:prefix"] = prefix
	}
	return r
}

// TestInitializerReads: what KServe's storage-initializer asks of S3 is allowed, and nothing else is.
func TestInitializerReads(t *testing.T) {
	t.Parallel()
	roles := rolesOf(t, "source: s3://models/deepseek/r1", "type: pod-identity")
	require.Len(t, roles, 1)
	p := roles[0].Permissions

	assert.True(t, allowed(t, p, list("models")), "HeadBucket, which S3 takes for s3:ListBucket without a prefix")
	assert.True(t, allowed(t, p, list("models", "deepseek/r1")), "it lists the prefix as it is written")
	assert.True(t, allowed(t, p, iamtest.Request{Action: "s3:GetObject", Resource: object("deepseek/r1/config.json")}))
	refusesOthers(t, p)
}

// refusesOthers holds for every role that reads s3://models/deepseek/r1.
func refusesOthers(t *testing.T, p iam.Policy) {
	t.Helper()
	for name, r := range map[string]iamtest.Request{
		"another prefix":              {Action: "s3:GetObject", Resource: object("llama/config.json")},
		"a prefix that begins so":     {Action: "s3:GetObject", Resource: object("deepseek/r1-distill/config.json")},
		"the folder above":            {Action: "s3:GetObject", Resource: object("deepseek/secret")},
		"another bucket":              {Action: "s3:GetObject", Resource: "arn:aws:s3:::others/deepseek/r1/config.json"},
		"writing":                     {Action: "s3:PutObject", Resource: object("deepseek/r1/config.json")},
		"deleting":                    {Action: "s3:DeleteObject", Resource: object("deepseek/r1/config.json")},
		"an older version":            {Action: "s3:GetObjectVersion", Resource: object("deepseek/r1/config.json")},
		"listing another prefix":      list("models", "llama/"),
		"listing the folder above":    list("models", "deepseek/"),
		"listing what begins so":      list("models", "deepseek/r1-distill/"),
		"listing an empty prefix":     list("models", ""),
		"listing another bucket":      list("others", "deepseek/r1/"),
		"another bucket itself":       list("others"),
		"all buckets":                 {Action: "s3:ListAllMyBuckets", Resource: "*"},
		"the bucket's policy":         {Action: "s3:GetBucketPolicy", Resource: "arn:aws:s3:::models"},
		"decrypting with another key": {Action: "kms:Decrypt", Resource: strings.Replace(key, "1234abcd", "0000abcd", 1), Keys: map[string]string{"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
		"a role":                      {Action: "iam:PassRole", Resource: "*"},
	} {
		assert.False(t, allowed(t, p, r), name)
	}
	for _, s := range p.Statement {
		for _, action := range s.Action {
			assert.NotContains(t, action, "*")
		}
		assert.NotContains(t, s.Resource, "*")
	}
}

// TestDownloadReads: the Job lists below the prefix alone, so the bucket itself stays closed.
func TestDownloadReads(t *testing.T) {
	t.Parallel()
	p := rolesOf(t, "source: pvc://weights/r1, download: {from: s3://models/deepseek/r1/}", "kmsKeyArn: "+key)[0].Permissions
	assert.True(t, allowed(t, p, list("models", "deepseek/r1/")))
	assert.True(t, allowed(t, p, iamtest.Request{Action: "s3:GetObject", Resource: object("deepseek/r1/a/b.safetensors")}))
	assert.False(t, allowed(t, p, list("models")), "HeadBucket and a list of all names")
	assert.False(t, allowed(t, p, list("models", "deepseek/r1")))
	refusesOthers(t, p)

	decrypt := iamtest.Request{Action: "kms:Decrypt", Resource: key, Keys: map[string]string{"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
	assert.True(t, allowed(t, p, decrypt))
	decrypt.Keys = nil
	assert.False(t, allowed(t, p, decrypt), "what is encrypted elsewhere")
	assert.False(t, allowed(t, p, iamtest.Request{Action: "kms:Encrypt", Resource: key, Keys: map[string]string{"kms:ViaService": "s3.us-east-1.amazonaws.com"}}))
}

func TestPodIdentityTrust(t *testing.T) {
	t.Parallel()
	trust := rolesOf(t, "source: s3://models/deepseek/r1", "type: pod-identity")[0].Trust
	ask := func(cluster, namespace, account string) iamtest.Request {
		return iamtest.Request{Action: "sts:AssumeRole", Principal: map[string]string{"Service": "pods.eks.amazonaws.com"}, Keys: map[string]string{
			"aws:RequestTag/eks-cluster-arn":            "arn:aws:eks:us-east-1:111122223333:cluster/" + cluster,
			"aws:RequestTag/kubernetes-namespace":       namespace,
			"aws:RequestTag/kubernetes-service-account": account,
		}}
	}
	assert.True(t, allowed(t, trust, ask("prod", "llm", "deepseek")))
	assert.False(t, allowed(t, trust, ask("prod", "llm", "default")), "another ServiceAccount")
	assert.False(t, allowed(t, trust, ask("prod", "default", "deepseek")), "another namespace")
	assert.False(t, allowed(t, trust, ask("dev", "llm", "deepseek")), "another cluster")
	other := ask("prod", "llm", "deepseek")
	other.Principal = map[string]string{"Service": "ec2.amazonaws.com"}
	assert.False(t, allowed(t, trust, other), "another service")
	untagged := ask("prod", "llm", "deepseek")
	untagged.Keys = nil
	assert.False(t, allowed(t, trust, untagged), "an association without session tags")
	tagging := ask("prod", "llm", "deepseek")
	tagging.Action = "sts:TagSession"
	assert.True(t, allowed(t, trust, tagging), "without it EKS cannot set the tags")
}

func TestIRSATrust(t *testing.T) {
	t.Parallel()
	trust := rolesOf(t, "source: s3://models/deepseek/r1", "type: irsa, oidcProvider: "+provider)[0].Trust
	ask := func(subject, audience string) iamtest.Request {
		return iamtest.Request{
			Action:    "sts:AssumeRoleWithWebIdentity",
			Principal: map[string]string{"Federated": "arn:aws:iam::111122223333:oidc-provider/" + provider},
			Keys:      map[string]string{provider + ":sub": subject, provider + ":aud": audience},
		}
	}
	assert.True(t, allowed(t, trust, ask("system:serviceaccount:llm:deepseek", "sts.amazonaws.com")))
	assert.False(t, allowed(t, trust, ask("system:serviceaccount:llm:default", "sts.amazonaws.com")), "another ServiceAccount")
	assert.False(t, allowed(t, trust, ask("system:serviceaccount:dev:deepseek", "sts.amazonaws.com")), "another namespace")
	assert.False(t, allowed(t, trust, ask("system:serviceaccount:llm:deepseek", "vault")), "a token for another audience")
	other := ask("system:serviceaccount:llm:deepseek", "sts.amazonaws.com")
	other.Principal["Federated"] += "0"
	assert.False(t, allowed(t, trust, other), "another cluster's provider")
}

func TestPartitions(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(document("deepseek", "source: s3://models/r1", "type: pod-identity"), "us-east-1", "cn-north-1")
	deployments, err := spec.Load("d.yaml", strings.NewReader(text))
	require.NoError(t, err)
	data, err := iam.Write(iam.FormPolicy, iam.Roles(deployments, ""))
	require.NoError(t, err)
	assert.NotContains(t, string(data), "arn:aws:")
	assert.Contains(t, string(data), "arn:aws-cn:s3:::models")
	assert.Contains(t, string(data), "arn:aws-cn:eks:cn-north-1:111122223333:cluster/prod")
}

// TestSharedRole: two models that name one role may each have it, and it reads what both read.
func TestSharedRole(t *testing.T) {
	t.Parallel()
	var deployments []*spec.Deployment
	for name, source := range map[string]string{"a": "s3://models/a", "b": "s3://models/b"} {
		one, err := spec.Load(name, strings.NewReader(document(name, "source: "+source, "role: readers")))
		require.NoError(t, err)
		deployments = append(deployments, one...)
	}
	roles := iam.Roles(deployments, "")
	require.Len(t, roles, 1)
	assert.Len(t, roles[0].Subjects, 2)
	seen := map[string]bool{}
	for _, s := range roles[0].Permissions.Statement {
		assert.False(t, seen[s.Sid], "IAM wants different names of statements: %s", s.Sid)
		seen[s.Sid] = true
	}
	for _, at := range []string{"a/x", "b/x"} {
		assert.True(t, allowed(t, roles[0].Permissions, iamtest.Request{Action: "s3:GetObject", Resource: object(at)}))
	}
	_, err := iam.Write(iam.FormEksctl, roles)
	require.ErrorContains(t, err, "eksctl makes a role for each")
}

func TestNoRoleWithoutBucket(t *testing.T) {
	t.Parallel()
	assert.Empty(t, rolesOf(t, "source: pvc://weights/r1", "type: pod-identity"))
}

// TestForms: every form carries the same two policies.
func TestForms(t *testing.T) {
	t.Parallel()
	for name, identity := range map[string]string{"pod-identity": "type: pod-identity", "irsa": "type: irsa, oidcProvider: " + provider} {
		roles := rolesOf(t, "source: s3://models/deepseek/r1", identity)
		policies := func(form string) string {
			data, err := iam.Write(form, roles)
			require.NoError(t, err)
			var all strings.Builder
			for _, document := range strings.Split(string(data), "\n---\n") {
				var value any
				require.NoError(t, yaml.Unmarshal([]byte(document), &value), "%s", data)
				text, err := json.Marshal(value)
				require.NoError(t, err)
				all.Write(text)
			}
			return strings.ReplaceAll(all.String(), `\"`, `"`)
		}
		for _, form := range iam.Forms() {
			text := policies(form)
			assert.Contains(t, text, `"s3:GetObject"`, "%s %s", name, form)
			assert.Contains(t, text, `prod-llm-deepseek`, "%s %s", name, form)
			if form != iam.FormEksctl {
				assert.Contains(t, text, `"sts:AssumeRole`, "%s %s: the trust policy", name, form)
			}
			associates := strings.Contains(strings.ToLower(strings.ReplaceAll(text, "_", "")), "podidentityassociation")
			assert.Equal(t, name == "pod-identity" && form != iam.FormPolicy, associates, "%s %s", name, form)
		}
	}
	_, err := iam.Write("pulumi", nil)
	require.Error(t, err)
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	one := rolesOf(t, "source: s3://models/r1", "type: pod-identity")
	two := rolesOf(t, "source: s3://models/r1", "type: pod-identity, role: other")
	two[0].Account = "444455556666"
	_, err := iam.Write(iam.FormTerraform, append(one, two...))
	require.ErrorContains(t, err, "111122223333 and 444455556666")
}

// TestRoleWithPath: the role that is written is the one that the ServiceAccount is told of.
func TestRoleWithPath(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:iam::111122223333:role/team/llm/models"
	text := strings.Replace(document("deepseek", "source: s3://models/r1/", "type: irsa, oidcProvider: "+provider), "identity:", "roleArn: \""+arn+"\", identity:", 1)
	deployments, err := spec.Load("d.yaml", strings.NewReader(text))
	require.NoError(t, err)
	roles := iam.Roles(deployments, "")
	require.Len(t, roles, 1)
	assert.Equal(t, arn, roles[0].ARN())
	for form, want := range map[string]string{
		iam.FormPolicy: `"path": "/team/llm/"`, iam.FormCloudFormation: `"Path": "/team/llm/"`, iam.FormTerraform: `"path": "/team/llm/"`, iam.FormACK: "path: /team/llm/\n",
	} {
		data, failed := iam.Write(form, roles)
		require.NoError(t, failed)
		assert.Contains(t, string(data), want)
	}
	_, err = iam.Write(iam.FormEksctl, roles)
	require.ErrorContains(t, err, "role models has the path /team/llm/, and eksctl makes roles without one")
}

// TestNamesOfTools: what a tool calls a role is a name that it takes, and of one role.
func TestNamesOfTools(t *testing.T) {
	t.Parallel()
	named := func(role string) []iam.Role {
		return rolesOf(t, "source: s3://models/r1/", "role: "+role)
	}
	data, err := iam.Write(iam.FormACK, named("1Team.Models"))
	require.NoError(t, err)
	assert.Contains(t, string(data), "metadata:\n  name: role-1team-models\n", "names of objects have no capitals")
	data, err = iam.Write(iam.FormTerraform, named("1Team.Models"))
	require.NoError(t, err)
	assert.Contains(t, string(data), `"Role_1Team_Models": {`, "names of Terraform begin with a letter")

	two := append(named("team-models"), named("team.models")...)
	for _, form := range []string{iam.FormCloudFormation, iam.FormTerraform, iam.FormACK} {
		_, err = iam.Write(form, two)
		require.ErrorContains(t, err, "roles team-models and team.models get the same name in what "+form+" reads", "the second would take the first's place")
	}
	_, err = iam.Write(iam.FormPolicy, two)
	require.NoError(t, err)
}
