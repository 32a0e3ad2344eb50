package sizing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/sizing"
)

// TestCertainty: what is sure holds by the likeliest figures too, what is impossible by none; the lengths are in order.
func TestCertainty(t *testing.T) {
	t.Parallel()
	architectures, err := catalog.Architectures()
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		a := architectures[rapid.IntRange(0, len(architectures)-1).Draw(t, "model")]
		sizes, weights, err := a.Sizes()
		require.NoError(t, err)
		s := sizing.Settings{
			GPU:            sizing.GPU{Name: rapid.SampledFrom([]string{"l4", "a100-80gb", "h100", "b200"}).Draw(t, "gpu"), MemoryGiB: rapid.Float64Range(8, 300).Draw(t, "memory")},
			Version:        sizing.Version{Minor: rapid.IntRange(8, 33).Draw(t, "version")},
			TensorParallel: rapid.SampledFrom([]int64{1, 2, 4, 8}).Draw(t, "tensor"),
			Utilization:    rapid.SampledFrom([]float64{0, 0.5, 0.9, 0.98, 1}).Draw(t, "utilization"),
			KVCacheBytes:   rapid.SampledFrom([]int64{0, 0, 1 << 30, 1 << 36}).Draw(t, "cache"),
			MaxModelLen:    rapid.SampledFrom([]int64{sizing.AutoModelLen, 1, 8192, 1 << 17, 1 << 21}).Draw(t, "length"),
		}
		r, err := sizing.Estimate(sizes, weights, s)
		if err != nil {
			return
		}
		assert.False(t, r.Sure && r.Impossible)
		assert.False(t, r.Sure && !r.Fits)
		assert.False(t, r.Impossible && r.Fits && s.KVCacheBytes == 0)
		assert.LessOrEqual(t, r.SureModelLen, r.MaxModelLen)
		assert.LessOrEqual(t, r.MaxModelLen, r.BestModelLen)
		if s.Utilization = r.SureUtilization(); s.Utilization > 0 && s.KVCacheBytes == 0 {
			again, err := sizing.Estimate(sizes, weights, s)
			require.NoError(t, err)
			for _, reason := range again.Reasons {
				assert.NotContains(t, reason, "are free when a worker starts")
			}
		}
		s.Utilization = r.Settings.Utilization
		// A shorter context is as sure; a longer one than was asked for may have more profiled.
		if s.MaxModelLen = r.SureModelLen; s.MaxModelLen > 0 && (r.Settings.MaxModelLen == sizing.AutoModelLen || s.MaxModelLen <= r.Settings.MaxModelLen) {
			again, err := sizing.Estimate(sizes, weights, s)
			require.NoError(t, err)
			assert.GreaterOrEqual(t, again.SureModelLen, s.MaxModelLen)
			free := s.Utilization <= min(0.9, r.SureUtilization()) // of a small device the rest takes more than a tenth
			if free && s.KVCacheBytes == 0 && r.GraphsInBudget {
				assert.Truef(t, again.Sure, "%v", again.Reasons)
			}
		}
	})
}

func TestFewest(t *testing.T) {
	t.Parallel()
	h100 := sizing.GPU{Name: "h100", MemoryGiB: 79.18}
	powers := []sizing.Split{{1, 1, 1}, {2, 1, 1}, {4, 1, 1}, {8, 1, 1}}
	for _, test := range []struct {
		model  string
		set    sizing.Settings
		splits []sizing.Split
		want   int64
	}{
		{"llama-3.1-8b", sizing.Settings{}, powers, 1},
		{"llama-3.3-70b", sizing.Settings{}, powers, 2},
		{"minimax-m2", sizing.Settings{}, powers, 4},
		{"minimax-m2", sizing.Settings{}, powers[3:], 0},                         // 1,536 / 8 is no multiple of 128
		{"minimax-m2", sizing.Settings{ExpertParallel: true}, powers[3:], 8},     // experts are whole
		{"phi-4", sizing.Settings{}, []sizing.Split{{4, 1, 1}}, 0},               // 10 KV heads
		{"kimi-k2", sizing.Settings{}, powers, 0},                                // 958 GiB
		{"kimi-k2", sizing.Settings{}, []sizing.Split{{8, 1, 1}, {8, 2, 1}}, 16}, // over two nodes
		{"llama-3.1-8b", sizing.Settings{MaxModelLen: 131072, Utilization: 0.3}, powers, 2},
	} {
		a, ok, err := catalog.FindArchitecture(test.model)
		require.NoError(t, err)
		require.True(t, ok, test.model)
		sizes, weights, err := a.Sizes()
		require.NoError(t, err)
		s := test.set
		s.GPU, s.Version = h100, sizing.Version{Minor: 33}
		if s.MaxModelLen == 0 {
			s.MaxModelLen = sizing.AutoModelLen
		}
		split, r, found := sizing.Fewest(sizes, weights, s, test.splits)
		require.Equal(t, test.want > 0, found, "%s %+v", test.model, test.set)
		if !found {
			continue
		}
		assert.Equal(t, test.want, split.Ranks(), "%s %+v", test.model, test.set)
		assert.True(t, r.Sure)
		longest := sizing.Longest(sizes, weights, r.Settings)
		require.NotNil(t, longest)
		length := longest.Settings.MaxModelLen
		assert.True(t, length == sizes.MaxPositions || length%1024 == 0, "%d", length)
		assert.True(t, longest.Sure)
		if longer := r.Settings; length < sizes.MaxPositions {
			longer.MaxModelLen = length + 1024
			again, err := sizing.Estimate(sizes, weights, longer)
			require.NoError(t, err)
			assert.False(t, again.Sure, "%s", test.model)
		}
	}
}
