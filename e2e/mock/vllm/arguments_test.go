package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	env := func(name string) string {
		return map[string]string{"SIM_INTER_TOKEN_LATENCY": "1ms"}[name]
	}
	always := []string{"--force-dummy-tokenizer", "--mode=random", "--time-to-first-token=100ms", "--inter-token-latency=1ms", "--max-num-seqs=256"}
	for name, c := range map[string]struct{ args, passed, ignored []string }{
		"nothing":           {},
		"shared":            {args: []string{"--port=8080", "--served-model-name", "a"}, passed: []string{"--port=8080", "--served-model-name=a"}},
		"positional model":  {args: []string{"/mnt/models", "--port=1"}, passed: []string{"--model=/mnt/models", "--port=1"}},
		"of vLLM only":      {args: []string{"--tensor-parallel-size=8", "--reasoning-parser", "deepseek_r1"}, ignored: []string{"--tensor-parallel-size=8", "--reasoning-parser=deepseek_r1"}},
		"without a value":   {args: []string{"--enforce-eager", "--port", "80"}, passed: []string{"--port=80"}, ignored: []string{"--enforce-eager"}},
		"short":             {args: []string{"-tp", "2", "-O3", "--port=80"}, passed: []string{"--port=80"}, ignored: []string{"-tp=2", "-O3"}},
		"a negative value":  {args: []string{"--seed", "-1"}, passed: []string{"--seed=-1"}},
		"a value with an =": {args: []string{"--override-generation-config={\"a\":\"b=c\"}"}, ignored: []string{"--override-generation-config={\"a\":\"b=c\"}"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			passed, ignored := translate(c.args, env)
			assert.Equal(t, append(always[:len(always):len(always)], c.passed...), passed)
			assert.Equal(t, c.ignored, ignored)
		})
	}
}

// TestFaults: the environment makes a server that answers, and fails or is slow.
func TestFaults(t *testing.T) {
	t.Parallel()
	env := map[string]string{"SIM_FAILURE_INJECTION_RATE": "100", "SIM_FAILURE_TYPES": "server_error", "SIM_TIME_TO_FIRST_TOKEN": "3s"}
	passed, _ := translate(nil, func(name string) string { return env[name] })
	assert.Subset(t, passed, []string{"--failure-injection-rate=100", "--failure-types=server_error", "--time-to-first-token=3s"})
	assert.NotContains(t, passed, "--time-to-first-token=100ms")
}
