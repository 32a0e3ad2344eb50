package importer

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func wordsOf(texts ...string) []word {
	var words []word
	for _, text := range texts {
		words = append(words, word{text: text})
	}
	return words
}

func TestCommandLines(t *testing.T) {
	t.Parallel()
	type want struct {
		server, model string
		flags         map[string][]string
		opaque        bool
	}
	for name, c := range map[string]struct {
		words []string
		want  want
	}{
		"serve":             {[]string{"vllm", "serve", "a/b", "--port", "8000"}, want{"vllm", "a/b", map[string][]string{"port": {"8000"}}, false}},
		"module":            {[]string{"python3", "-m", "vllm.entrypoints.openai.api_server", "--model=a/b"}, want{"vllm", "", map[string][]string{"model": {"a/b"}}, false}},
		"entrypoint alone":  {[]string{"--model", "a/b", "--enable-x", "--no-y"}, want{"", "", map[string][]string{"model": {"a/b"}, "enable-x": nil, "no-y": nil}, false}},
		"shell":             {[]string{"/bin/sh", "-c", `exec vllm serve a/b --max_model 2048 --x '{"a": 1}'`}, want{"vllm", "a/b", map[string][]string{"max-model-len": {"2048"}, "x": {`{"a": 1}`}}, false}},
		"shell over lines":  {[]string{"bash", "-ec", "vllm serve a/b \\\n  -tp 2"}, want{"vllm", "a/b", map[string][]string{"tensor-parallel-size": {"2"}}, false}},
		"shell does more":   {[]string{"sh", "-c", "a && vllm serve b/c"}, want{opaque: true}},
		"shell has secrets": {[]string{"sh", "-c", "vllm serve $MODEL"}, want{opaque: true}},
		"lists":             {[]string{"vllm", "serve", "--lora-modules", "a=b", "c=d", "--n=-1", "--m", "-1"}, want{"vllm", "", map[string][]string{"lora-modules": {"a=b", "c=d"}, "n": {"-1"}, "m": {"-1"}}, false}},
		"dots":              {[]string{"vllm", "serve", "--hf_overrides.rope_a", "3"}, want{"vllm", "", map[string][]string{"hf-overrides.rope_a": {"3"}}, false}},
		"simulator":         {[]string{"/app/llm-d-inference-sim", "--model=x"}, want{"llm-d-inference-sim", "", map[string][]string{"model": {"x"}}, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line := readCommandLine(wordsOf(c.words...), nil)
			assert.Equal(t, c.want.opaque, line.opaque)
			assert.Equal(t, c.want.server, line.server)
			assert.Equal(t, c.want.model, line.model.text)
			flags := map[string][]string{}
			for _, f := range line.flags {
				flags[f.name] = f.values
			}
			if c.want.flags == nil {
				c.want.flags = map[string][]string{}
			}
			assert.Equal(t, c.want.flags, flags)
		})
	}
}

func TestTheLastFlagWins(t *testing.T) {
	t.Parallel()
	line := readCommandLine(wordsOf("vllm", "serve"), wordsOf("--seed=1", "--seed=2"))
	f, ok := line.find("seed")
	require.True(t, ok)
	assert.Equal(t, "2", f.value())
}

func TestCutNamesMeanOneFlag(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "max-model-len", uncut("max-mo"))
	assert.Equal(t, "max-model-len", uncut("max-model"))
	assert.Equal(t, "max-m", uncut("max-m"), "could be another")
	assert.Equal(t, "max-model-length", uncut("max-model-length"))
	assert.Equal(t, "ser", uncut("ser"), "could be another")
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[int]string{0: "", -5: "", 30: "30s", 90: "1m30s", 300: "5m", 3600: "1h", 5400: "1h30m", 86400: "24h"} {
		assert.Equal(t, want, duration(seconds))
	}
}

func TestTokensAsVLLMReadsThem(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{"8k": "8000", "8K": "8192", "1.5k": "2000", "4096": "4096", "-1": "auto", "auto": "auto"} {
		assert.Equal(t, want, tokens(value), value)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "(not shown)", shown("container/env[HF_TOKEN]", "hf_x"))
	assert.Equal(t, "(not shown)", shown("container/args[api-key]", "x"))
	assert.Equal(t, `"1"`, shown("container/env[OMP_NUM_THREADS]", "1"))
	assert.Equal(t, `"s3://(not shown)@bucket/x"`, shown("source", "s3://user:pass@bucket/x"))
	for _, text := range []string{
		"HF_TOKEN=s3cr3t vllm serve a/b", `--api-key s3cr3t`, `export AWS_SECRET_ACCESS_KEY="s3cr3t"`, "hf_s3cr3ts3cr3t", "password: s3cr3t",
	} {
		assert.NotContains(t, shown("container/args", []any{"-c", text}), "s3cr3t", text)
		assert.NotContains(t, shown("pod/containers[x]/args", text), "s3cr3t", text)
	}
	assert.NotContains(t, shown("pod/containers[x]/args", []any{"--api-key", "s3cr3t"}), "s3cr3t")
	assert.Equal(t, `"--max-tokens=5 --tokenizer-mode auto"`, shown("container/args", "--max-tokens=5 --tokenizer-mode auto"))
	assert.Equal(t, `"auto"`, shown("container/args[tokenizer-mode]", "auto"))
	assert.Len(t, []rune(shown("x", string(make([]byte, 500)))), mostShown)
}

func TestWeightsOfAnySumAreShares(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c"}
	for want, weights := range map[string]map[string]int{
		"50 50 0": {"a": 1, "b": 1}, "90 10 0": {"a": 90, "b": 10}, "34 33 33": {"a": 7, "b": 7, "c": 7}, "0 100 0": {"b": 3}, "0 0 0": {},
	} {
		percent(weights, names)
		assert.Equal(t, want, fmt.Sprint(weights["a"], weights["b"], weights["c"]))
	}
}
