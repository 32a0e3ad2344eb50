package spec_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/sizing"
	"github.com/kservegen/kservegen/pkg/spec"
)

// result estimates a revision as it was resolved.
func result(t *testing.T, r spec.RevisionTarget) *sizing.Result {
	t.Helper()
	a, ok, err := catalog.FindArchitecture(r.Model.ID)
	require.NoError(t, err)
	require.True(t, ok)
	sizes, weights, err := a.Sizes()
	require.NoError(t, err)
	settings, err := r.Sizing()
	require.NoError(t, err)
	estimated, err := sizing.Estimate(sizes, r.Model.Weigh(weights), settings)
	require.NoError(t, err)
	return estimated
}

// gpus are the accelerators that the estimate is made for.
func gpus(t *testing.T) []catalog.Accelerator {
	t.Helper()
	all, err := catalog.Accelerators()
	require.NoError(t, err)
	var list []catalog.Accelerator
	for _, a := range all {
		if a.Runtime == "vllm-cuda" || a.Runtime == "vllm-rocm" {
			list = append(list, a)
		}
	}
	return list
}

// TestPlanned: every model of the catalogue on every GPU has a layout, or is planned and sure to start, or no node holds it.
func TestPlanned(t *testing.T) {
	t.Parallel()
	architectures, err := catalog.Architectures()
	require.NoError(t, err)
	planned := 0
	for _, a := range architectures {
		model, _, err := catalog.FindModel(a.Name)
		require.NoError(t, err)
		for _, device := range gpus(t) {
			text := document("model: {id: "+a.ID+"}", "accelerator: {type: "+device.Name+"}")
			if layout, ok := model.Layout(device.Name); ok && layout.Nodes > 1 {
				continue
			}
			deployments, err := spec.Load("document.yaml", strings.NewReader(text))
			if err != nil {
				require.ErrorContains(t, err, "is not sure to start on as many", "%s", text)
				continue
			}
			r := deployments[0].Base.Revisions[0]
			if layout, ok := model.Layout(device.Name); ok {
				assert.Equal(t, []int{layout.GPUs, layout.MaxModelLen}, []int{r.Devices, r.MaxModelLen}, "the layout is the deciding word")
				assert.Zero(t, r.Planned, "%s", text)
				assert.Empty(t, deployments[0].Remarks, "%s", text)
				assert.False(t, result(t, r).Impossible, "%s", text)
				continue
			}
			planned++
			assert.NotEmpty(t, r.Planned.Devices, "%s", text)
			assert.NotEmpty(t, r.Planned.MaxModelLen, "%s", text)
			assert.Equal(t, a.WeightsBytes, r.WeightsBytes, "%s", text)
			assert.True(t, result(t, r).Sure, "%s", text)
			assert.Empty(t, deployments[0].Remarks, "%s", text)
		}
	}
	assert.Greater(t, planned, 300)
}

// TestPlannedNumbers: by family, what is chosen, and what follows from it.
func TestPlannedNumbers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		lines           []string
		devices, length int
		memory          string
	}{
		{[]string{"model: {id: Qwen/Qwen2.5-7B-Instruct}", "accelerator: {type: l4}"}, 1, 32768, "12Gi"},                                                 // dense
		{[]string{"model: {id: deepseek-ai/DeepSeek-V2-Lite}", "accelerator: {type: l40s}"}, 1, 163840, "26Gi"},                                          // latent attention
		{[]string{"model: {id: MiniMaxAI/MiniMax-M2}", "accelerator: {type: h100}"}, 4, 196608, "896Gi"},                                                 // experts in blocks
		{[]string{"model: {id: Qwen/Qwen3-Next-80B-A3B-Instruct}", "accelerator: {type: h100}"}, 4, 262144, "896Gi"},                                     // hybrid
		{[]string{"model: {id: google/gemma-3-27b-it}", "accelerator: {type: a100-80gb}"}, 1, 131072, "128Gi"},                                           // windows
		{[]string{"model: {id: Qwen/Qwen2.5-7B-Instruct, maxModelLen: 1024}", "accelerator: {type: l4, perReplica: 2}"}, 2, 1024, "24Gi"},                // both said
		{[]string{"model: {id: Qwen/Qwen2.5-7B-Instruct}", "accelerator: {type: l4}", "runtime: {args: {tensor-parallel-size: 4}}"}, 4, 32768, "48Gi"},   // the split said
		{[]string{"model: {id: Qwen/Qwen2.5-7B-Instruct}", "accelerator: {type: l4}", "runtime: {args: {pipeline-parallel-size: 2}}"}, 2, 32768, "24Gi"}, // a part of it
		{[]string{"model: {id: moonshotai/Kimi-K2-Instruct, source: pvc://models/k2}", "accelerator: {type: h100, nodes: 2}", "serving: LeaderWorkerSet"}, 16, 131072, "1792Gi"},
	} {
		t.Run(strings.Join(test.lines, " "), func(t *testing.T) {
			t.Parallel()
			d := load(t, document(test.lines...))
			r := d.Environments[0].Revisions[0]
			assert.Equal(t, []int{test.devices, test.length}, []int{r.Devices, r.MaxModelLen})
			assert.Equal(t, test.memory, string(r.Resources.Memory), "the devices' share of their hosts")
			assert.Empty(t, d.Remarks)
			assert.Equal(t, fmt.Sprintf("%.1f", float64(r.WeightsBytes)/float64(r.Nodes)/(1<<30)), firstNumber(r.Startup.Why), "the start-up budget knows the bytes: %s", r.Startup.Why)
		})
	}
}

// TestLayoutOfOtherSettings: the context of a layout gives way where it does not fit beside the document's flags, and only there.
func TestLayoutOfOtherSettings(t *testing.T) {
	t.Parallel()
	const llama, r1 = "model: {id: meta-llama/Llama-3.1-8B-Instruct}", "model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B}"
	for _, test := range []struct {
		lines   []string
		length  int
		planned string
		remark  string
	}{
		{[]string{r1, "accelerator: {type: a10g}", "runtime: {args: {enable-lora: true, max-loras: 4, max-lora-rank: 64}}"}, 21504, "The longest that is sure to fit. The catalogue's layout has more, for other settings", ""},
		{[]string{llama, "accelerator: {type: l40s}", "runtime: {args: {gpu-memory-utilization: 0.45}}"}, 27648, "The longest that is sure", ""},
		{[]string{llama, "accelerator: {type: l4}", "runtime: {args: {max-num-seqs: 1024, max-num-batched-tokens: 32768}}"}, 8192, "Fits by the likeliest figures", "likely starts, but not surely"},
		{[]string{llama, "accelerator: {type: l4}", "runtime: {args: {enforce-eager: true}}"}, 24576, "", ""},
		{[]string{"model: {id: openai/gpt-oss-120b}", "accelerator: {type: a100-80gb}", "runtime: {args: {enable-prefix-caching: true}}"}, 131072, "", ""}, // nothing about memory
		{[]string{"model: {id: openai/gpt-oss-120b}", "accelerator: {type: a100-80gb}", "runtime: {args: {max-num-seqs: 300}}"}, 131072, "", "likely starts, but not surely"},
		{[]string{llama, "accelerator: {type: l40s}", "runtime: {args: {gpu-memory-utilization: 0.45, cpu-offload-gb: 8}}"}, 131072, "", "cannot start.* without --cpu-offload-gb"},
	} {
		d := load(t, document(test.lines...))
		r := d.Environments[0].Revisions[0]
		assert.Equal(t, test.length, r.MaxModelLen, "%s", test.lines)
		if test.planned == "" {
			assert.Empty(t, r.Planned.MaxModelLen, "%s", test.lines)
		} else {
			assert.Contains(t, r.Planned.MaxModelLen, test.planned, "%s", test.lines)
		}
		if test.remark == "" {
			assert.Empty(t, d.Remarks, "%s", test.lines)
			continue
		}
		require.Len(t, d.Remarks, 1, "%s", test.lines)
		assert.Regexp(t, test.remark, d.Remarks[0].Message)
	}
}

// TestOnlyTheBest: auto isn't refused for a length that nobody asked for, where a shorter one may fit.
func TestOnlyTheBest(t *testing.T) {
	t.Parallel()
	d := load(t, document("model: {id: mistralai/Mixtral-8x22B-v0.1}", "accelerator: {type: mi355x, perReplica: 1}"))
	r := d.Environments[0].Revisions[0]
	assert.Equal(t, 8192, r.MaxModelLen)
	assert.Contains(t, r.Planned.MaxModelLen, "Fits by the best figures only")
	require.Len(t, d.Remarks, 1)
	assert.Contains(t, d.Remarks[0].Message, "likely does not start")
	assert.NotContains(t, d.Remarks[0].Message, "65536")
}

// firstNumber is the figure of GiB in a sentence.
func firstNumber(text string) string {
	before, _, _ := strings.Cut(text, " GiB")
	return before[strings.LastIndex(before, " ")+1:]
}

// TestCannotStart: what is impossible is refused with the reason and the nearest thing that works, in words that stay.
func TestCannotStart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		lines []string
		want  string
	}{
		{
			"weights", []string{"model: {id: meta-llama/Llama-3.3-70B-Instruct}", "accelerator: {type: l4, perReplica: 1}"},
			"document.yaml:5:39: spec.accelerator.perReplica: llama-3.3-70b on 1 × NVIDIA L4 with vLLM 0.33.0 cannot start: each GPU needs 131.4 GiB for weights and 1.0 beside them, and may take 20.3 of its 22.0 GiB (gpu-memory-utilization 0.92); it is sure to start with accelerator.perReplica: 8, or accelerator: {type: b200, perReplica: 1}",
		},
		{
			"length", []string{"model: {id: meta-llama/Llama-3.1-8B-Instruct, maxModelLen: 100000}", "accelerator: {type: l4}"},
			"document.yaml:4:62: spec.model.maxModelLen: llama-3.1-8b on 1 × NVIDIA L4 with vLLM 0.33.0 cannot start: one sequence of 100000 tokens takes 12.2 GiB of KV cache on each GPU, and at most 4.7 are left of 20.3 of its 22.0 GiB (gpu-memory-utilization 0.92) beside 15.0 for weights; it is sure to start with model.maxModelLen: 30720, or accelerator.perReplica: 2, or accelerator: {type: a100-40gb, perReplica: 1}",
		},
		{
			"positions", []string{"model: {id: meta-llama/Llama-3.1-8B-Instruct, maxModelLen: 131073}", "accelerator: {type: h200}"},
			"document.yaml:4:62: spec.model.maxModelLen: llama-3.1-8b on 1 × NVIDIA H200 with vLLM 0.33.0 cannot start: 131073 tokens are more than the 131072 positions of the model; it is sure to start with model.maxModelLen: 131072",
		},
		{
			"utilization", []string{"model: {id: meta-llama/Llama-3.1-8B-Instruct}", "accelerator: {type: l4}", "runtime: {args: {gpu-memory-utilization: 1}}"},
			"document.yaml:6:20: spec.runtime.args.gpu-memory-utilization: llama-3.1-8b on 1 × NVIDIA L4 with vLLM 0.33.0 cannot start: each GPU is asked for 22.0 of its 22.0 GiB (gpu-memory-utilization 1), of which a CUDA context takes its part; it is sure to start with gpu-memory-utilization: 0.97",
		},
		{
			"bytes of cache", []string{"model: {id: meta-llama/Llama-3.1-8B-Instruct}", "accelerator: {type: l4}", "runtime: {args: {kv-cache-memory-bytes: 10G}}"},
			"document.yaml:6:20: spec.runtime.args.kv-cache-memory-bytes: llama-3.1-8b on 1 × NVIDIA L4 with vLLM 0.33.0 cannot start: each GPU needs 15.0 GiB for weights, 0.8 beside them and 10.0 for the KV cache, and has 22.0 with a CUDA context in it; it is sure to start with accelerator.perReplica: 2, or accelerator: {type: a100-40gb, perReplica: 1}",
		},
		{
			"KV heads", []string{"model: {id: microsoft/phi-4}", "accelerator: {type: h100, perReplica: 4}"},
			"document.yaml:5:41: spec.accelerator.perReplica: phi-4 does not start: tensor parallel size 4 must divide the 10 KV heads or be a multiple of them; it is sure to start with accelerator.perReplica: 1",
		},
		{
			"no number of devices", []string{"model: {id: moonshotai/Kimi-K2-Instruct}", "accelerator: {type: h100}"},
			"document.yaml:5:16: spec.accelerator.perReplica: kimi-k2 is not sure to start on as many NVIDIA H100 as one node has (8); it is sure to start with accelerator.perReplica: 16 with accelerator.nodes: 2, or accelerator: {type: h200, perReplica: 8}; or say how many",
		},
		{
			"copied", []string{"model: {id: meta-llama/Llama-3.3-70B-Instruct, source: 'pvc://models/current'}", "accelerator: {type: l4, perReplica: 1}"},
			"document.yaml:5:39: spec.accelerator.perReplica: llama-3.3-70b on 1 × NVIDIA L4 with vLLM 0.33.0 cannot start: each GPU needs 131.4 GiB for weights and 1.0 beside them, and may take 20.3 of its 22.0 GiB (gpu-memory-utilization 0.92); it is sure to start with accelerator.perReplica: 8, or accelerator: {type: b200, perReplica: 1}. If pvc://models/current holds other weights than meta-llama/Llama-3.3-70B-Instruct, say the model.id of those, or model.measured",
		},
		{
			"a kernel for what is quantised", []string{"model: {id: deepseek-ai/DeepSeek-V3, maxModelLen: 8192}", "accelerator: {type: h200, perReplica: 4}", "runtime: {args: {quantization: fp8}}"},
			"document.yaml:5:41: spec.accelerator.perReplica: deepseek-v3 on 4 × NVIDIA H200 with vLLM 0.33.0 cannot start…",
		},
		{
			"an image of no release", []string{"model: {id: Qwen/Qwen2.5-7B-Instruct}", "accelerator: {type: l4}", "runtime: {image: 'vllm/vllm-openai:nightly'}"},
			"document.yaml:5:16: spec.accelerator.perReplica: nothing can be estimated of qwen2.5-7b: which release the image has is not known: vLLM version \"nightly\": want a release such as 0.33.0; say how many devices one replica needs",
		},
		{
			"a flag that makes no sense", []string{"model: {id: Qwen/Qwen2.5-7B-Instruct}", "accelerator: {type: l4}", "runtime: {args: {quantization: awq_marlin}}"},
			"document.yaml:5:16: spec.accelerator.perReplica: nothing can be estimated of qwen2.5-7b: quantization \"awq_marlin\" is not known to quantise while loading…",
		},
		{
			"a split that divides nothing", []string{"model: {id: Qwen/Qwen2.5-7B-Instruct}", "accelerator: {type: l4}", "runtime: {args: {tensor-parallel-size: 3}}"},
			"document.yaml:5:16: spec.accelerator.perReplica: nothing can be estimated of qwen2.5-7b: tensor parallel size 3 must divide the 28 attention heads; the engine refuses to start. The nearest that do are 2 and 4; tensor parallel size 3 must divide the 4 KV heads…",
		},
		{
			"a split over more than a node", []string{"model: {id: Qwen/Qwen2.5-7B-Instruct}", "accelerator: {type: l4}", "runtime: {args: {tensor-parallel-size: 16}}"},
			"document.yaml:5:16: spec.accelerator.perReplica: the parallel sizes among runtime.args make more devices than one node has (8)…",
		},
		{
			"no GPU", []string{"model: {id: meta-llama/Llama-3.1-70B-Instruct}", "accelerator: {type: trainium2}"},
			"document.yaml:5:16: spec.accelerator.perReplica: the catalogue has no layout of llama-3.1-70b on AWS Trainium2, and memory is estimated of GPUs only; say how many one replica needs",
		},
		{
			"measured", []string{"model: {id: Qwen/Qwen2.5-7B-Instruct, maxModelLen: 4096, measured: {weightsGiB: 30, otherGiB: 1}}", "accelerator: {type: l4, perReplica: 1}"},
			"document.yaml:5:39: spec.accelerator.perReplica: qwen2.5-7b on 1 × NVIDIA L4 with vLLM 0.33.0 cannot start: each GPU needs 30.0 GiB for weights and 1.0 beside them, and may take 20.3 of its 22.0 GiB (gpu-memory-utilization 0.92); it is sure to start with accelerator.perReplica: 2, or accelerator: {type: a100-40gb, perReplica: 1}",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := document(test.lines...)
			_, err := spec.Load("document.yaml", strings.NewReader(text))
			require.Error(t, err)
			if begin, cut := strings.CutSuffix(test.want, "…"); cut {
				assert.True(t, strings.HasPrefix(err.Error(), begin), "%s", err)
				return
			}
			assert.Equal(t, test.want, err.Error())
		})
	}
}

// TestCannotStartInDocs: the refusal that docs/plan.md shows is the one that is given.
func TestCannotStartInDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/plan.md")
	require.NoError(t, err)
	_, err = spec.Load("document.yaml", strings.NewReader(document("model: {id: meta-llama/Llama-3.3-70B-Instruct}", "accelerator: {type: l4, perReplica: 1}")))
	require.Error(t, err)
	_, message, _ := strings.Cut(err.Error(), " ")
	assert.Contains(t, strings.Join(strings.Fields(string(page)), " "), message)
}

// TestNotRefused: what the estimate does not know, and what is measured, refuses nothing.
func TestNotRefused(t *testing.T) {
	t.Parallel()
	const impossible = "accelerator: {type: l4, perReplica: 1}"
	for name, test := range map[string]struct {
		lines []string
		want  string
	}{
		"a flag":                        {[]string{"runtime: {args: {cpu-offload-gb: 200}}"}, "cannot start: each GPU needs 131.4 GiB for weights.* That is without --cpu-offload-gb"},
		"quantised while loading":       {[]string{"runtime: {args: {quantization: bitsandbytes}, version: v0.27.1}"}, "without --quantization"},
		"a variable":                    {[]string{"runtime: {env: {VLLM_USE_V1: '0'}, version: v0.8.5}"}, "without VLLM_USE_V1"},
		"another image":                 {[]string{"runtime: {image: 'registry.example.com/llm:v0.33.0'}"}, "without an image that may be another engine"},
		"an image of nobody knows when": {[]string{"runtime: {image: 'registry.example.com/llm:stable'}"}, ""},
		"a newer release":               {[]string{"runtime: {version: v0.40.0}"}, "without vLLM 0.40.0"},
		"quantised, by the name":        {[]string{"model: {id: meta-llama/Llama-3.3-70B-Instruct, source: 'pvc://models/llama-3.3-70b-awq'}"}, "cannot start: each GPU.* without weights that are quantised by the name of model.source"},
		"quantised, in a bucket":        {[]string{"model: {id: meta-llama/Llama-3.3-70B-Instruct, source: 's3://models/llama-3.3-70b-w4a16'}"}, "without weights that are quantised"},
		"a volume of quantised weights": {[]string{"model: {id: meta-llama/Llama-3.3-70B-Instruct, source: 'pvc://models/llama-3.3-70b-gptq', volume: {size: 60Gi}}"}, "without weights that are quantised"},
		"a config.json of one's own":    {[]string{"model: {id: Qwen/Qwen3-0.6B, maxModelLen: 65536, source: 'pvc://models/qwen-yarn'}"}, "cannot start, unless the config.json of pvc://models/qwen-yarn has more positions: 65536"},
		"other weights":                 {[]string{"model: {id: meta-llama/Llama-3.3-70B-Instruct, source: 'hf://someone/llama-4bit:main'}"}, "without weights of another repository"},
		"measured":                      {[]string{"model: {id: meta-llama/Llama-3.3-70B-Instruct, maxModelLen: 1024, measured: {weightsGiB: 18, otherGiB: 1}}"}, ""},
		"a model of nobody":             {[]string{"model: {id: nobody/nothing}"}, ""},
		"another engine":                {[]string{"runtime: {name: simulator}"}, ""},
		"the base, which runs nowhere":  {[]string{"environments: [{name: prod, accelerator: {type: h200, perReplica: 2}}]"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.HasPrefix(test.lines[0], "model:") {
				test.lines = append(test.lines, "model: {id: meta-llama/Llama-3.3-70B-Instruct}")
			}
			d := load(t, document(append(test.lines, impossible)...))
			if test.want == "" {
				assert.Empty(t, d.Remarks)
				return
			}
			require.Len(t, d.Remarks, 1)
			assert.Regexp(t, test.want, d.Remarks[0].Message)
		})
	}
}

// TestNamesOfQuantisedCopies: which names of a source keep the estimate from refusing.
func TestNamesOfQuantisedCopies(t *testing.T) {
	t.Parallel()
	for name, quantised := range map[string]bool{
		"llama-3.3-70b-awq": true, "Llama-3.3-70B-FP8-dynamic": true, "llama_nvfp4": true, "llama-MXFP4": true, "l/Q4_K_M": true, "llama-w8a8": true, "llama-4bit": true,
		"llama-3.3-70b-instruct": false, "checkpoint4": false, "llama/70b": false, "v4": false,
	} {
		_, err := spec.Load("document.yaml", strings.NewReader(document("model: {id: meta-llama/Llama-3.3-70B-Instruct, source: 's3://models/"+name+"'}", "accelerator: {type: l4, perReplica: 1}")))
		assert.Equal(t, quantised, err == nil, "%s: %v", name, err)
	}
}

// TestUncertain: what starts or does not within the ranges is told once, with what is sure, and rendered.
func TestUncertain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		lines []string
		want  string
	}{
		{
			[]string{"model: {id: meta-llama/Llama-3.1-8B-Instruct, maxModelLen: 33000}", "accelerator: {type: l4}", "environments: [{name: a}, {name: b}]"},
			"spec.model.maxModelLen: llama-3.1-8b on 1 × NVIDIA L4 with vLLM 0.33.0 likely starts, but not surely: one sequence of 33000 tokens takes 4.0 GiB of KV cache on each GPU, and 3.8 to 4.7 are left of 20.3 of its 22.0 GiB (gpu-memory-utilization 0.92) beside 15.0 for weights; it is sure to start with model.maxModelLen: 30720, or accelerator.perReplica: 2, or accelerator: {type: a100-40gb, perReplica: 1}",
		},
		{
			[]string{"model: {id: meta-llama/Llama-3.1-8B-Instruct}", "accelerator: {type: l4}", "runtime: {args: {gpu-memory-utilization: 0.985}}"},
			"spec.runtime.args.gpu-memory-utilization: llama-3.1-8b on 1 × NVIDIA L4 with vLLM 0.33.0 likely does not start: each GPU is asked for 21.7 of its 22.0 GiB (gpu-memory-utilization 0.985), of which a CUDA context takes its part; it is sure to start with gpu-memory-utilization: 0.97",
		},
		{
			[]string{"model: {id: Qwen/Qwen2.5-7B-Instruct}", "accelerator: {type: l4}", "runtime: {args: {quantization: fp8}}"},
			"spec.accelerator.perReplica: is chosen by an estimate that does not know --quantization (weights that are in 16 bit until they are quantised); say a number",
		},
	} {
		d := load(t, document(test.lines...))
		require.Len(t, d.Remarks, 1, "%s", d.Remarks)
		assert.Equal(t, test.want, d.Remarks[0].Message)
	}
}

// TestLoadAnyway: those who show why something does not start get it.
func TestLoadAnyway(t *testing.T) {
	t.Parallel()
	text := document("model: {id: meta-llama/Llama-3.3-70B-Instruct}", "accelerator: {type: l4, perReplica: 1}", "environments: [{name: a}, {name: b}]")
	deployments, err := spec.LoadAnyway("document.yaml", strings.NewReader(text))
	require.NoError(t, err)
	require.Len(t, deployments, 1)
	assert.NotEmpty(t, deployments[0].CannotStart)
	_, err = spec.Load("document.yaml", strings.NewReader(text+"---\n"+document("replicas: {min: 3, max: 2}")))
	require.ErrorContains(t, err, "cannot start")
	require.ErrorContains(t, err, "spec.replicas.max", "all of a file's problems at once")
	assert.Equal(t, 1, strings.Count(err.Error(), "cannot start"), "once for all environments")
}
