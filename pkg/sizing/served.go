package sizing

import (
	"fmt"
	"strings"
)

// served is the model as the engine keeps it: with --quantization a checkpoint of 16 bit is quantised while it is
// loaded (vllm: model_executor/layers/quantization), and --dtype float32 keeps 32. What the checkpoint says of its own
// quantisation stays; the flag names a kernel for it then.
func (s Settings) served(a *Architecture) (*Architecture, error) {
	out := *a
	switch s.DType {
	case "", "auto", "half", "float16", "bfloat16":
	case "float", "float32":
		out.ElementBytes = 4
	default:
		return nil, fmt.Errorf("dtype %q is unknown; auto, half, float16, bfloat16, float, float32", s.DType)
	}
	method := strings.ToLower(s.Quantization)
	if method == "" || method == "none" || a.Quantisation.Bits > 0 {
		return &out, nil
	}
	out.Quantisation = formatOf(fields{values: map[string]any{"quant_method": method}, problems: new([]error)})
	switch {
	case method == "bitsandbytes":
		// One float32 for 64 elements.
		out.Quantisation = Quantisation{Bits: 4, Scale: 32.0 / 64}
	case out.Quantisation.Bits == 0:
		return nil, fmt.Errorf("quantization %q is not known to quantise while loading; fp8, experts_int8, bitsandbytes, mxfp8 and others do, and a checkpoint that is quantised says so in its config.json", s.Quantization)
	}
	out.Quantisation.Method = method
	out.Quantisation.ExpertsOnly = method == "experts_int8" || method == "mxfp4"
	return &out, nil
}

// fileScale is how much larger the files are than 16 bit an element: checkpoints of float32 are served in 16 bit
// unless --dtype says otherwise. Some config.json say float32 beside files of 16 bit, so the bytes decide.
func (a *Architecture) fileScale(files, computed float64) float64 {
	if a.StoredBytes == 4 && a.Quantisation.Bits == 0 && files > 1.5*computed {
		return 2
	}
	return 1
}
