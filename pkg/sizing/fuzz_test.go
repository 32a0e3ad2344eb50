package sizing_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/sizing"
)

// FuzzConfig: whatever stands in a config.json, there is an error or a plan whose figures are numbers and not silent
// zeros.
func FuzzConfig(f *testing.F) {
	files, err := filepath.Glob("testdata/configs/*.json")
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data, int64(2), uint8(33), "fp8")
	}
	for _, text := range []string{
		`{}`, `null`, `[]`, `{"num_hidden_layers": 1e300}`, `{"num_hidden_layers": "32"}`, `{"text_config": {"num_hidden_layers": -1}}`,
		`{"num_hidden_layers": 2, "hidden_size": 8, "num_attention_heads": 2, "vocab_size": 9, "kv_lora_rank": 4, "index_head_dim": 2, "model_type": "deepseek_v32"}`,
		`{"num_hidden_layers": 4, "hidden_size": 8, "num_attention_heads": 2, "vocab_size": 9, "full_attention_interval": 2, "linear_num_value_heads": 2, "linear_value_head_dim": 4, "linear_num_key_heads": 1, "linear_key_head_dim": 4}`,
		`{"num_hidden_layers": 4, "hidden_size": 8, "num_attention_heads": 2, "vocab_size": 9, "compress_ratios": [0, 4, 128], "sliding_window": 3}`,
		`{"num_hidden_layers": 4, "hidden_size": 8, "num_attention_heads": 2, "vocab_size": 9, "hybrid_override_pattern": "M*-", "mamba_num_heads": 2}`,
	} {
		f.Add([]byte(text), int64(1), uint8(11), "")
	}
	f.Fuzz(func(t *testing.T, data []byte, parallel int64, minor uint8, dtype string) {
		a, err := sizing.ParseConfig(data)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		r, err := sizing.Estimate(a, sizing.Weights{}, sizing.Settings{
			Version: sizing.Version{Minor: int(minor)}, GPU: sizing.GPU{Name: "h100", MemoryGiB: 79.18},
			TensorParallel: parallel, PipelineParallel: 1 + parallel%2, KVCacheDType: dtype, MaxModelLen: sizing.AutoModelLen,
		})
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		for _, amount := range []sizing.Amount{r.Weights, r.Activation, r.NonTorch, r.KVBytesPerToken} {
			require.Positive(t, amount.Value, amount.Formula)
			require.False(t, math.IsInf(amount.Value, 0) || math.IsNaN(amount.Value), amount.Formula)
			require.LessOrEqual(t, amount.Low, amount.Value)
			require.GreaterOrEqual(t, amount.High, amount.Value)
		}
		require.GreaterOrEqual(t, r.KVTokens, int64(0))
		require.GreaterOrEqual(t, r.MaxModelLen, int64(0))
		require.LessOrEqual(t, r.MaxModelLen, a.MaxPositions)
		require.True(t, r.Fits || len(r.Reasons) > 0)
	})
}
