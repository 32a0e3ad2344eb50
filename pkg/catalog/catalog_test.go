package catalog

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation"
)

var (
	hubID   = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
	commit  = regexp.MustCompile(`^[0-9a-f]{40}$`)
	release = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)
)

func models(t *testing.T) []Model {
	t.Helper()
	all, err := Models()
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all
}

func accelerators(t *testing.T) map[string]Accelerator {
	t.Helper()
	all, err := Accelerators()
	require.NoError(t, err)
	byName := map[string]Accelerator{}
	for _, a := range all {
		require.NotContains(t, byName, a.Name)
		byName[a.Name] = a
	}
	return byName
}

func assertSources(t *testing.T, sources []string) {
	t.Helper()
	assert.NotEmpty(t, sources)
	for _, source := range sources {
		u, err := url.Parse(source)
		assert.True(t, err == nil && u.Scheme == "https" && u.Host != "", "source %q", source)
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range models(t) {
		t.Run(m.Name, func(t *testing.T) {
			assert.Empty(t, validation.IsDNS1123Subdomain(m.Name))
			assert.Regexp(t, hubID, m.ID)
			assert.Regexp(t, commit, m.Revision)
			assert.Regexp(t, release, m.MinVLLM)
			assert.NotEmpty(t, m.License)
			assert.NotEmpty(t, m.Parameters)
			assert.Contains(t, []string{"bf16", "fp8", "fp4", "mxfp4"}, m.DType)
			for _, n := range []int{m.AttentionHeads, m.KVHeads, m.Layers, m.HiddenSize, m.MaxPositions, m.VocabSize, int(m.WeightsBytes)} {
				assert.Positive(t, n)
			}
			assertSources(t, m.Sources)
		})
		assert.False(t, seen[m.Name] || seen[m.ID], "%s is there twice", m.Name)
		seen[m.Name], seen[m.ID] = true, true
	}
}

// Whether vLLM knows the flags is pkg/vllm's to say.
func TestArgs(t *testing.T) {
	t.Parallel()
	for _, m := range models(t) {
		assert.False(t, m.Args["enable-expert-parallel"] == "true" && !m.MoE, "%s: vLLM refuses expert parallelism for a model without experts", m.Name)
		given := []map[string]string{m.Args}
		for _, l := range m.Layouts {
			given = append(given, l.Args)
		}
		for _, args := range given {
			for name, value := range args {
				assert.NotEmpty(t, value, "%s: --%s", m.Name, name)
				if strings.HasPrefix(value, "{") {
					assert.True(t, json.Valid([]byte(value)), "%s: --%s %s", m.Name, name, value)
				}
			}
		}
		if m.Args["tool-call-parser"] != "" {
			assert.Equal(t, "true", m.Args["enable-auto-tool-choice"], "%s: without it the parser does nothing", m.Name)
		}
	}
}

func TestAccelerators(t *testing.T) {
	t.Parallel()
	resources := map[string]string{"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu", "aws": "aws.amazon.com/neuron", "none": ""}
	runtimes := map[string]string{"nvidia": "vllm-cuda", "amd": "vllm-rocm", "aws": "vllm-neuron", "none": "vllm-cpu"}
	for name, a := range accelerators(t) {
		t.Run(name, func(t *testing.T) {
			assert.Empty(t, validation.IsDNS1123Label(name))
			assert.NotEmpty(t, a.Product)
			assert.Contains(t, resources, a.Vendor)
			assert.Equal(t, resources[a.Vendor], a.Resource)
			assert.Equal(t, resources[a.Vendor], a.TaintKey, "the usual taint is named like the resource")
			assertSources(t, a.Sources)
			if a.Runtime == "" { // it stands there for its figures
				assert.Positive(t, a.MemoryGiB)
				assert.Positive(t, a.RanksPerDevice)
				assertNodes(t, a)
				return
			}
			assert.Equal(t, runtimes[a.Vendor], a.Runtime)
			assert.Positive(t, a.HostCPU)
			assert.Positive(t, a.HostMemoryGiB)
			if a.Resource == "" {
				assert.Zero(t, a.MemoryGiB+float64(a.PerNode+a.RanksPerDevice+len(a.Nodes)))
				return
			}
			assert.Positive(t, a.MemoryGiB)
			assert.Positive(t, a.PerNode)
			assert.Positive(t, a.RanksPerDevice)
			assert.NotEmpty(t, a.Nodes)
			assertNodes(t, a)
		})
	}
}

func assertNodes(t *testing.T, a Accelerator) {
	t.Helper()
	for _, term := range a.Nodes {
		assert.NotEmpty(t, term)
		for _, label := range term {
			assert.Empty(t, validation.IsQualifiedName(label.Key))
			assert.NotEmpty(t, label.Values)
			for _, value := range label.Values {
				assert.Empty(t, validation.IsValidLabelValue(value), "%s", value)
			}
			if label.Key == "node.kubernetes.io/instance-type" {
				assert.Equal(t, a.Instances, label.Values)
			}
		}
	}
}

// Two accelerators never claim the same node: the terms of one must not be the terms of another.
func TestNodeTermsTellAcceleratorsApart(t *testing.T) {
	t.Parallel()
	owner := map[string]string{}
	for name, a := range accelerators(t) {
		for _, term := range a.Nodes {
			for _, key := range combinations(term) {
				assert.Empty(t, owner[key], "%s finds the nodes of %s and of %s", key, name, owner[key])
				owner[key] = name
			}
		}
	}
}

// combinations lists the exact labels that fit a term, one per choice of values.
func combinations(term NodeTerm) []string {
	keys := []string{""}
	for _, label := range term {
		var longer []string
		for _, key := range keys {
			for _, value := range label.Values {
				longer = append(longer, key+" "+label.Key+"="+value)
			}
		}
		keys = longer
	}
	return keys
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"deepseek-r1-distill-llama-8b", "deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "DEEPSEEK-AI/deepseek-r1-distill-llama-8b"} {
		m, ok, err := FindModel(want)
		require.NoError(t, err)
		assert.True(t, ok, want)
		assert.Equal(t, "deepseek-r1-distill-llama-8b", m.Name)
	}
	for _, unknown := range []string{"", "nobody/nothing", "DeepSeek-R1-Distill-Llama-8B", "deepseek-ai/deepseek-r1-distill-llama"} {
		_, ok, err := FindModel(unknown)
		require.NoError(t, err)
		assert.False(t, ok, unknown)
	}
	a, ok, err := FindAccelerator("a10g")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, "NVIDIA A10G", a.Product)
	_, ok, err = FindAccelerator("A10G")
	require.NoError(t, err)
	assert.False(t, ok)
}

// What a caller does to a result must not reach the next caller.
func TestResultsAreCopies(t *testing.T) {
	t.Parallel()
	m, _, err := FindModel("gpt-oss-20b")
	require.NoError(t, err)
	m.Args["tool-call-parser"], m.Layouts[0].GPUs, m.Sources[0] = "x", 99, "x"
	a, _, err := FindAccelerator("a10g")
	require.NoError(t, err)
	a.Nodes[0][0].Values[0], a.Instances[0], a.Sources[0] = "x", "x", "x"

	again, _, err := FindModel("gpt-oss-20b")
	require.NoError(t, err)
	assert.Equal(t, "openai", again.Args["tool-call-parser"])
	assert.NotEqual(t, 99, again.Layouts[0].GPUs)
	assert.NotEqual(t, "x", again.Sources[0])
	fresh := accelerators(t)["a10g"]
	assert.Equal(t, "a10g", fresh.Nodes[0][0].Values[0])
	assert.NotEqual(t, "x", fresh.Instances[0])
	assert.NotEqual(t, "x", fresh.Sources[0])
}

func TestParseIsStrict(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"unknown field": "- {name: a, naem: b}",
		"duplicate key": "- {name: a, name: b}",
		"wrong type":    "- {name: a, layers: many}",
		"not a list":    "name: a",
	} {
		_, err := parse[Model]("x.yaml", []byte(text))
		assert.ErrorContains(t, err, "x.yaml", name)
	}
}
