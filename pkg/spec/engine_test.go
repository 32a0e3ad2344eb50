package spec_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// What may work is told and rendered.
func TestRemarks(t *testing.T) {
	t.Parallel()
	const gone = "spec.runtime.args.swap-space: vLLM "
	for name, c := range map[string]struct {
		lines []string
		want  []string
	}{
		"nothing":    {[]string{"runtime: {args: {max-num-seqs: 8}}"}, nil},
		"deprecated": {[]string{"model: {id: meta-llama/Llama-3.1-8B-Instruct}", "runtime: {version: v0.12.0, args: {task: generate}}"}, []string{"vLLM 0.12.0 has --task, but a later release will not"}},
		"in every environment once": {
			[]string{"model: {id: meta-llama/Llama-3.1-8B-Instruct}", "runtime: {version: v0.12.0, args: {task: generate}}", "environments: [{name: a}, {name: b}]"},
			[]string{"vLLM 0.12.0 has --task"},
		},
		"between two releases": {[]string{"model: {id: meta-llama/Llama-3.1-8B-Instruct}", "runtime: {version: v0.18.0, args: {dcp-comm-backend: a2a}}"}, []string{"came between vLLM 0.17.1 and 0.18.1"}},
		"newer in all that came": {
			[]string{"runtime: {version: v0.34.0, args: {moe-backend: newone, max-num-seqs: 1k, max-log: 1}}"},
			[]string{`has no "newone"`, `wants a whole number, got "1k"`, "--max-log"},
		},
		"built on vLLM's": {
			[]string{"runtime: {image: 'registry.example.com/vllm-openai:v0.33.0-custom.1', args: {mine: 4}}", "scaling: {metric: 'vllm:mine'}"},
			[]string{"vLLM 0.33.0 has no --mine; no release that was read has it; what this image adds to vLLM may know it", "no release of vLLM exports vllm:mine"},
		},
		"a number of devices that is checked with them": {[]string{"runtime: {version: v0.34.0, args: {tensor-parallel-size: 1}}"}, nil},
		"newer": {[]string{"runtime: {version: v0.90.0, args: {brand-new: 1}}"}, []string{"no release up to vLLM 0.33.0 has --brand-new"}},
		"a plugin's image": {
			[]string{"model: {id: meta-llama/Llama-3.1-8B-Instruct}", "accelerator: {type: trainium2, perReplica: 1}", "runtime: {args: {swap-space: 4}}", "scaling: {metric: 'vllm:neuron_cores'}"},
			[]string{gone + "0.24.0 has no --swap-space: gone since 0.18.1; leave it out, the engine never swapped; what this image adds to vLLM may know it", "no release of vLLM exports vllm:neuron_cores"},
		},
		"an image of one's own": {[]string{"runtime: {image: 'registry.example.com/llm:v0.33.0', args: {mine: 4}}", "scaling: {metric: 'vllm:mine'}"}, []string{"no release of vLLM exports vllm:mine"}},
		"a mirror of vLLM's":    {[]string{"runtime: {image: 'registry.example.com/vllm/vllm-openai:v0.12.0', args: {cuda-graph-sizes: 8}}"}, []string{"renamed to --cudagraph-capture-sizes in 0.11.1"}},
		"by a digest":           {[]string{"runtime: {image: 'vllm/vllm-openai@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', args: {mine: 4}}"}, nil},
		"no server of vLLM":     {[]string{"accelerator: {type: none}", "runtime: {name: simulator, args: {time-to-first-token: 100ms}}", "scaling: {metric: 'vllm:mine'}"}, nil},
		"another exporter":      {[]string{"scaling: {metric: queue_depth}"}, nil},
		"a plugin's parser":     {[]string{"runtime: {args: {tool-parser-plugin: /a.py, tool-call-parser: mine}}"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			remarks := load(t, document(c.lines...)).Remarks
			if assert.Len(t, remarks, len(c.want), "%v", remarks) {
				for i, want := range c.want {
					assert.Contains(t, remarks[i].Error(), want)
					assert.Positive(t, remarks[i].Line)
				}
			}
		})
	}
}
