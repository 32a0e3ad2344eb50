package vllm_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/vllm"
	"github.com/kservegen/kservegen/runtimes"
)

func release(t *testing.T, tag string) *vllm.Release {
	t.Helper()
	found, ok, err := vllm.Find(tag)
	require.NoError(t, err)
	require.True(t, ok, tag)
	return found
}

func TestFind(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		"v0.33.0":                        "0.33.0",
		"0.33.0":                         "0.33.0",
		"v0.33.0-x86_64":                 "0.33.0",
		"v0.10.1.1":                      "0.10.1.1",
		"v0.8.5.post1":                   "0.8.5.post1",
		"v0.9.1":                         "0.9.0",
		"v0.15.1":                        "0.14.1",
		"v0.32.1":                        "0.32.0",
		"v0.33.0rc2":                     "0.33.0",
		"v1.0":                           "0.33.0",
		"0.24.0.1.1.0-neuronx-py313":     "0.24.0",
		"v0.11.0+cu128":                  "0.11.0",
		"v0.8.4":                         "",
		"latest":                         "",
		"nightly-abc":                    "",
		"20261101":                       "",
		"1e3":                            "",
		"":                               "",
		"v99999.1.1":                     "",
		"v0.33.0.":                       "",
		strings.Repeat("1.", 3000) + "1": "",
		"v0.8.5":                         "0.8.5.post1",
	} {
		found, ok, err := vllm.Find(tag)
		require.NoError(t, err)
		if assert.Equal(t, want != "", ok, "%q", tag) && ok {
			assert.Equal(t, want, found.Measured, "%q", tag)
		}
	}
	assert.Equal(t, "vLLM 0.33.0", release(t, "v0.33.0-x86_64").String())
	assert.Equal(t, "vLLM 0.15.1 (judged by 0.14.1)", release(t, "v0.15.1").String())
	assert.Equal(t, "vLLM 1.0 (judged by 0.33.0)", release(t, "v1.0").String())
}

// split reads a flag as it stands on a command line, in one word.
func split(line string) vllm.Use {
	name, value, joined := strings.Cut(strings.TrimPrefix(line, "--"), "=")
	use := vllm.Use{Name: name}
	if joined {
		use.Values = []string{value}
	}
	return use
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		release, line string
		reason        vllm.Reason
		text          string
	}{
		{"0.33.0", "--max-num-seqs=128", 0, ""},
		{"0.33.0", "--max-num-seqs=1_000", 0, ""},
		{"0.33.0", "--max-num-seqs=many", vllm.Value, `--max-num-seqs of vLLM 0.33.0 wants a whole number, got "many"`},
		{"0.33.0", "--max-num-seqs=1.5", vllm.Value, "whole number"},
		{"0.33.0", "--max-num-seqs", vllm.Value, "wants a whole number"},
		{"0.33.0", "--gpu-memory-utilization=0.92", 0, ""},
		{"0.33.0", "--gpu-memory-utilization=.9", 0, ""},
		{"0.33.0", "--gpu-memory-utilization=9e-1", 0, ""},
		{"0.33.0", "--gpu-memory-utilization=90%", vllm.Value, `wants a number, got "90%"`},
		{"0.33.0", "--gpu-memory-utilization=0x1", vllm.Value, "wants a number"},
		{"0.33.0", "--no-gpu-memory-utilization", vllm.Value, "takes a number and cannot be turned off"},

		// Sizes: k is 1000 and K 1024; auto came later.
		{"0.8.5.post1", "--max-model-len=8k", 0, ""},
		{"0.33.0", "--max-model-len=8K", 0, ""},
		{"0.33.0", "--max-model-len=1.5k", 0, ""},
		{"0.33.0", "--max-model-len=1.5K", vllm.Value, "whole number"},
		{"0.33.0", "--max-model-len=-1", 0, ""},
		{"0.33.0", "--max-model-len=auto", 0, ""},
		{"0.13.0", "--max-model-len=auto", vllm.Value, `got "auto"`},

		// Removed and renamed.
		{"0.9.2", "--enable-reasoning", vllm.Deprecated, "set --reasoning-parser alone"},
		{"0.10.0", "--enable-reasoning", vllm.Gone, "vLLM 0.10.0 has no --enable-reasoning: gone since 0.10.0; set --reasoning-parser alone"},
		{"0.10.0", "--task=generate", 0, ""},
		{"0.12.0", "--task=generate", vllm.Deprecated, "use --runner and --convert"},
		{"0.33.0", "--task=generate", vllm.Gone, "gone since 0.13.0; use --runner and --convert"},
		{"0.10.0", "--runner=generate", vllm.Early, "vLLM 0.10.0 has no --runner: it came with 0.10.1.1; use --task"},
		{"0.12.0", "--guided-decoding-backend=xgrammar", vllm.Gone, "gone since 0.12.0; renamed to --structured-outputs-config.backend in 0.11.0"},
		{"0.10.2", "--structured-outputs-config={}", vllm.Early, "it came with 0.11.0; use --guided-decoding-backend"},
		{"0.13.0", "--cuda-graph-sizes=8", vllm.Gone, "renamed to --cudagraph-capture-sizes in 0.11.1"},
		{"0.33.0", "--swap-space=4", vllm.Gone, "gone since 0.18.1; leave it out"},
		{"0.33.0", "--rope-scaling={}", vllm.Gone, "gone since 0.11.1; set it in --hf-overrides"},
		{"0.28.0", "--device=cuda", vllm.Gone, "gone since 0.10.0; leave it out, the image is made for one device"},
		{"0.17.1", "--shutdown-timeout=20", vllm.Early, "it came with 0.18.1; let a preStop hook wait"},
		{"0.10.0", "--disable-log-requests", 0, ""},
		{"0.16.0", "--disable-log-requests", vllm.Deprecated, "requests are not logged"},
		{"0.20.2", "--disable-log-requests", vllm.Gone, "gone since 0.17.1, and back in 0.33.0; leave it out"},
		{"0.33.0", "--disable-log-requests", 0, ""},

		// Names that vLLM hides or derives.
		{"0.33.0", "--no-enable-prefix-caching", 0, ""},
		{"0.33.0", "--disable-prefix-caching", 0, ""},
		{"0.32.0", "--disable-prefix-caching", vllm.Early, "it came with 0.33.0"},
		{"0.33.0", "--no-disable-cascade-attn", vllm.Deprecated, "there is no cascade attention any more"},
		{"0.9.2", "--no-enable-auto-tool-choice", vllm.Value, "--enable-auto-tool-choice can only be turned on; leave it out"},
		{"0.31.0", "--device-memory-utilization=0.9", 0, ""},
		{"0.30.0", "--device-memory-utilization=0.9", vllm.Early, "it came with 0.31.0"},

		// Misspelt and abbreviated.
		{"0.33.0", "--max-num-sequs=1", vllm.Unknown, "vLLM 0.33.0 has no --max-num-sequs; did you mean --max-num-seqs?"},
		{"0.33.0", "--tp=2", vllm.Unknown, "vLLM 0.33.0 has no --tp; did you mean -tp?"},
		{"0.33.0", "--frobnicate", vllm.Unknown, "no release that was read has it"},
		{"0.33.0", "--kv-cache-memory=1", vllm.Abbreviated, "vLLM 0.33.0 takes --kv-cache-memory for --kv-cache-memory-bytes"},
		{"0.33.0", "--max-num=1", vllm.Unknown, "begin with it; write the name out"},

		// Switches and values.
		{"0.33.0", "--enable-prefix-caching", 0, ""},
		{"0.33.0", "--enable-prefix-caching=true", vllm.Value, `is a switch and takes no value, got "true"`},
		{"0.33.0", "--dtype=bfloat16", 0, ""},
		{"0.33.0", "--dtype=bfloat61", vllm.Value, `has no "bfloat61"; did you mean bfloat16?`},
		{"0.24.0", "--quantization=gguf", vllm.Value, `has no "gguf": gone since 0.24.0`},
		{"0.23.0", "--quantization=gguf", 0, ""},
		{"0.33.0", "--tool-call-parser=deepseek_v41", 0, ""},
		{"0.29.0", "--tool-call-parser=deepseek_v41", vllm.Value, `has no "deepseek_v41": it came with 0.30.0`},
		{"0.33.0", "--moe-backend=FlashInfer-Cutlass", 0, ""},
		{"0.33.0", "--moe-backend=flashinfer_cutlas", vllm.Value, "did you mean flashinfer_cutlass?"},
		{"0.33.0", "--reasoning-parser=none", 0, ""},
		{"0.32.0", "--reasoning-parser=none", vllm.Value, `has no "none"`},
		{"0.33.0", "--kv-cache-dtype=fp9", vllm.Value, `has no "fp9"; did you mean fp8?`},

		// JSON, whole and by its members.
		{"0.33.0", `--speculative-config={"num_speculative_tokens": 3}`, 0, ""},
		{"0.33.0", `--speculative-config={'num_speculative_tokens': 3}`, vllm.Value, "wants JSON"},
		{"0.33.0", "--speculative-config.num_speculative_tokens=3", 0, ""},
		{"0.33.0", "--hf-overrides.rope.theta=1", 0, ""},
		{"0.33.0", "--max-num-seqs.x=3", vllm.Value, "sets a member of a JSON value"},
		{"0.33.0", "--hf-overrides.a", vllm.Value, "takes one value, got 0"},
		{"0.10.2", "--structured-outputs-config.backend=x", vllm.Early, "it came with 0.11.0"},
		{"0.33.0", `--hf-overrides={"a": }`, vllm.Value, "JSON in braces"},
		{"0.33.0", "--hf-overrides=a.b.c", 0, ""},
		{"0.33.0", "--limit-mm-per-prompt=image=4", vllm.Value, "wants JSON"},

		// Releases that were not read: what may have come in between is not refused.
		{"0.15.1", "--max-num-seqs=x", vllm.Value, "vLLM 0.15.1 (judged by 0.14.1)"},
		{"0.9.3", "--no-allow-credentials", vllm.Unsure, "came between vLLM 0.9.2 and 0.10.0"},
		{"0.34.0", "--brand-new", vllm.Unsure, "no release up to vLLM 0.33.0 has --brand-new"},
		{"0.34.0", "--swap-space=4", vllm.Gone, "gone since 0.18.1"},
		{"0.18.0", "--shutdown-timeout=9", vllm.Unsure, "came between vLLM 0.17.1 and 0.18.1, and 0.18.0 was not read"},
		{"0.34.0", "--tool-call-parser=brand_new", vllm.Unsure, `has no "brand_new"`},
		{"0.34.0", "--moe-backend=newone", vllm.Unsure, `has no "newone"`},
		{"0.34.0", "--max-num-seqs=4k", vllm.Unsure, `vLLM 0.34.0 (judged by 0.33.0) wants a whole number, got "4k"`},
		{"0.34.0", "--max-num-seqs", vllm.Unsure, "wants a whole number"},
		{"0.34.0", "--max-num-se=1", vllm.Unsure, "takes --max-num-se for --max-num-seqs"},
		{"0.34.0", "--max-num=1", vllm.Unsure, "write the name out"},
		{"0.34.0", "--no-max-num-seqs", vllm.Unsure, "cannot be turned off"},
		{"0.34.0", "--max-num-seqs.x=1", vllm.Unsure, "sets a member of a JSON value"},
		{"0.34.0", "--no-disable-cascade-attn", vllm.Deprecated, "a later release will not"},
		{"0.34.0", "--max-num-seqs=128", 0, ""},
		{"0.33.0rc2", "--max-num-seqs=4k", vllm.Unsure, "wants a whole number"},

		// A kind that changed between the two that were read may have changed already.
		{"0.9.1", "--max-num-batched-tokens=8k", 0, ""},
		{"0.9.0", "--max-num-batched-tokens=8k", vllm.Value, "whole number"},
		{"0.13.1", "--max-model-len=auto", 0, ""},
		{"0.13.1", "--max-model-len=most", vllm.Value, `got "most"`},

		// Pairs were JSON in their day.
		{"0.8.5", "--limit-mm-per-prompt=image=2,video=1", vllm.Deprecated, "--limit-mm-per-prompt of vLLM 0.8.5 takes key=value, but a later release will not; write JSON"},
		{"0.9.0", "--limit-mm-per-prompt=image=2", vllm.Deprecated, "write JSON"},
		{"0.9.3", "--limit-mm-per-prompt=image=2", vllm.Deprecated, "write JSON"},
		{"0.9.0", `--limit-mm-per-prompt={"image": 2}`, 0, ""},
		{"0.9.0", "--limit-mm-per-prompt=image=two", vllm.Value, "wants JSON"},
		{"0.9.0", "--limit-mm-per-prompt=image", vllm.Value, "wants JSON"},
		{"0.10.0", "--limit-mm-per-prompt=image=2", vllm.Value, "wants JSON"},
		{"0.8.5", "--override-generation-config=a=1", vllm.Value, "wants JSON"},
	} {
		verdict := release(t, c.release).Judge(split(c.line))
		if c.reason == 0 {
			assert.Nil(t, verdict, "%s %s", c.release, c.line)
			continue
		}
		if assert.NotNil(t, verdict, "%s %s", c.release, c.line) {
			assert.Equal(t, c.reason, verdict.Reason, "%s %s: %s", c.release, c.line, verdict.Text)
			assert.Contains(t, verdict.Text, c.text, "%s %s", c.release, c.line)
		}
	}
}

func TestJudgeSeveralValues(t *testing.T) {
	t.Parallel()
	newest := release(t, "0.33.0")
	for name, n := range map[string]int{"api-key": 2, "cudagraph-capture-sizes": 0, "max-num-seqs": -1} {
		values := []string{"1", "2"}
		verdict := newest.Judge(vllm.Use{Name: name, Values: values})
		if n >= 0 {
			assert.Nil(t, verdict, name)
			continue
		}
		require.NotNil(t, verdict, name)
		assert.Contains(t, verdict.Text, "takes one value, got 2")
	}
	verdict := newest.Judge(vllm.Use{Name: "cudagraph-capture-sizes", Values: []string{"1", "x"}})
	require.NotNil(t, verdict)
	assert.Contains(t, verdict.Text, `wants one or more times a whole number, got "x"`)
	early := release(t, "0.10.0").Judge(vllm.Use{Name: "api-key", Values: []string{"1", "2"}})
	require.NotNil(t, early, "several keys from 0.10.1.1 on")
}

func TestFromImage(t *testing.T) {
	t.Parallel()
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for image, want := range map[string]string{
		"vllm/vllm-openai:v0.33.0":                         "0.33.0",
		"vllm/vllm-openai:v0.33.0" + digest:                "0.33.0",
		"registry.example.com:5000/a/vllm-openai:v0.33.0":  "0.33.0",
		"vllm/vllm-openai:v0.33.0-x86_64-cu129-ubuntu2404": "0.33.0",
		"vllm/vllm-openai:v0.8.5.post1":                    "0.8.5.post1",
		"vllm/vllm-openai-rocm:v0.33.0":                    "0.33.0",
		"vllm/vllm-openai-cpu:v0.33.0-arm64":               "0.33.0",
		"vllm/vllm-openai:v0.33.0-custom.1":                "0.33.0 and more",
		"vllm/vllm-openai:v0.33.0-x86_64-ours":             "0.33.0 and more",
		"example.com/vllm-openai-lora:v0.33.0":             "0.33.0 and more",
		"public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:0.24.0.1.1.0-neuronx-py313-sdk2.32.0-ubuntu24.04": "0.24.0 and more",
		"vllm/vllm-openai" + digest:        "",
		"vllm/vllm-openai:nightly":         "",
		"vllm/vllm-openai":                 "",
		"vllm/vllm-openai:v0.6.0":          "",
		"registry.example.com/llm:v0.33.0": "",
		"registry.example.com:5000/llm":    "",
		"":                                 "",
	} {
		found, ok, err := vllm.FromImage(image)
		require.NoError(t, err)
		got := ""
		if ok {
			got = found.Asked
			if found.Extended() {
				got += " and more"
			}
		}
		assert.Equal(t, want, got, image)
	}
}

func TestExtendedIsUnsure(t *testing.T) {
	t.Parallel()
	extended, _, err := vllm.FromImage("vllm/vllm-openai:v0.33.0-custom.1")
	require.NoError(t, err)
	for _, line := range []string{"--frobnicate", "--swap-space=4", "--max-num-seqs=many", "--max-num-se=1", "--no-disable-cascade-attn"} {
		verdict := extended.Judge(split(line))
		require.NotNil(t, verdict, line)
		assert.Equal(t, vllm.Unsure, verdict.Reason, line)
		assert.Contains(t, verdict.Text, "; what this image adds to vLLM may know it")
	}
	assert.Nil(t, extended.Judge(split("--max-num-seqs=4")))
	assert.Equal(t, vllm.Unsure, extended.JudgeShort("-frobnicate").Reason)
}

func TestJudgeShort(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ release, word, want string }{
		{"0.33.0", "-tensor-parallel-size", "vLLM 0.33.0 has no -tensor-parallel-size; did you mean --tensor-parallel-size?"},
		{"0.33.0", "-max_num_seqs=4", "did you mean --max-num-seqs?"},
		{"0.33.0", "-frobnicate", "vLLM 0.33.0 has no -frobnicate"},
		{"0.33.0", "-tp", ""},
		{"0.33.0", "-tp=2", ""},
		{"0.33.0", "-q=fp8", ""},
		{"0.33.0", "-qfp8", ""},
		{"0.33.0", "-O3", ""},
		{"0.33.0", "-cc.mode=3", ""},
		{"0.33.0", "-1", ""},
		{"0.33.0", "-0.5", ""},
		{"0.33.0", "-a word", ""},
		{"0.33.0", "--tensor-parallel-size", ""},
		{"0.33.0", "-", ""},
		{"0.12.0", "-sc.method=mtp", "has no -sc"},
		{"0.18.2", "-sc.method=mtp", ""},
	} {
		verdict := release(t, c.release).JudgeShort(c.word)
		if c.want == "" {
			assert.Nil(t, verdict, "%s %s", c.release, c.word)
			continue
		}
		if assert.NotNil(t, verdict, "%s %s", c.release, c.word) {
			assert.Equal(t, vllm.Unknown, verdict.Reason)
			assert.Contains(t, verdict.Text, c.want)
		}
	}
	assert.Equal(t, vllm.Unsure, release(t, "0.34.0").JudgeShort("-xy").Reason)
}

// The word after a switch is the model, unless it is meant as the switch's value.
func TestJudgeNextWord(t *testing.T) {
	t.Parallel()
	newest := release(t, "0.33.0")
	assert.Nil(t, newest.Judge(vllm.Use{Name: "enable-prefix-caching", Values: []string{"/mnt/models"}, Next: true}))
	assert.NotNil(t, newest.Judge(vllm.Use{Name: "enable-prefix-caching", Values: []string{"True"}, Next: true}))
	assert.NotNil(t, newest.Judge(vllm.Use{Name: "enable-prefix-caching", Values: []string{"/mnt/models"}}))
}

func TestPluginsBringValues(t *testing.T) {
	t.Parallel()
	newest := release(t, "0.33.0")
	use := vllm.Use{Name: "tool-call-parser", Values: []string{"mine"}}
	assert.NotNil(t, newest.Judge(use))
	use.Plugins = true
	assert.Nil(t, newest.Judge(use))
	assert.NotNil(t, newest.Judge(vllm.Use{Name: "dtype", Values: []string{"mine"}, Plugins: true}), "what the parser checks no plugin adds")
}

func TestJudgeMetric(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ release, name, want string }{
		{"0.33.0", "num_requests_waiting", ""},
		{"", "num_requests_waiting", ""},
		{"0.33.0", "time_to_first_token_seconds_bucket", ""},
		{"0.33.0", "num_preemptions_total", ""},
		{"0.33.0", "iteration_tokens_total_bucket", ""},
		{"0.33.0", "num_requests_wating", "no release of vLLM exports vllm:num_requests_wating; did you mean vllm:num_requests_waiting?"},
		{"", "frobnications", "no release of vLLM exports vllm:frobnications"},
		{"0.10.2", "gpu_cache_usage_perc", ""},
		{"0.11.0", "gpu_cache_usage_perc", "vLLM 0.11.0 exports no vllm:gpu_cache_usage_perc: gone since 0.11.0; it is vllm:kv_cache_usage_perc there"},
		{"", "gpu_cache_usage_perc", "vLLM exports no vllm:gpu_cache_usage_perc from 0.11.0 on; it is vllm:kv_cache_usage_perc there"},
		{"0.9.0", "kv_cache_usage_perc", "it came with 0.9.2; it is vllm:gpu_cache_usage_perc there"},
		{"0.11.2", "time_per_output_token_seconds_sum", ""},
		{"0.12.0", "time_per_output_token_seconds_sum", "gone since 0.12.0"},
		{"0.8.5.post1", "cpu_prefix_cache_hit_rate", "without --show-hidden-metrics-for-version"},
		{"", "cpu_prefix_cache_hit_rate", "with --show-hidden-metrics-for-version only"},
		{"0.33.0", "spec_decode_num_drafts", ""},
		{"0.33.0", "kv_offload_load_time", ""},
		{"0.15.0", "prompt_tokens_cached", ""},
		{"0.31.0", "admission_rejections_total", "it came with 0.32.0"},
		{"0.34.0", "brand_new", ""},
	} {
		var found *vllm.Release
		if c.release != "" {
			found = release(t, c.release)
		}
		why, err := vllm.JudgeMetric(found, c.name)
		require.NoError(t, err)
		if c.want == "" {
			assert.Empty(t, why, "%s %s", c.release, c.name)
		} else {
			assert.Contains(t, why, c.want, "%s %s", c.release, c.name)
		}
	}
}

// The metric that replicas are scaled by unless the document names another is there in every release.
func TestDefaultMetric(t *testing.T) {
	t.Parallel()
	table, err := catalog.VLLMReleases()
	require.NoError(t, err)
	for _, tag := range table.Releases {
		why, err := vllm.JudgeMetric(release(t, tag), "num_requests_waiting")
		require.NoError(t, err)
		assert.Empty(t, why)
	}
}

// What the catalogue sets must start: for a model in the release that is pinned and in the oldest that it names, and for a layout
// in the release of its accelerator's runtime, which for Neuron is another.
func TestCatalogueArgs(t *testing.T) {
	t.Parallel()
	models, err := catalog.Models()
	require.NoError(t, err)
	for _, model := range models {
		assertStarts(t, model.Name, pinned("vllm-cuda"), model.Args)
		assertStarts(t, model.Name, model.MinVLLM, model.Args)
		for _, layout := range model.Layouts {
			accelerator, found, err := catalog.FindAccelerator(layout.Accelerator)
			require.NoError(t, err)
			require.True(t, found, layout.Accelerator)
			assertStarts(t, model.Name+" on "+layout.Accelerator, pinned(accelerator.Runtime), layout.Args)
		}
	}
}

// pinned is the tag of a runtime's image.
func pinned(runtime string) string {
	_, tag, _ := strings.Cut(runtimes.Image(runtime), ":")
	return tag
}

func assertStarts(t *testing.T, what, tag string, args map[string]string) {
	t.Helper()
	for name, value := range args {
		use := vllm.Use{Name: name, Values: []string{value}}
		if value == "true" {
			use.Values = nil
		}
		verdict := release(t, tag).Judge(use)
		assert.False(t, verdict != nil && verdict.Reason.Stops(), "%s in %s: %v", what, tag, verdict)
	}
}

// The runtimes' own flags are those of the release that they pin.
func TestRuntimeArgs(t *testing.T) {
	t.Parallel()
	for _, name := range runtimes.Names() {
		_, tag, _ := strings.Cut(runtimes.Image(name), ":")
		if !strings.HasPrefix(name, "vllm-") {
			continue
		}
		if pinned := release(t, tag); name != "vllm-neuron" {
			assert.Equal(t, pinned.Asked, pinned.Measured, "make generate-vllm reads the release that %s pins", name)
		}
		data, err := runtimes.Get(name)
		require.NoError(t, err)
		found := 0
		for line := range strings.Lines(string(data)) {
			if flag, is := strings.CutPrefix(strings.TrimSpace(line), "- --"); is {
				flag, _, _ = strings.Cut(flag, " #")
				assert.Nil(t, release(t, tag).Judge(split(flag)), "%s: --%s", name, flag)
				found++
			}
		}
		assert.Positive(t, found, name)
	}
}
