package sizing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/sizing"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"0": 0, "8192": 8192, "8k": 8000, "8K": 8192, "1.5k": 1500, "2M": 2 << 20} {
		n, err := sizing.ParseCount(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, n)
	}
	for _, bad := range []string{"", "k", "-1", "1.5", "8kk", "1e30", "NaN", "Inf"} {
		_, err := sizing.ParseCount(bad)
		require.Error(t, err, bad)
	}
	for _, auto := range []string{"auto", "-1"} {
		n, err := sizing.ParseLength(auto)
		require.NoError(t, err)
		assert.Equal(t, int64(sizing.AutoModelLen), n)
	}
	_, err := sizing.ParseLength("0")
	require.Error(t, err)
}

func TestFlags(t *testing.T) {
	t.Parallel()
	var s sizing.Settings
	for flag, value := range map[string]string{
		"--tensor_parallel_size": "4", "max-model-len": "8K", "gpu-memory-utilization": "0.85", "kv-cache-dtype": "fp8", "enforce-eager": "true",
		"enable-expert-parallel": "true", "speculative-config": `{"method": "mtp", "num_speculative_tokens": 2}`, "enable-lora": "true", "max-lora-rank": "32", "reasoning-parser": "deepseek_r1",
	} {
		require.NoError(t, s.ApplyFlag(flag, value))
	}
	assert.Equal(t, sizing.Settings{
		TensorParallel: 4, MaxModelLen: 8192, Utilization: 0.85, KVCacheDType: "fp8", EnforceEager: true, ExpertParallel: true, DraftLayers: 1, LoRAs: 1, LoRARank: 32,
	}, s)
	require.NoError(t, s.ApplyFlag("enforce-eager", "false"))
	assert.False(t, s.EnforceEager)
	require.ErrorContains(t, s.ApplyFlag("max-num-seqs", "many"), "--max-num-seqs many")
	require.ErrorContains(t, s.ApplyFlag("speculative-config", "mtp"), "want JSON")
}

func TestBearsOnMemory(t *testing.T) {
	t.Parallel()
	for flag, want := range map[[2]string]bool{
		{"max-num-seqs", "64"}:                true,
		{"enable-expert-parallel", "true"}:    true,
		{"enable-expert-parallel", "false"}:   true,
		{"enforce-eager", "false"}:            true,
		{"cpu-offload-gb", "4"}:               true,
		{"max-num-seqs", "many"}:              true,
		{"tool-call-parser", "hermes"}:        false,
		{"enable-auto-tool-choice", "true"}:   false,
		{"trust-remote-code", "true"}:         false,
		{"enable-prefix-caching", "false"}:    false,
		{"speculative-config", `{"model":1}`}: true,
	} {
		assert.Equal(t, want, sizing.BearsOnMemory(flag[0], flag[1]), "%v", flag)
	}
}
