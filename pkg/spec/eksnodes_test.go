package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/plan"
	"github.com/kservegen/kservegen/pkg/sizing"
	"github.com/kservegen/kservegen/pkg/spec"
)

// onEKS writes the least that a document with nodes needs, and lines of spec.
func onEKS(name, nodes string, lines ...string) string {
	return named("name: "+name, append(lines, fmt.Sprintf("platform: {eks: {cluster: llm, nodes: {%s}}}", nodes))...)
}

func poolsOf(t *testing.T, documents ...string) []spec.NodePool {
	t.Helper()
	var targets []spec.Target
	for _, text := range documents {
		targets = append(targets, load(t, text).Environments...)
	}
	return spec.NodePools(targets)
}

const (
	r1      = `model: {id: deepseek-ai/DeepSeek-R1, source: "pvc://r1/r1"}`
	v4      = `model: {id: deepseek-ai/DeepSeek-V4-Flash-0731, source: "pvc://v4/v4"}`
	distill = "model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B}"
)

func TestNodePools(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		documents                 []string
		pool                      string
		types                     []string
		minNodes, maxNodes, limit int
		local                     bool
		root                      int64
		replaceable               bool
	}{
		"one GPU of the cheapest": {
			[]string{onEKS("a", "", distill, "accelerator: {type: a10g}", "replicas: {min: 2, max: 6}")},
			"models-a10g-x1", []string{"g5.xlarge", "g5.2xlarge", "g5.4xlarge"}, 2, 6, 7, true, 30, true,
		},
		"no local disks with managed groups": {
			[]string{onEKS("a", "provisioner: managed", distill, "accelerator: {type: a10g}", "replicas: {min: 1, max: 3}")},
			"models-a10g-x1", []string{"g5.xlarge", "g5.2xlarge", "g5.4xlarge"}, 1, 3, 4, false, 130, false,
		},
		"a whole node": {
			[]string{onEKS("a", "", r1, "accelerator: {type: h200}", "replicas: {min: 1, max: 2}")},
			"models-h200-x8", []string{"p5en.48xlarge"}, 1, 2, 24, true, 30, false,
		},
		"two replicas would fit a node, but spread over zones": {
			[]string{onEKS("a", "", v4, "accelerator: {type: h200}", "replicas: {min: 1, max: 2}")},
			"models-h200-x4", []string{"p5en.48xlarge"}, 1, 2, 24, true, 30, false,
		},
		"two replicas to a node of one zone, and a third that starts early": {
			[]string{named("name: a", v4, "accelerator: {type: h200}", "replicas: {min: 1, max: 2}", "platform: {eks: {cluster: llm, zones: [us-east-1a], nodes: {}}}")},
			"models-h200-x4", []string{"p5en.48xlarge"}, 1, 1, 16, true, 30, false,
		},
		"seven replicas over three zones": {
			[]string{onEKS("a", "", v4, "accelerator: {type: h200}", "replicas: {min: 7, max: 7}")},
			"models-h200-x4", []string{"p5en.48xlarge"}, 4, 4, 40, true, 30, true,
		},
		"groups of two nodes": {
			[]string{onEKS("a", "", "serving: LeaderWorkerSet", r1, "accelerator: {type: h100, perReplica: 16, nodes: 2, network: {resource: vpc.amazonaws.com/efa, perNode: 32}}", "replicas: {min: 2, max: 2}")},
			"models-h100-x8-efa", []string{"p5.48xlarge"}, 4, 4, 48, true, 30, false,
		},
		"two documents on one pool": {
			[]string{
				onEKS("a", "", distill, "accelerator: {type: a10g}", "replicas: {min: 2, max: 6}"),
				onEKS("b", "", "accelerator: {type: a10g}", "replicas: {min: 1, max: 2}"),
			},
			"models-a10g-x1", []string{"g5.xlarge", "g5.2xlarge", "g5.4xlarge"}, 3, 8, 10, true, 30, false,
		},
		"types that are named": {
			[]string{onEKS("a", "instanceTypes: [g5.12xlarge, g5.xlarge]", distill, "accelerator: {type: a10g}")},
			"models-a10g-x1", []string{"g5.xlarge", "g5.12xlarge"}, 1, 1, 8, true, 30, false,
		},
		"more of the host": {
			[]string{onEKS("a", "", distill, "accelerator: {type: a10g}", "resources: {cpu: 6, memory: 24Gi}")},
			"models-a10g-x1", []string{"g5.2xlarge", "g5.4xlarge"}, 1, 1, 2, true, 30, false,
		},
		"a reservation": {
			[]string{onEKS("a", "reservation: {id: cr-0123456789abcdef0}, instanceTypes: [p5e.48xlarge], devices: 16", r1, "accelerator: {type: h200}")},
			"models-h200-x8", []string{"p5e.48xlarge"}, 1, 1, 16, true, 30, false,
		},
		"an old Bottlerocket leaves local disks alone": {
			[]string{onEKS("a", "ami: bottlerocket@v1.21.1", distill, "accelerator: {type: a10g}")},
			"models-a10g-x1", []string{"g5.xlarge", "g5.2xlarge", "g5.4xlarge"}, 1, 1, 2, false, 130, false,
		},
		"managed groups leave local disks alone": {
			[]string{onEKS("a", "provisioner: managed", distill, "accelerator: {type: a10g}")},
			"models-a10g-x1", []string{"g5.xlarge", "g5.2xlarge", "g5.4xlarge"}, 1, 1, 2, false, 130, false,
		},
		"managed groups that are told to use them": {
			[]string{onEKS("a", "provisioner: managed, instanceStore: true", distill, "accelerator: {type: a10g}")},
			"models-a10g-x1", []string{"g5.xlarge", "g5.2xlarge", "g5.4xlarge"}, 1, 1, 2, true, 30, false,
		},
		"Neuron": {
			[]string{onEKS("a", "", "model: {id: meta-llama/Llama-3.3-70B-Instruct}", "accelerator: {type: trainium2}")},
			"models-trainium2-x4", []string{"trn2.48xlarge"}, 1, 1, 32, true, 30, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pools := poolsOf(t, c.documents...)
			require.Len(t, pools, 1)
			p := pools[0]
			assert.Equal(t, c.pool, p.Name)
			assert.Equal(t, c.types, p.TypeNames())
			assert.Equal(t, [3]int{c.minNodes, c.maxNodes, c.limit}, [3]int{p.MinNodes, p.MaxNodes, p.Limit})
			assert.Equal(t, c.local, p.LocalDisks())
			assert.Equal(t, c.root, p.RootGiB())
			assert.Equal(t, c.replaceable, p.Replaceable)
		})
	}
}

// TestEKSNodesAreFilledIn says what is there where a document says nothing.
func TestEKSNodesAreFilledIn(t *testing.T) {
	t.Parallel()
	n := load(t, onEKS("a", "")).Environments[0].EKSNodes()
	assert.Equal(t, &spec.EKSNodes{
		Provisioner: spec.ProvisionerKarpenter, Capacity: []string{"on-demand"}, AMI: "al2023@v20260903", Role: "KarpenterNodeRole-llm", ExpireAfter: spec.Never,
	}, n)
	auto := load(t, onEKS("a", "provisioner: auto")).Environments[0].EKSNodes()
	assert.Equal(t, &spec.EKSNodes{Provisioner: spec.ProvisionerAuto, Capacity: []string{"on-demand"}, Role: "AmazonEKSAutoNodeRole", ExpireAfter: "504h"}, auto)
	assert.Empty(t, poolsOf(t, onEKS("a", "", "runtime: {name: simulator}", "accelerator: {type: none}")), "nodes without devices are others'")
	assert.Nil(t, load(t, document()).Environments[0].EKSNodes())
	assert.Equal(t, []string{"spec.platform.eks.nodes"}, load(t, onEKS("a", "")).SharedFields())
	assert.Len(t, load(t, onEKS("a", "capacity: [spot]")).Remarks, 1, "spot cuts streams")
	assert.Len(t, load(t, onEKS("a", "provisioner: managed, ami: al2023@v20260903")).Remarks, 1, "the release is EKS' choice")
	assert.Empty(t, load(t, onEKS("a", "ami: al2023@v20260903")).Remarks)
	assert.Empty(t, load(t, onEKS("a", "provisioner: managed")).Remarks)
}

// TestDocumentsAgreeOnTheirNodes: pods choose nodes by the device alone.
func TestDocumentsAgreeOnTheirNodes(t *testing.T) {
	t.Parallel()
	one := onEKS("a", "", "accelerator: {type: a10g}")
	for nodes, want := range map[string]string{
		"capacity: [spot]":             "spec.platform.eks.nodes.capacity: nodes with a10g have [on-demand] by model a",
		"ami: bottlerocket@v1.40.0":    "spec.platform.eks.nodes.ami: nodes with a10g have al2023@v20260903",
		"expireAfter: 720h":            "spec.platform.eks.nodes.expireAfter: nodes with a10g have Never",
		"provisioner: managed":         "spec.platform.eks.nodes.provisioner",
		"role: nodes":                  "spec.platform.eks.nodes.role",
		"volume: 300Gi":                "spec.platform.eks.nodes.volume",
		"devices: 64":                  "spec.platform.eks.nodes.devices",
		"instanceTypes: [g5.12xlarge]": "",
		"":                             "",
	} {
		err := together(t, one, onEKS("b", nodes, "accelerator: {type: a10g}"))
		if want == "" {
			require.NoError(t, err, nodes)
			continue
		}
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "2.yaml", nodes)
	}
	require.NoError(t, together(t, one, onEKS("b", "capacity: [spot]", "accelerator: {type: l4}")), "other nodes")
}

// TestLimitOfNodesHoldsEveryModel: a limit below replicas.max is a mistake of the documents together.
func TestLimitOfNodesHoldsEveryModel(t *testing.T) {
	t.Parallel()
	a := func(devices string) string {
		return onEKS("a", devices, r1, "accelerator: {type: h200}", "replicas: {min: 1, max: 2}")
	}
	b := onEKS("b", "devices: 24", `model: {id: deepseek-ai/DeepSeek-R1, source: "pvc://r2/r1"}`, "accelerator: {type: h200}")
	require.NoError(t, together(t, a("devices: 24")))
	require.ErrorContains(t, together(t, a("devices: 23")), "spec.platform.eks.nodes.devices: 23 are less than the 24 of NVIDIA H200 that a take")
	require.ErrorContains(t, together(t, a("devices: 24"), b), "24 are less than the 40 of NVIDIA H200 that a and b take")
}

// TestPlanChoosesTheSameInstance: of the instance types with the document's device, plan's first choice for the model is the pool's.
func TestPlanChoosesTheSameInstance(t *testing.T) {
	t.Parallel()
	list, err := catalog.EC2Instances()
	require.NoError(t, err)
	for _, c := range []struct{ model, device, id string }{
		{"deepseek-r1-distill-llama-8b", "a10g", distill}, {"deepseek-r1-distill-llama-8b", "l4", distill},
		{"deepseek-r1", "h200", r1}, {"deepseek-v4-flash", "h200", v4},
		{"deepseek-r1-distill-llama-70b", "a100-80gb", "model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-70B}"},
	} {
		pools := poolsOf(t, onEKS("a", "", c.id, "accelerator: {type: "+c.device+"}"))
		require.Len(t, pools, 1)
		var types []catalog.Instance
		for _, i := range list.Types {
			if i.Accelerator == c.device {
				types = append(types, i)
			}
		}
		machines, err := plan.Machines(catalog.Instances{Prices: list.Prices, Types: types})
		require.NoError(t, err)
		model, err := plan.FindModel(strings.TrimSuffix(strings.TrimPrefix(strings.Split(c.id, ",")[0], "model: {id: "), "}"))
		require.NoError(t, err)
		settings := sizing.Settings{MaxModelLen: sizing.AutoModelLen, PipelineParallel: 1, DataParallel: 1}
		settings.Version, err = sizing.ParseVersion("v0.33.0")
		require.NoError(t, err)
		choices := plan.Choose(model, settings, machines, "", sizing.Load{Input: 2000, Output: 500})
		require.NotEmpty(t, choices.Choices, c.model)
		assert.Equal(t, pools[0].TypeNames()[0], choices.Choices[0].Instance, "%s on %s", c.model, c.device)
	}
}
