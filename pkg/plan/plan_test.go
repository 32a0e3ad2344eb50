package plan_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/plan"
	"github.com/kservegen/kservegen/pkg/sizing"
	"github.com/kservegen/kservegen/pkg/spec"
)

const gib = 1 << 30

// config reads a config.json of pkg/sizing's points.
func config(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../sizing/testdata/configs/" + name + ".json")
	require.NoError(t, err)
	return data
}

// tensors is a safetensors file of a header and no data.
func tensors(header string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	one := tensors(`{"__metadata__": {"format": "pt"}, "a": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}, "lm_head.weight": {"data_offsets": [12, 112]}}`)
	two := tensors(`{"b": {"data_offsets": [0, 30]}}`)
	index := func(total string) []byte {
		return []byte(`{"metadata": {"total_size": ` + total + `}, "weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}`)
	}
	untied, tied := config(t, "llama-3.1-8b"), config(t, "qwen3-0.6b")
	for _, test := range []struct {
		name  string
		files map[string][]byte
		want  float64
		from  string
	}{
		{"headers", map[string][]byte{"config.json": untied, "1.safetensors": one, "2.safetensors": two}, 142, "safetensors headers"},
		{"headers go before the index", map[string][]byte{"config.json": untied, "1.safetensors": one, "2.safetensors": two, "model.safetensors.index.json": index("7")}, 142, "safetensors headers"},
		{"other files are not loaded", map[string][]byte{"config.json": untied, "1.safetensors": one, "2.safetensors": two, "consolidated.safetensors": two, "model.safetensors.index.json": index("7")}, 142, "safetensors headers"},
		{"index", map[string][]byte{"config.json": untied, "1.safetensors": one, "model.safetensors.index.json": index("77")}, 77, "safetensors index"},
		{"tied head", map[string][]byte{"config.json": tied, "1.safetensors": one}, 12, "safetensors headers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := fstest.MapFS{}
			for name, data := range test.files {
				dir[name] = &fstest.MapFile{Data: data}
			}
			m, err := plan.ReadDirectory("dir", dir)
			require.NoError(t, err)
			assert.InDelta(t, test.want, m.Weights.FileBytes, 0)
			assert.Equal(t, test.from, m.WeightsFrom)
		})
	}
}

func TestBadDirectory(t *testing.T) {
	t.Parallel()
	good := config(t, "llama-3.1-8b")
	for want, files := range map[string]map[string][]byte{
		"config.json":                    {},
		"hf_quant_config.json: json":     {"config.json": good, "hf_quant_config.json": []byte(`[]`)},
		"num_hidden_layers is missing":   {"config.json": []byte(`{}`)},
		"no safetensors file":            {"config.json": good},
		"1.safetensors: no safetensors":  {"config.json": good, "1.safetensors": []byte("short")},
		"an unfetched pointer":           {"config.json": good, "1.safetensors": []byte("version https://git-lfs.github.com/spec/v1")},
		"tensor \"a\" has -5 bytes":      {"config.json": good, "1.safetensors": tensors(`{"a": {"data_offsets": [5, 0]}}`)},
		"tensor \"a\": json":             {"config.json": good, "1.safetensors": tensors(`{"a": {"data_offsets": "x"}}`)},
		"safetensors header: ":           {"config.json": good, "1.safetensors": tensors(`nonsense`)},
		"model.safetensors.index.json: ": {"config.json": good, "model.safetensors.index.json": []byte(`[]`)},
	} {
		dir := fstest.MapFS{}
		for name, data := range files {
			dir[name] = &fstest.MapFile{Data: data}
		}
		_, err := plan.ReadDirectory("dir", dir)
		require.ErrorContains(t, err, want)
	}
}

// TestModelOpt: its quantisation stands in a file of its own.
func TestModelOpt(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{
		"config.json":          {Data: config(t, "llama-3.1-8b")},
		"hf_quant_config.json": {Data: []byte(`{"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8", "group_size": 16}}`)},
		"model.safetensors":    {Data: tensors(`{"a": {"data_offsets": [0, 12]}}`)},
	}
	m, err := plan.ReadDirectory("dir", dir)
	require.NoError(t, err)
	assert.Equal(t, sizing.Quantisation{Method: "modelopt", Bits: 4, Scale: 0.5, Cache: "fp8"}, m.Architecture.Quantisation)
}

func TestFindGPU(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"h100": "h100", "H100": "h100", "NVIDIA H100": "h100", "NVIDIA-H100-80GB-HBM3": "h100", "A100 80GB": "a100-80gb", "NVIDIA A100-SXM4-40GB": "a100-40gb", "a10g": "a10g", "MI300X": "mi300x", "H100 SXM5 80GB": "h100", "L40S-48GB": "l40s",
	} {
		gpu, note, err := plan.FindGPU(name, 0)
		require.NoError(t, err, name)
		assert.Equal(t, want, gpu.Name)
		assert.Positive(t, gpu.MemoryGiB)
		assert.Empty(t, note)
	}
	trainium, _, err := plan.FindGPU("trainium2", 0)
	require.NoError(t, err)
	assert.InDelta(t, 24, trainium.MemoryGiB, 0, "of one of its cores")

	given, _, err := plan.FindGPU("h100", 93.1)
	require.NoError(t, err)
	assert.InDelta(t, 93.1, given.MemoryGiB, 0, "the memory that is given")
	other, _, err := plan.FindGPU("RTX 3090", 23.58)
	require.NoError(t, err)
	assert.Equal(t, "RTX 3090", other.Name)

	_, _, err = plan.FindGPU("A100", 0)
	require.ErrorContains(t, err, "a100-40gb, a100-80gb", "there are two")
	_, _, err = plan.FindGPU("rtx 3090", 0)
	require.ErrorContains(t, err, "--gpu-memory-gib")
	_, _, err = plan.FindGPU("", 0)
	require.ErrorContains(t, err, "which GPU")
	for memory, want := range map[float64]string{79.25: "a100-80gb", 79.15: "a100-80gb", 79.18: "h100", 139.8: "h200", 22.03: "l4", 12: ""} {
		gpu, note, err := plan.FindGPU("", memory)
		require.NoError(t, err)
		assert.Equal(t, want, gpu.Name)
		assert.Contains(t, note, "not named")
	}
}

// logs of 0.10 and 0.28, as the engine writes them (v1/worker/gpu_worker.py, v1/core/kv_cache_utils.py).
const (
	older = `INFO 10-02 08:00:01 [api_server.py:1896] vLLM API server version 0.10.1.1
INFO 10-02 08:00:01 [utils.py:326] non-default args: {'model_tag': 'Qwen/Qwen2-7B-Instruct', 'max_model_len': 16384, 'gpu_memory_utilization': 0.25, 'tensor_parallel_size': 2, 'enforce_eager': False}
INFO 10-02 08:00:40 [gpu_model_runner.py:2007] Model loading took 7.1220 GiB and 4.1 seconds
INFO 10-02 08:01:00 [gpu_worker.py:276] Available KV cache memory: 12.02 GiB
INFO 10-02 08:01:00 [gpu_worker.py:276] Available KV cache memory: 12.05 GiB
INFO 10-02 08:01:00 [kv_cache_utils.py:849] GPU KV cache size: 450,192 tokens
INFO 10-02 08:01:00 [kv_cache_utils.py:853] Maximum concurrency for 16,384 tokens per request: 27.48x
`
	failed = `(EngineCore pid=7) INFO 10-02 [core.py:58] Initializing a V1 LLM engine (v0.28.0) with config: model='x'
INFO Model loading took 67.72 GiB memory and 45.09 seconds
DEBUG torch peak memory increase: 4.84GiB; non-torch forward increase memory: 0.14GiB
INFO Available KV cache memory: -1.44 GiB
ValueError: No available memory for the cache blocks. Try increasing gpu_memory_utilization when initializing the engine.
`
)

func TestReadLog(t *testing.T) {
	t.Parallel()
	l, err := plan.ReadLog("vllm.log", strings.NewReader(older))
	require.NoError(t, err)
	assert.Equal(t, "0.10.1.1", l.Version)
	assert.Equal(t, map[string]string{"model-tag": "Qwen/Qwen2-7B-Instruct", "max-model-len": "16384", "gpu-memory-utilization": "0.25", "tensor-parallel-size": "2", "enforce-eager": "false"}, l.Flags)
	assert.InDelta(t, 7.122, l.WeightsGiB, 0)
	assert.InDelta(t, 12.02, l.KVCacheGiB, 0, "the worker that has the least")
	assert.Equal(t, int64(450192), l.KVTokens)

	f, err := plan.ReadLog("vllm.log", strings.NewReader(failed))
	require.NoError(t, err)
	assert.Equal(t, "0.28.0", f.Version)
	assert.InDelta(t, 4.84, f.ActivationGiB, 0)
	assert.InDelta(t, 0.14, f.NonTorchGiB, 0)
	assert.InDelta(t, -1.44, f.KVCacheGiB, 0)
	assert.Contains(t, f.Failed, "No available memory")

	_, err = plan.ReadLog("vllm.log", strings.NewReader("hello\n"))
	require.ErrorContains(t, err, "says nothing of memory")
}

// first is of the first engine, early of the second before it logs bytes, colourful of a new release in a container
// without the line about flags (vllm/worker/worker.py, v1/core/kv_cache_utils.py, logging_utils/formatter.py).
const (
	first = `INFO 12-30 10:00:00 api_server.py:712] vLLM API server version 0.6.6
INFO 12-30 10:00:00 api_server.py:713] args: Namespace(subparser='serve', model_tag='Qwen/Qwen2-7B-Instruct', max_model_len=8192, max_num_seqs=None, enable_lora=False, max_loras=1, max_lora_rank=16, gpu_memory_utilization=0.9, block_size=32, enforce_eager=True)
INFO 12-30 10:00:09 model_runner.py:1099] Loading model weights took 14.2487 GB
INFO 12-30 10:00:11 worker.py:241] Memory profiling takes 1.30 seconds
INFO 12-30 10:00:11 worker.py:241] the current vLLM instance can use total_gpu_memory (22.06GiB) x gpu_memory_utilization (0.90) = 19.86GiB
INFO 12-30 10:00:11 worker.py:241] model weights take 14.25GiB; non_torch_memory takes 0.06GiB; PyTorch activation peak memory takes 1.43GiB; the rest of the memory reserved for KV Cache is 4.12GiB.
INFO 12-30 10:00:11 gpu_executor.py:76] # GPU blocks: 2411, # CPU blocks: 2340
INFO 12-30 10:00:11 gpu_executor.py:80] Maximum concurrency for 8192 tokens per request: 9.42x
`
	early = `INFO 04-29 07:00:00 [api_server.py:1043] vLLM API server version 0.8.5
INFO 04-29 07:00:00 [api_server.py:1044] args: Namespace(model='Qwen/Qwen2-7B-Instruct', tensor_parallel_size=2, max_model_len=16384, gpu_memory_utilization=0.5)
INFO 04-29 07:00:30 [gpu_model_runner.py:1347] Model loading took 7.1220 GiB and 3.9 seconds
INFO 04-29 07:01:00 [kv_cache_utils.py:634] GPU KV cache size: 1,150,000 tokens
`
	colourful = "\x1b[0;36m(EngineCore_DP0 pid=276)\x1b[0;0m INFO 11-02 07:00:00 [core.py:140] Initializing a V1 LLM engine (v0.33.0) with config: model='x', speculative_config=None, max_seq_len=16384, tensor_parallel_size=2, pipeline_parallel_size=1, quantization=None, enforce_eager=True\n" +
		"\x1b[0;36m(Worker_TP0 pid=290)\x1b[0;0m INFO 11-02 07:00:30 [gpu_model_runner.py:5089] Model loading took 7.12 GiB memory and 3.987654 seconds\n" +
		"\x1b[0;36m(Worker_TP0 pid=290)\x1b[0;0m INFO 11-02 07:00:40 [gpu_model_runner.py:6410] Estimated CUDA graph memory: 0.44 GiB total\n" +
		"\x1b[0;36m(Worker_TP0 pid=290)\x1b[0;0m INFO 11-02 07:00:40 [gpu_worker.py:773] Available KV cache memory: 61.2 GiB\n" +
		"\x1b[0;36m(EngineCore_DP0 pid=276)\x1b[0;0m INFO 11-02 07:00:41 [kv_cache_utils.py:1149] GPU KV cache size: 2,291,936 tokens, Maximum concurrency for 16,384 tokens per request: 139.89x\n"
)

// TestLogFormats: the lines of each generation of the engine.
func TestLogFormats(t *testing.T) {
	t.Parallel()
	read := func(text string) plan.Log {
		l, err := plan.ReadLog("vllm.log", strings.NewReader(text))
		require.NoError(t, err)
		return l
	}
	l := read(first)
	assert.Equal(t, plan.Log{
		Version: "0.6.6", WeightsGiB: 14.2487, ActivationGiB: 1.43, NonTorchGiB: 0.06, KVCacheGiB: 4.12, HasKVCache: true, KVTokens: 2411 * 32,
		Concurrency: 9.42, TotalGiB: 22.06, Flags: l.Flags,
	}, l)
	var s sizing.Settings
	require.NoError(t, l.Apply(&s, func(string) bool { return false }))
	assert.Equal(t, sizing.Settings{MaxModelLen: 8192, Utilization: 0.9, BlockSize: 32, EnforceEager: true}, s, "defaults in a namespace switch nothing on")

	l = read(early)
	assert.False(t, l.HasKVCache)
	report := l.Compare(plan.Answer{KVBytesPerToken: 28672, RequestedGiB: 39.6, Fits: true})
	assert.InDelta(t, 30.71, report.Parts[1].Logged, 0.01, "from the tokens")
	assert.InDelta(t, 39.6-7.122-30.71, report.Measured.OtherGiB, 0.02)
	assert.NotEmpty(t, read("Initializing a V0 LLM engine (v0.8.5) with config: x\n"+early).Compare(plan.Answer{Fits: true}).Surprises)

	l = read(colourful)
	assert.Equal(t, plan.Log{Version: "0.33.0", WeightsGiB: 7.12, GraphsGiB: 0.44, KVCacheGiB: 61.2, HasKVCache: true, KVTokens: 2291936, Concurrency: 139.89, Flags: l.Flags}, l)
	assert.Equal(t, map[string]string{"max-model-len": "16384", "tensor-parallel-size": "2", "pipeline-parallel-size": "1", "enforce-eager": "true"}, l.Flags)

	l = read("non-default args: {'speculative_config': {'method': 'eagle', 'num_speculative_tokens': 3, 'x': None}, 'max_num_seqs': 8}\nLLM engine (v0.11.0) with config: max_seq_len=4096\n" + early)
	s = sizing.Settings{}
	require.NoError(t, l.Apply(&s, func(string) bool { return false }))
	assert.Equal(t, [3]int64{1, 8, 16384}, [3]int64{s.DraftLayers, s.MaxSequences, s.MaxModelLen})
	assert.Contains(t, read("ValueError: The model's max seq len (131072) is larger than the maximum number of tokens that can be stored in KV cache (21968).\n").Failed, "131072")
}

// TestLoop: a log gives version and flags; its comparison gives what closes the gap, and with that the cache is as logged.
func TestLoop(t *testing.T) {
	t.Parallel()
	l, err := plan.ReadLog("vllm.log", strings.NewReader(older))
	require.NoError(t, err)
	m, err := plan.ReadConfig("qwen2-7b", config(t, "qwen2-7b"))
	require.NoError(t, err)
	m.Weights.FileBytes = 15231233024
	s := sizing.Settings{GPU: sizing.GPU{Name: "a100", MemoryGiB: 79.25}, MaxSequences: 64}
	s.Version, err = sizing.ParseVersion(l.Version)
	require.NoError(t, err)
	require.NoError(t, l.Apply(&s, func(flag string) bool { return flag == "max-num-seqs" }))
	answer, err := plan.Make(m, s)
	require.NoError(t, err)
	report := l.Compare(answer)
	require.NotEmpty(t, report.Parts)
	assert.Equal(t, "weights", report.Parts[0].Part)
	assert.True(t, report.Parts[0].Within)

	m.Weights.MeasuredBytes, s.OtherBytes = report.Measured.WeightsGiB*gib, int64(report.Measured.OtherGiB*gib)
	again, err := plan.Make(m, s)
	require.NoError(t, err)
	assert.InDelta(t, l.KVCacheGiB, again.KVCacheGiB, 0.006)

	var text bytes.Buffer
	require.NoError(t, report.WriteText(&text))
	assert.Contains(t, text.String(), "measured: {weightsGiB: 7.122")
}

// TestAnswer: the names that stay, the bar as wide as it is said to be, every figure with a source.
func TestAnswer(t *testing.T) {
	t.Parallel()
	m, err := plan.ReadConfig("llama", config(t, "llama-3.1-8b"))
	require.NoError(t, err)
	m.Weights.LoadedBytes = 14.99 * gib
	for _, utilization := range []float64{0.9, 0.2} {
		answer, err := plan.Make(m, sizing.Settings{GPU: sizing.GPU{Name: "h100", MemoryGiB: 79.18}, Version: sizing.Version{Minor: 33}, Utilization: utilization})
		require.NoError(t, err)
		data, err := json.Marshal(answer)
		require.NoError(t, err)
		var fields map[string]any
		require.NoError(t, json.Unmarshal(data, &fields))
		for _, name := range []string{"fits", "weightsGiB", "activationGiB", "nonTorchGiB", "graphsGiB", "kvCacheGiB", "kvBytesPerToken", "kvTokens", "maxModelLen"} {
			assert.Contains(t, fields, name)
		}
		assert.Equal(t, utilization == 0.9, answer.Fits)
		for name, amount := range answer.Explain {
			assert.NotEmpty(t, amount.Source, name)
			assert.NotEmpty(t, amount.Formula, name)
			assert.LessOrEqual(t, amount.Low, amount.High, name)
		}
		var text bytes.Buffer
		require.NoError(t, answer.WriteText(&text))
		require.NoError(t, answer.WriteExplain(&text))
		_, bar, _ := strings.Cut(text.String(), "[")
		bar, _, _ = strings.Cut(bar, "]")
		assert.Len(t, bar, 60)
	}
}

// TestDocument: revisions and environments with their flags; what is the same is planned once.
func TestDocument(t *testing.T) {
	t.Parallel()
	const document = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: llama, namespace: llm}
spec:
  model: {id: meta-llama/Llama-3.1-8B-Instruct, maxModelLen: 8192, measured: {weightsGiB: 15, otherGiB: 1.5}}
  accelerator: {type: l4, perReplica: 2}
  runtime: {args: {max-num-seqs: 64, enforce-eager: true}}
  replicas: {min: 1, max: 1}
  environments:
  - {name: dev}
  - {name: staging}
  - {name: production, runtime: {version: v0.24.0}}
`
	deployments, err := spec.Load("llama.yaml", strings.NewReader(document))
	require.NoError(t, err)
	find := func(id string) (plan.Model, error) {
		assert.Equal(t, "meta-llama/Llama-3.1-8B-Instruct", id)
		return plan.ReadConfig(id, config(t, "llama-3.1-8b"))
	}
	cases, skipped, err := plan.OfDocument(deployments[0], "", find)
	require.NoError(t, err)
	assert.Empty(t, skipped)
	require.Len(t, cases, 2)
	assert.Equal(t, []string{"dev", "staging"}, cases[0].Environments)
	s := cases[0].Settings
	assert.Equal(t, "l4", s.GPU.Name)
	assert.Equal(t, [4]int64{2, 8192, 64, 1.5 * gib}, [4]int64{s.TensorParallel, s.MaxModelLen, s.MaxSequences, s.OtherBytes})
	assert.True(t, s.EnforceEager)
	assert.InDelta(t, 15*gib, cases[0].Model.Weights.MeasuredBytes, 0)
	assert.Equal(t, "0.24.0", cases[1].Settings.Version.String())

	cases, _, err = plan.OfDocument(deployments[0], "production", find)
	require.NoError(t, err)
	assert.Len(t, cases, 1)
	_, _, err = plan.OfDocument(deployments[0], "nowhere", find)
	require.ErrorContains(t, err, `no environment "nowhere"`)

	laptop, err := spec.Load("laptop.yaml", strings.NewReader(strings.Replace(document, "accelerator: {type: l4, perReplica: 2}", "accelerator: {type: none}", 1)))
	require.NoError(t, err)
	cases, skipped, err = plan.OfDocument(laptop[0], "dev", find)
	require.NoError(t, err)
	assert.Empty(t, cases)
	assert.Contains(t, skipped[0].Why, "vllm-cpu")
}
