package sizing_test

import (
	"testing"

	"github.com/kservegen/kservegen/pkg/sizing"
)

// BenchmarkEstimate is one layout; all instance types and models of the catalogue together are some 10,000.
func BenchmarkEstimate(b *testing.B) {
	a, err := sizing.ParseConfig([]byte(`{"model_type": "deepseek_v3", ` + deepseek + `}`))
	if err != nil {
		b.Fatal(err)
	}
	s := sizing.Settings{Version: sizing.Version{Minor: 33}, GPU: h200(), TensorParallel: 8}
	for b.Loop() {
		if _, err := sizing.Estimate(a, sizing.Weights{FileBytes: 688574839360}, s); err != nil {
			b.Fatal(err)
		}
	}
}
