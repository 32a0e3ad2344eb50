package catalog

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

const (
	gib = 1 << 30
	// utilization is vLLM's --gpu-memory-utilization since 0.20.2.
	utilization = 0.92
)

// headSize differs from hidden size ÷ heads where config.json gives a head_dim.
var headSize = map[string]int{"qwen3-8b": 128, "qwen3-32b": 128, "gpt-oss-20b": 64, "gpt-oss-120b": 64}

// kvBytes is what one token takes on each GPU where keys and values are not kept per head: latent attention keeps
// one copy on every GPU. 0: the layout comes from a document, without arithmetic. V4 Flash as if it compressed nothing.
var kvBytes = map[string]int{
	"deepseek-r1": 61 * (512 + 64) * 2, "deepseek-v3.2": 61 * ((512+64)*2 + 132), "deepseek-v4-flash": 43 * (584 + 132), "deepseek-v4-pro": 0,
}

// expertBytes is what all routed experts of a model hold; with several engines the rest of the weights is on each GPU.
var expertBytes = map[string]int64{"deepseek-v4-flash": 43 * 256 * 3 * 4096 * 2048 * 17 / 32}

// weightsPerGPU is the weights of one GPU, in bytes. Tensor parallelism divides all of them.
func weightsPerGPU(m Model, l Layout) float64 {
	divided, engines := m.WeightsBytes, max(l.DataParallel, 1)
	if engines > 1 {
		divided = expertBytes[m.Name]
	}
	return float64(divided)/float64(l.GPUs) + float64(m.WeightsBytes-divided)/float64(l.GPUs/engines)
}

func kvPerToken(m Model, gpus int) int {
	if bytes, ok := kvBytes[m.Name]; ok {
		return bytes
	}
	size, ok := headSize[m.Name]
	if !ok {
		size = m.HiddenSize / m.AttentionHeads
	}
	return 2 * m.Layers * max(1, (m.KVHeads+gpus-1)/gpus) * size * 2
}

// otherGiB is what the server takes besides weights and KV cache; the figures are explained in data/models.yaml.
func otherGiB(m Model, a Accelerator, gpus int) float64 {
	other := 2.0
	if a.MemoryGiB >= 70 && a.Name != "a100-80gb" {
		other = float64(1024*m.VocabSize*39)/gib + 1
	}
	if gpus > 1 {
		other += 0.5
	}
	if a.MemoryGiB >= 160 {
		other += 2
	}
	return other
}

func TestLayouts(t *testing.T) {
	t.Parallel()
	known := accelerators(t)
	for _, m := range models(t) {
		assert.NotEmpty(t, m.Layouts, "%s", m.Name)
		seen := map[string]bool{}
		for _, l := range m.Layouts {
			t.Run(fmt.Sprintf("%s on %d %s", m.Name, l.GPUs, l.Accelerator), func(t *testing.T) {
				a, ok := known[l.Accelerator]
				assert.True(t, ok)
				assert.False(t, seen[l.Accelerator])
				assert.NotEmpty(t, l.Source)
				assert.Positive(t, l.MaxModelLen)
				assert.LessOrEqual(t, l.MaxModelLen, m.MaxPositions)
				found, ok := m.Layout(l.Accelerator)
				assert.True(t, ok)
				assert.Equal(t, l, found)
				if a.Resource == "" {
					assert.Zero(t, l.GPUs)
					return
				}
				assert.Positive(t, l.GPUs)
				assert.NotEqual(t, 1, l.Nodes, "one node is the default")
				stage := l.GPUs / max(l.Nodes, 1)
				assert.Zero(t, l.GPUs%max(l.Nodes, 1), "nodes share the devices evenly")
				assert.LessOrEqual(t, stage, a.PerNode, "a stage runs on one node")
				engines := max(l.DataParallel, 1)
				assert.Zero(t, stage%engines, "the engines are alike")
				assert.Zero(t, m.AttentionHeads%(stage*a.RanksPerDevice/engines), "heads divide among the ranks of an engine")
				assert.False(t, l.ExpertParallel && !m.MoE, "vLLM refuses expert parallelism for a model without experts")
				assertFits(t, m, a, l)
			})
			seen[l.Accelerator] = true
		}
	}
}

// tight layouts keep less than otherGiB for the rest, and their source says so.
var tight = map[string]float64{"deepseek-r1-distill-llama-8b on a10g": 1.3}

func assertFits(t *testing.T, m Model, a Accelerator, l Layout) {
	t.Helper()
	usable := utilization * a.MemoryGiB
	weights := weightsPerGPU(m, l) / gib
	assert.Less(t, weights, usable)
	if a.Vendor == "aws" {
		return // Neuron allocates by its own rules
	}
	kv := float64(kvPerToken(m, l.GPUs/max(l.DataParallel, 1))*l.MaxModelLen) / gib
	if l.Nodes > 1 { // each node is a stage, and keeps the KV of its layers
		kv *= math.Ceil(float64(m.Layers)/float64(l.Nodes)) / float64(m.Layers)
	}
	if other, ok := tight[m.Name+" on "+a.Name]; ok {
		assert.GreaterOrEqual(t, usable-weights-kv, other)
		assert.Contains(t, l.Source, fmt.Sprintf("leave %.2f of %.2f", usable-weights-kv, usable))
		assert.Contains(t, l.Source, "not measured")
		return
	}
	total := weights + kv + otherGiB(m, a, l.GPUs)
	assert.Less(t, total, usable)
	if kv > 0 {
		assert.Contains(t, l.Source, fmt.Sprintf("%.2f of %.2f", total, usable), "the source states the arithmetic")
	}
}

// On a machine without accelerators weights, the KV cache that the runtime sets aside and the rest fit in the host's memory.
func TestLayoutsWithoutDevices(t *testing.T) {
	t.Parallel()
	const cache, rest = 4, 3 // GiB: VLLM_CPU_KVCACHE_SPACE of runtimes/vllm-cpu, and its note on the rest
	host := accelerators(t)["none"]
	for _, m := range models(t) {
		l, ok := m.Layout("none")
		if !ok {
			continue
		}
		assert.Less(t, float64(kvPerToken(m, 1)*l.MaxModelLen)/gib, float64(cache), "%s", m.Name)
		assert.Less(t, float64(m.WeightsBytes)/gib+cache+rest, float64(host.HostMemoryGiB), "%s", m.Name)
	}
	_, ok := models(t)[0].Layout("tpu")
	assert.False(t, ok)
}
