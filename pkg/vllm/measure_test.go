package vllm_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/vllm"
)

// TestEveryReleaseHasEveryMeasure, under a name that it exports without a flag.
func TestEveryReleaseHasEveryMeasure(t *testing.T) {
	t.Parallel()
	table, err := catalog.VLLMReleases()
	require.NoError(t, err)
	newest, err := vllm.NamesIn(nil)
	require.NoError(t, err)
	for _, tag := range table.Releases {
		names, err := vllm.NamesIn(release(t, tag))
		require.NoError(t, err)
		require.Len(t, names, len(newest))
		for measure, list := range names {
			require.Len(t, list, 1, "%s in %s", measure, tag)
			why, err := vllm.JudgeMetric(release(t, tag), strings.TrimPrefix(list[0], "vllm:"))
			require.NoError(t, err)
			assert.Empty(t, why, "%s in %s", measure, tag)
		}
	}
}

func TestNamesFollowTheRelease(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string][]string{
		"v0.8.5":  {"vllm:gpu_cache_usage_perc"},
		"v0.9.1":  {"vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"}, // between 0.9.0 and 0.9.2, which were read
		"v0.10.0": {"vllm:kv_cache_usage_perc"},
		"v0.33.0": {"vllm:kv_cache_usage_perc"},
		"v9.0.0":  {"vllm:kv_cache_usage_perc"},
	} {
		names, err := vllm.NamesIn(release(t, tag))
		require.NoError(t, err)
		assert.Equal(t, want, names[vllm.CacheUsage], tag)
	}
	old, err := vllm.NamesIn(release(t, "v0.10.1.1"))
	require.NoError(t, err)
	assert.Equal(t, []string{"vllm:time_per_output_token_seconds"}, old[vllm.BetweenTokens])
	newer, err := vllm.NamesIn(nil)
	require.NoError(t, err)
	old.Add(newer)
	assert.Equal(t, []string{"vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"}, old[vllm.BetweenTokens], "the newest first, whoever came first")
	assert.Equal(t, []string{"vllm:num_requests_waiting"}, old[vllm.Waiting])
}

func TestEdgesAscend(t *testing.T) {
	t.Parallel()
	for _, measure := range []vllm.Measure{vllm.FirstToken, vllm.BetweenTokens} {
		edges := vllm.Edges(measure)
		assert.NotEmpty(t, edges)
		assert.True(t, slices.IsSorted(edges))
	}
	assert.Nil(t, vllm.Edges(vllm.Waiting))
}
