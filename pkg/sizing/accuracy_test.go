package sizing_test

import (
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/sizing"
)

type point struct {
	N           string  `json:"n"`
	Model       string  `json:"model"`
	GPU         string  `json:"gpu"`
	Memory      float64 `json:"memory"`
	TP          int64   `json:"tp"`
	Utilization float64 `json:"utilization"`
	MaxModelLen int64   `json:"maxModelLen"`
	Version     string  `json:"version"`
	FileBytes   float64 `json:"fileBytes"`
	Weights     float64 `json:"weights"`
	KV          float64 `json:"kv"`
	Tokens      int64   `json:"tokens"`
	Activation  float64 `json:"activation"`
	NonTorch    float64 `json:"nonTorch"`
	Fits        bool    `json:"fits"`
	Source      string  `json:"source"`
	Flag        string  `json:"flag"`
}

const gib = 1 << 30

func TestProbe(t *testing.T) {
	data, err := os.ReadFile("testdata/points.yaml")
	require.NoError(t, err)
	var points []struct {
		point
		N any `json:"n"`
	}
	require.NoError(t, yaml.Unmarshal(data, &points))
	for _, p := range points {
		config, err := os.ReadFile("testdata/configs/" + p.Model + ".json")
		require.NoError(t, err)
		a, err := sizing.ParseConfig(config)
		require.NoError(t, err)
		v, err := sizing.ParseVersion(p.Version)
		require.NoError(t, err)
		for _, w := range []sizing.Weights{{FileBytes: p.FileBytes}, {LoadedBytes: p.Weights * gib * float64(p.TP)}} {
			r, err := sizing.Estimate(a, w, sizing.Settings{Version: v, GPU: sizing.GPU{Name: p.GPU, MemoryGiB: p.Memory, Vendor: "nvidia"}, TensorParallel: p.TP, Utilization: p.Utilization, MaxModelLen: p.MaxModelLen})
			require.NoError(t, err)
			kv := r.KVCache.Value / gib
			fmt.Printf("%4v %-26s w %6.3f/%6.3f act %5.2f/%5.2f nt %4.2f/%4.2f g %.2f kv %6.2f/%6.2f %+6.2f%% (%+.2f) [%.2f %.2f] tok %d/%d %v/%v\n", p.N, p.Model, r.Weights.Value/gib, p.Weights, r.Activation.Value/gib, p.Activation, r.NonTorch.Value/gib, p.NonTorch, r.Graphs.Value/gib, kv, p.KV, 100*(kv-p.KV)/math.Abs(p.KV), kv-p.KV, r.KVCache.Low/gib, r.KVCache.High/gib, r.KVTokens, p.Tokens, r.Fits, p.Fits)
		}
	}
}
