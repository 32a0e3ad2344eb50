package sizing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/sizing"
)

// TestUnknownFlagsExist: each is a flag that some release has.
func TestUnknownFlagsExist(t *testing.T) {
	t.Parallel()
	table, err := catalog.VLLMReleases()
	require.NoError(t, err)
	known := map[string]bool{}
	for _, flag := range table.Flags {
		known[flag.Name] = true
	}
	seen := map[string]bool{}
	for _, name := range sizing.UnknownFlags() {
		assert.True(t, known[name], "no release has --%s", name)
		assert.False(t, seen[name], "--%s is there twice", name)
		seen[name] = true
	}
	newest, err := sizing.ParseVersion(table.Releases[len(table.Releases)-1])
	require.NoError(t, err)
	assert.False(t, newest.Unread(), "%s was read", newest)
	assert.False(t, sizing.Version{Minor: newest.Minor, Patch: newest.Patch + 1}.Unread(), "a patch changes no figures")
	assert.True(t, sizing.Version{Minor: newest.Minor + 1}.Unread())
}

func TestUnknownFlag(t *testing.T) {
	t.Parallel()
	for flag, want := range map[[2]string]string{
		{"cpu-offload-gb", "4"}:                            "host's memory",
		{"cpu_offload_gb", "4"}:                            "host's memory",
		{"quantization", "fp8"}:                            "until they are quantised",
		{"hf-overrides.rope_scaling", "{}"}:                "another config.json",
		{"load-format", "bitsandbytes"}:                    "another form",
		{"load-format", "runai_streamer"}:                  "",
		{"dtype", "float32"}:                               "",
		{"dtype", "bfloat16"}:                              "",
		{"enable-chunked-prefill", "false"}:                "whole prompts",
		{"no-enable-chunked-prefill", "true"}:              "whole prompts",
		{"enable-chunked-prefill", "true"}:                 "",
		{"speculative-config", `{"method": "mtp"}`}:        "",
		{"speculative-config", `{"model": "a/b"}`}:         "draft model",
		{"speculative-config.model", "a/b"}:                "draft model",
		{"speculative-config.num_speculative_tokens", "3"}: "",
		{"enable-eplb", "false"}:                           "",
		{"max-num-seqs", "64"}:                             "",
		{"tool-call-parser", "hermes"}:                     "",
	} {
		if got := sizing.UnknownFlag(flag[0], flag[1]); want == "" {
			assert.Empty(t, got, "%v", flag)
		} else {
			assert.Contains(t, got, want, "%v", flag)
		}
	}
	assert.NotEmpty(t, sizing.UnknownVariable("VLLM_MLA_DISABLE"))
	assert.Empty(t, sizing.UnknownVariable("HF_HOME"))
}
