package cluster_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	networkingv1 "k8s.io/api/networking/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/eks/cluster"
	"github.com/kservegen/kservegen/pkg/k8s"
	"github.com/kservegen/kservegen/pkg/spec"
)

var update = flag.Bool("update", false, "write the goldens anew")

// written is a cluster in each of its forms.
type written struct {
	eksctl, network, terraform []byte
}

func load(t require.TestingT, documents string) []*spec.Deployment {
	deployments, err := spec.Load("documents.yaml", strings.NewReader(documents))
	require.NoError(t, err, documents)
	require.NoError(t, spec.CheckTogether(deployments), documents)
	return deployments
}

func write(t require.TestingT, documents string) written {
	c, err := spec.ClusterOf(load(t, documents), "")
	require.NoError(t, err, documents)
	files, err := cluster.Files(cluster.FormatEksctl, c)
	require.NoError(t, err)
	require.Len(t, files, 2)
	terraform, err := cluster.Files(cluster.FormatTerraform, c)
	require.NoError(t, err)
	require.Len(t, terraform, 1)
	return written{files[0].Data, files[1].Data, terraform[0].Data}
}

// TestGoldens: documents of testdata/documents give the files of testdata/golden.
func TestGoldens(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("testdata/documents/*.yaml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(documents), 5)
	for _, document := range documents {
		name := strings.TrimSuffix(filepath.Base(document), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(document)
			require.NoError(t, err)
			w := write(t, string(data))
			for file, is := range map[string][]byte{"cluster.yaml": w.eksctl, "network.json": w.network, "cluster.tf.json": w.terraform} {
				path := filepath.Join("testdata/golden", name, file)
				if *update {
					require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
					require.NoError(t, os.WriteFile(path, is, 0o600))
				}
				want, err := os.ReadFile(path)
				require.NoError(t, err)
				assert.Equal(t, string(want), string(is), "go test ./pkg/eks/cluster -update")
			}
			taken(t, w)
		})
	}
}

// taken finds what the tools would not take.
func taken(t require.TestingT, w written) {
	takenByEksctl(t, w.eksctl)
	takenByCloudFormation(t, w.network)
	takenByTerraform(t, w.terraform)
}

func takenByEksctl(t require.TestingT, data []byte) {
	var config map[string]any
	require.NoError(t, yaml.UnmarshalStrict(data, &config))
	schema := facts[eksctlSchema](t, "eksctl-schema.json")
	assert.Empty(t, schema.check("", schema.Definitions["ClusterConfig"], config), string(data))

	var c cluster.Config
	require.NoError(t, yaml.UnmarshalStrict(data, &c))
	checkedByEksctl(t, c)
}

// checkedByEksctl is what eksctl checks besides its schema (pkg/apis/eksctl.io/v1alpha5/validation.go and auto_mode.go).
func checkedByEksctl(t require.TestingT, c cluster.Config) {
	assert.Contains(t, []int{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653}, c.CloudWatch.ClusterLogging.LogRetentionInDays)
	assert.True(t, c.Karpenter == nil || c.IAM.WithOIDC, "iam.withOIDC must be enabled with Karpenter")
	assert.NotEqual(t, 1, len(c.AvailabilityZones), "two zones at least")
	assert.Len(t, c.AvailabilityZones, len(slices.Compact(slices.Clone(c.AvailabilityZones))))
	names := map[string]bool{}
	for _, group := range c.ManagedNodeGroups {
		assert.False(t, names[group.Name], "%s is not unique", group.Name)
		names[group.Name] = true
		assert.LessOrEqual(t, len(group.Name), 63)
		assert.True(t, group.MinSize <= group.DesiredCapacity && group.DesiredCapacity <= group.MaxSize && group.MaxSize > 0, group.Name)
		assert.True(t, !group.EFAEnabled || len(group.AvailabilityZones) <= 1, "efaEnabled nodegroups must have one zone")
		assert.True(t, group.InstanceMarketOptions == nil || group.CapacityReservation != nil, "instanceMarketOptions cannot be set without capacityReservation")
		assert.True(t, group.InstanceMarketOptions == nil || group.InstanceMarketOptions.MarketType == "capacity-block")
		for _, taint := range group.Taints {
			assert.Contains(t, []string{"NoSchedule", "NoExecute", "PreferNoSchedule"}, taint.Effect)
		}
	}
	agent := slices.ContainsFunc(c.Addons, func(a cluster.Addon) bool { return a.Name == "eks-pod-identity-agent" }) || c.AutoModeConfig != nil
	assert.True(t, agent || len(c.IAM.PodIdentityAssociations) == 0, "the agent must be installed to create pod identity associations")
}

func takenByCloudFormation(t require.TestingT, data []byte) {
	var template struct {
		Parameters map[string]any
		Resources  map[string]struct {
			Type       string
			Properties map[string]any
		}
		Outputs map[string]any
	}
	require.NoError(t, json.Unmarshal(data, &template))
	known := facts[struct {
		Types map[string][]string `json:"types"`
	}](t, "cloudformation-properties.json").Types
	for name, resource := range template.Resources {
		require.Contains(t, known, resource.Type, name)
		for property := range resource.Properties {
			assert.Contains(t, known[resource.Type], property, name)
		}
		assert.Regexp(t, "^[A-Za-z0-9]+$", name)
	}
	for _, match := range regexp.MustCompile(`"(?:Ref|Fn::GetAtt)": (?:"(\w+)"|\[\s*"(\w+)")`).FindAllStringSubmatch(string(data), -1) {
		name := match[1] + match[2]
		_, resource := template.Resources[name]
		_, parameter := template.Parameters[name]
		assert.True(t, resource || parameter, "nothing is called %s", name)
	}
}

var moduleOutput = regexp.MustCompile(`module\.(\w+)\.(\w+)`)

func takenByTerraform(t require.TestingT, data []byte) {
	var root struct {
		Data     map[string]map[string]any
		Module   map[string]map[string]any
		Resource map[string]map[string]any
	}
	require.NoError(t, json.Unmarshal(data, &root))
	known := facts[map[string]terraformModule](t, "terraform-modules.json")
	sources := map[string]terraformModule{}
	for name, module := range root.Module {
		source := fmt.Sprint(module["source"])
		require.Contains(t, known, source, name)
		sources[name] = known[source]
		assert.Regexp(t, `^\d+\.\d+\.\d+$`, module["version"], "%s is not pinned", name)
		for variable, value := range module {
			if variable == "source" || variable == "version" {
				continue
			}
			kind, ok := known[source].Variables[variable]
			if assert.Truef(t, ok, "module %s has no variable %s", source, variable) {
				assert.Empty(t, parseType(t, kind).check(name+"."+variable, value))
			}
		}
	}
	checkNames(t, root.Module["eks"])
	for _, match := range moduleOutput.FindAllStringSubmatch(string(data), -1) {
		assert.Contains(t, sources[match[1]].Outputs, match[2], match[0])
	}
	for _, match := range regexp.MustCompile(`\$\{(?:data\.)?(aws_\w+)\.(\w+)`).FindAllStringSubmatch(string(data), -1) {
		_, data := root.Data[match[1]][match[2]]
		_, resource := root.Resource[match[1]][match[2]]
		assert.True(t, data || resource, "nothing is called %s", match[0])
	}
}

// checkNames: the provider for AWS takes 38 letters for the prefix of a role's name, and EKS 63 for a group's. The modules add
// their own words (terraform-aws-eks: main.tf and modules/eks-managed-node-group/main.tf).
func checkNames(t require.TestingT, eks map[string]any) {
	role, ok := eks["iam_role_name"].(string)
	if !ok {
		role = fmt.Sprint(eks["name"], "-cluster")
	}
	assert.LessOrEqual(t, len(role+"-"), 38)
	groups, _ := eks["eks_managed_node_groups"].(map[string]any)
	for name, value := range groups {
		group, ok := value.(map[string]any)
		require.True(t, ok)
		role, ok := group["iam_role_name"].(string)
		if !ok {
			role = name + "-eks-node-group"
		}
		assert.LessOrEqual(t, len(role+"-"), 38, name)
		if group["use_name_prefix"] == false {
			assert.LessOrEqual(t, len(name), 63, name)
			continue
		}
		assert.LessOrEqual(t, len(name+"-"), 37, name)
		assert.False(t, strings.HasPrefix(name, "models-"), "the priorities of the Cluster Autoscaler name %s without more", name)
	}
}

// TestLongNameOfACluster: EKS takes 100 letters, a role's name fewer.
func TestLongNameOfACluster(t *testing.T) {
	t.Parallel()
	takenByTerraform(t, write(t, strings.Replace(one("a", "nodes: {role: models}"), "cluster: llm", "cluster: "+strings.Repeat("long", 25), 1)).terraform)
}

// TestSubnetsFit: the networks of a VPC are within it, and apart.
func TestSubnetsFit(t *testing.T) {
	t.Parallel()
	for _, cidr := range []string{"10.0.0.0/16", "192.168.0.0/17", "172.16.32.0/19", "10.255.240.0/20"} {
		w := write(t, one("g", "nodes: {}, network: {cidr: "+cidr+"}, zones: [us-east-1a, us-east-1b, us-east-1c, us-east-1d, us-east-1e, us-east-1f]"))
		var root struct {
			Module struct {
				VPC struct {
					AZs            []string
					PrivateSubnets []string `json:"private_subnets"`
					PublicSubnets  []string `json:"public_subnets"`
				}
			}
		}
		require.NoError(t, json.Unmarshal(w.terraform, &root))
		vpc := netip.MustParsePrefix(cidr)
		all := slices.Concat(root.Module.VPC.PrivateSubnets, root.Module.VPC.PublicSubnets)
		require.Len(t, all, 12)
		for i, a := range all {
			subnet := netip.MustParsePrefix(a)
			assert.True(t, vpc.Contains(subnet.Addr()) && subnet.Bits() >= vpc.Bits() && subnet.Bits() <= 28, "%s of %s", a, cidr)
			assert.Equal(t, subnet.Masked(), subnet)
			for _, b := range all[:i] {
				assert.False(t, subnet.Overlaps(netip.MustParsePrefix(b)), "%s and %s", a, b)
			}
		}
	}
}

// one is a document whose platform has these fields.
func one(name, eks string, lines ...string) string {
	return fmt.Sprintf(`apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: %s, namespace: llm}
spec:
  model: {id: openai/gpt-oss-20b}
  accelerator: {type: a10g}
  platform: {eks: {cluster: llm, region: us-east-1, %s}}
%s`, name, eks, strings.Join(append(lines, ""), "\n"))
}

func TestDocumentsDisagree(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		documents, cluster, want string
	}{
		"cluster":     {one("a", "nodes: {}") + "---\n" + strings.Replace(one("b", "nodes: {}"), "cluster: llm", "cluster: other", 1), "", "spec.platform.eks.cluster: is llm by model a (documents.yaml:1) and other here, and a cluster has one; let them agree, or choose one with --cluster"},
		"region":      {one("a", "nodes: {}") + "---\n" + strings.Replace(one("b", "nodes: {}"), "us-east-1", "us-east-2", 1), "", "spec.platform.eks.region: is us-east-1 by model a (documents.yaml:1) and us-east-2 here"},
		"no cluster":  {strings.Replace(one("a", "roleArn: \"arn:aws:iam::123456789012:role/x\""), "cluster: llm, ", "", 1), "", "spec.platform.eks.cluster: is missing; name the cluster that is to be made"},
		"no region":   {strings.Replace(one("a", "nodes: {}"), "region: us-east-1, ", "", 1), "", "spec.platform.eks.region: is missing; a cluster is in one"},
		"unknown":     {one("a", "nodes: {}"), "other", "no document names cluster other"},
		"IPv6":        {one("a", "nodes: {}, ipFamily: ipv6"), "", "spec.platform.eks.ipFamily: what is written here makes clusters of IPv4"},
		"two kinds":   {one("a", "nodes: {}") + "---\n" + one("b", "nodes: {}, ipFamily: ipv6"), "", "spec.platform.eks.ipFamily: is ipv4 by model a"},
		"no nodes":    {one("a", "zones: [us-east-1a]"), "", "spec.platform.eks.nodes: is missing; nothing in a new cluster would make nodes with a10g: nodes: {} has Karpenter do it"},
		"provisioner": {one("a", "nodes: {}") + "---\n" + strings.Replace(one("b", "nodes: {provisioner: managed}"), "type: a10g", "type: l4", 1), "", "spec.platform.eks.nodes.provisioner: is karpenter by model a (documents.yaml:1) and managed here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deployments, err := spec.Load("documents.yaml", strings.NewReader(test.documents))
			require.NoError(t, err)
			_, err = spec.ClusterOf(deployments, test.cluster)
			require.ErrorContains(t, err, test.want)
		})
	}
	chosen, err := spec.ClusterOf(load(t, one("a", "nodes: {}")+"---\n"+strings.NewReplacer("cluster: llm", "cluster: other", "type: a10g", "type: l4").Replace(one("b", "nodes: {}"))), "other")
	if assert.NoError(t, err) {
		assert.Equal(t, "other", chosen.Name)
	}
}

// TestOrderOfDocumentsDoesNotMatter, and neither does the day.
func TestOrderOfDocumentsDoesNotMatter(t *testing.T) {
	t.Parallel()
	a, b := one("a", "nodes: {}, zones: [us-east-1b]"), strings.Replace(one("b", "nodes: {}, zones: [us-east-1a]"), "type: a10g", "type: l4", 1)
	assert.Equal(t, write(t, a+"---\n"+b), write(t, b+"---\n"+a))
}

// TestOnlyWhatIsNeeded: what no document asks for isn't there.
func TestOnlyWhatIsNeeded(t *testing.T) {
	t.Parallel()
	w := write(t, one("a", "nodes: {}"))
	for _, not := range []string{"fsx", "efs", "ebs-csi", "EFASecurity", "efaEnabled", "enable_efa", "efa_in", "autoscaler", "load-balancer", "ENABLE_POD_ENI", "secretsEncryption", "autoMode"} {
		for _, file := range [][]byte{w.eksctl, w.network, w.terraform} {
			assert.NotContains(t, strings.ToLower(string(file)), strings.ToLower(not))
		}
	}
	assert.Contains(t, string(w.eksctl), "karpenter")
}

// TestChecksNotice: what is wrong in a file is found by the facts that the others are held against.
func TestChecksNotice(t *testing.T) {
	t.Parallel()
	schema := facts[eksctlSchema](t, "eksctl-schema.json")
	data, err := os.ReadFile("testdata/golden/fsx-efa/cluster.yaml")
	require.NoError(t, err)
	for was, becomes := range map[string]string{
		"privateNetworking: true": "privateNetwork: true", "volumeType: gp3": "volumeType: gp4", "desiredCapacity: 3": "desiredCapacity: three",
		"gateway: Single": "gateway: single", "kind: ClusterConfig": "kind: Cluster", "- api\n": "- apiserver\n", "  name: llm\n": "", "name: coredns": "names: coredns",
	} {
		require.Contains(t, string(data), was)
		var config map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(strings.Replace(string(data), was, becomes, 1)), &config))
		assert.NotEmpty(t, schema.check("", schema.Definitions["ClusterConfig"], config), "%s", becomes)
	}
	variables := facts[map[string]terraformModule](t, "terraform-modules.json")["terraform-aws-modules/eks/aws"].Variables
	kind := parseType(t, variables["eks_managed_node_groups"])
	assert.Empty(t, kind.check("", map[string]any{"system": map[string]any{"min_size": 1.0, "taints": map[string]any{"a": map[string]any{"key": "k", "effect": "NO_SCHEDULE"}}}}))
	for _, wrong := range []map[string]any{
		{"minimum": 1.0}, {"min_size": "1"}, {"instance_types": "g5.xlarge"}, {"taints": map[string]any{"a": map[string]any{"key": "k"}}}, {"labels": []any{"a"}},
	} {
		assert.NotEmpty(t, kind.check("", map[string]any{"system": wrong}), "%v", wrong)
	}
}

// TestNetworkPolicyAgrees: what the model's NetworkPolicy lets out has a way, and what the nodes mount needs none of it.
func TestNetworkPolicyAgrees(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"g5-karpenter", "fsx-efa", "neuron", "managed", "auto", "copies"} {
		data, err := os.ReadFile("testdata/documents/" + name + ".yaml")
		require.NoError(t, err)
		w, deployments := write(t, string(data)), load(t, string(data))
		c, err := spec.ClusterOf(deployments, "")
		require.NoError(t, err)
		for _, m := range deployments {
			target := m.Environments[0]
			policy, ok := k8s.NetworkPolicy(target).Typed.(*networkingv1.NetworkPolicy)
			require.True(t, ok)
			out := map[int]bool{}
			for _, rule := range policy.Spec.Egress {
				for _, port := range rule.Ports {
					out[port.Port.IntValue()] = true
				}
			}
			// Weights of S3 and Hugging Face come by HTTPS: S3 by its endpoint, STS by one that lets in 443 of the whole VPC.
			downloads := target.Revisions[0].Model.Downloads()
			assert.Equal(t, downloads || target.Revisions[0].Fetches, out[443], target.Name)
			assert.Contains(t, string(w.network), `"VpcEndpointType": "Gateway"`)
			assert.Contains(t, string(w.network), `"CidrIp": "`+c.CIDR+`"`)
			// File systems are mounted by the node, whose security group talks to theirs; no NetworkPolicy has a say.
			for _, port := range []int{988, 1018, 2049} {
				assert.False(t, out[port], "%s: %d", target.Name, port)
			}
			if volume := target.Revisions[0].Model.Volume; volume != nil && volume.FSx != nil {
				assert.Contains(t, string(w.network), `"FromPort": 988`)
			}
		}
	}
}

// TestAnyClusterIsTaken: whatever valid documents say, the tools take what comes of it.
func TestAnyClusterIsTaken(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var documents []string
		provisioner := rapid.SampledFrom([]string{"karpenter", "auto", "managed"}).Draw(rt, "provisioner")
		zones := rapid.SampledFrom([]string{"", ", zones: [us-east-1a]", ", zones: [us-east-1c, us-east-1d]", ", zones: [us-east-1a, us-east-1b, us-east-1c, us-east-1d]"}).Draw(rt, "zones")
		balancer := rapid.SampledFrom([]string{"", ", loadBalancer: {}", ", loadBalancer: {scheme: internet-facing, proxyProtocol: true}"}).Draw(rt, "load balancer")
		for i, accelerator := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a10g", "l4", "l40s"}), 1, 3, rapid.ID).Draw(rt, "accelerators") {
			source := rapid.SampledFrom([]string{
				"", ", source: s3://models/m", ", source: pvc://m%[1]d, volume: {size: 1200Gi, fsx: {fileSystemId: fs-0123456789abcde%[1]d, mountName: abc}}",
				", source: pvc://m%[1]d, volume: {size: 1200Gi, fsx: {subnetId: subnet-0123456789abcdef0, securityGroupIds: [sg-0123456789abcdef0]}}",
				", source: pvc://m%[1]d, volume: {size: 50Gi, efs: {fileSystemId: fs-0123456789abcde%[1]d}}", ", source: pvc://m%[1]d, volume: {size: 50Gi}",
			}).Draw(rt, "source")
			if provisioner != "auto" && rapid.Bool().Draw(rt, "snapshot") {
				source = ", source: pvc://m%[1]d, volume: {size: 50Gi, ebs: {snapshotId: snap-0123456789abcdef0}}"
			}
			if strings.Contains(source, "%[1]d") {
				source = fmt.Sprintf(source, i)
			}
			capacity := rapid.SampledFrom([]string{"", ", capacity: [spot]", ", capacity: [on-demand, spot]"}).Draw(rt, "capacity")
			network := rapid.SampledFrom([]string{"", ", podSecurityGroups: [sg-00000001]", ", publicAccessCidrs: [192.0.2.0/24]"}).Draw(rt, "network")
			if i > 0 {
				network = ""
			}
			version := ""
			if provisioner == "auto" && strings.Contains(network, "podSecurityGroups") {
				version = `, version: "1.36"` // the first that gives Auto Mode's pods groups of their own
			}
			documents = append(documents, fmt.Sprintf(`apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m%d, namespace: llm}
spec:
  model: {id: openai/gpt-oss-20b%s}
  accelerator: {type: %s}
  replicas: {min: 1, max: %d}
  expose: {hosts: [m%d.example.com], gateway: istio-ingress/llm}
  platform: {eks: {cluster: llm, region: us-east-1%s%s, nodes: {provisioner: %s%s}, network: {cidr: 10.0.0.0/16%s%s}}}
`, i, source, accelerator, rapid.IntRange(1, 12).Draw(rt, "replicas"), i, zones, version, provisioner, capacity, network, balancer))
		}
		w := write(rt, strings.Join(documents, "---\n"))
		taken(rt, w)
		slices.Reverse(documents)
		assert.Equal(rt, w, write(rt, strings.Join(documents, "---\n")), "the order of documents does not matter")
	})
}

// TestQuotas: what the demo's readers run into is said before: EC2 counts virtual CPUs by family.
func TestQuotas(t *testing.T) {
	t.Parallel()
	// Three replicas and one that starts early, each on a node of its own; g5.xlarge, 2xlarge and 4xlarge have 4 to 16 vCPUs.
	c, err := spec.ClusterOf(load(t, one("a", "nodes: {instanceTypes: [g5.xlarge]}", "  replicas: {min: 1, max: 3}")), "")
	require.NoError(t, err)
	files, err := cluster.Files(cluster.FormatEksctl, c)
	require.NoError(t, err)
	pool := spec.NodePools(c.Environments[0])[0]
	assert.Contains(t, string(files[0].Data), fmt.Sprintf("# The account's quotas of EC2 must have so many vCPUs for the models' nodes (aws service-quotas list-service-quotas --service-code ec2): G and VT %d.", 4*pool.Limit))
	block := write(t, one("a", "nodes: {instanceTypes: [g5.xlarge], reservation: {id: cr-0123456789abcdef0, capacityBlock: true}}"))
	assert.NotContains(t, string(block.eksctl), "quota", "a Capacity Block counts against none")
}

// TestTagsThatEksctlDoesNotGive: without them the autoscaler brings no node for pods that ask for disk, EFA or Neuron devices.
func TestTagsThatEksctlDoesNotGive(t *testing.T) {
	t.Parallel()
	const tag = "# k8s.io/cluster-autoscaler/node-template/resources/"
	is := string(write(t, one("a", "nodes: {provisioner: managed, instanceTypes: [g5.xlarge]}, zones: [us-east-1a]")).eksctl)
	assert.Contains(t, is, tag+"ephemeral-storage: 116Gi\n  name: models-a10g-x1-g5-xlarge-us-east-1a")
	assert.NotContains(t, is, tag+"nvidia.com/gpu", "it knows the GPUs of instance types")
	assert.NotContains(t, string(write(t, one("a", "nodes: {}")).eksctl), tag, "Karpenter asks EC2")
}

// TestCost: what the file makes is priced in it, as far as there are prices.
func TestCost(t *testing.T) {
	t.Parallel()
	is := write(t, one("a", "nodes: {instanceTypes: [g5.xlarge]}", "  replicas: {min: 1, max: 3}"))
	const says = "with replicas.min and with replicas.max, on demand in us-east-1 (2026-07-20), default: 1.01 to 3.02 $."
	assert.Contains(t, string(is.eksctl), says)
	assert.Contains(t, string(is.terraform), says)
	neuron := strings.NewReplacer("type: a10g", "type: trainium2", "us-east-1", "us-east-2", "openai/gpt-oss-20b", "meta-llama/Llama-3.3-70B-Instruct").Replace(one("a", "nodes: {}"))
	assert.Contains(t, string(write(t, neuron).eksctl), "default: no price is known of trn2.48xlarge.")
}

// TestFileSystemsLetAllNodesIn: nodes of managed node groups and of EKS Auto Mode's own pools, where a download may run, have
// another security group than those that a class chooses.
func TestFileSystemsLetAllNodesIn(t *testing.T) {
	t.Parallel()
	type rule struct {
		group, from string
		port        int
	}
	for _, provisioner := range []string{"karpenter", "auto", "managed"} {
		document := strings.Replace(one("a", "nodes: {provisioner: "+provisioner+"}"), "openai/gpt-oss-20b",
			"openai/gpt-oss-20b, source: pvc://m, volume: {size: 1200Gi, fsx: {fileSystemId: fs-0123456789abcdef0, mountName: abc}}", 1)
		var template struct {
			Resources map[string]struct {
				Type       string
				Properties struct {
					GroupID  map[string]any `json:"GroupId"`
					From     map[string]any `json:"SourceSecurityGroupId"`
					FromPort int
				}
			}
		}
		require.NoError(t, json.Unmarshal(write(t, document).network, &template))
		rules := map[rule]bool{}
		name := func(reference map[string]any) string {
			if imported, ok := reference["Fn::ImportValue"]; ok {
				return fmt.Sprint(imported)
			}
			return fmt.Sprint(reference["Fn::GetAtt"])
		}
		for _, r := range template.Resources {
			if r.Type == "AWS::EC2::SecurityGroupIngress" {
				rules[rule{name(r.Properties.GroupID), name(r.Properties.From), r.Properties.FromPort}] = true
			}
		}
		const fsx = "[FSxSecurityGroup GroupId]"
		for _, nodes := range []string{"eksctl-llm-cluster::SharedNodeSecurityGroup", "eksctl-llm-cluster::ClusterSecurityGroupId"} {
			for _, port := range []int{988, 1018} {
				assert.True(t, rules[rule{fsx, nodes, port}] && rules[rule{nodes, fsx, port}], "%s: %s %d", provisioner, nodes, port)
			}
		}
	}
}

// TestAutoModesNodesTalk: the module gives its group to the models' nodes, EKS its own to those of EKS Auto Mode's pools.
func TestAutoModesNodesTalk(t *testing.T) {
	t.Parallel()
	type rule struct {
		Group    string `json:"security_group_id"`
		From     string `json:"referenced_security_group_id"`
		Protocol string `json:"ip_protocol"`
		FromPort *int   `json:"from_port"`
	}
	ingress := func(provisioner string) map[string]rule {
		var root struct {
			Resource struct {
				Ingress map[string]rule `json:"aws_vpc_security_group_ingress_rule"`
			}
		}
		require.NoError(t, json.Unmarshal(write(t, one("a", "nodes: {provisioner: "+provisioner+"}")).terraform, &root))
		return root.Resource.Ingress
	}
	const nodes, primary = "${module.eks.node_security_group_id}", "${module.eks.cluster_primary_security_group_id}"
	auto := ingress("auto")
	require.Len(t, auto, 2)
	ways := map[[2]string]bool{}
	for _, r := range auto {
		ways[[2]string{r.Group, r.From}] = true
		assert.Equal(t, "-1", r.Protocol)
		assert.Nil(t, r.FromPort, "the provider wants no ports beside all protocols")
	}
	assert.Equal(t, map[[2]string]bool{{nodes, primary}: true, {primary, nodes}: true}, ways)
	assert.Empty(t, ingress("karpenter"))
}
