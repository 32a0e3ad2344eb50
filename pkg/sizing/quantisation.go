package sizing

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// readQuantisation looks where vLLM looks: at the root, then in text_config.
func readQuantisation(root, text fields, a *Architecture) {
	q, found := quantisationConfig(root, text)
	if !found || len(q.values) == 0 {
		return
	}
	method := strings.ToLower(q.text("quant_method"))
	if method == "" {
		method = strings.ToLower(q.text("quant_algo"))
	}
	a.Quantisation = weightFormat(q)
	a.Quantisation.Method = method
	if block := q.integers("weight_block_size", maxWidth); len(block) > 0 {
		a.Quantisation.Block = slices.Max(block)
	}
	if a.Quantisation.Cache = cacheScheme(q); a.Quantisation.Cache != "" {
		a.assume(fmt.Sprintf("the checkpoint asks for a KV cache of %s, and vLLM does so from 0.14 (ModelOpt) or 0.16 (compressed-tensors) on unless --kv-cache-dtype says otherwise", a.Quantisation.Cache))
	}
	kept := slices.Concat(q.texts("modules_to_not_convert"), q.texts("ignore"), q.texts("exclude_modules"), q.texts("exclude"))
	a.Quantisation.ExpertsOnly = method == "mxfp4"
	a.Quantisation.KeepsAttention = slices.ContainsFunc(kept, func(module string) bool { return strings.Contains(module, "self_attn") })
	if text.text("expert_dtype") == "fp4" || q.text("expert_dtype") == "fp4" {
		a.Quantisation.ExpertBits = 4.25
	}
	if a.Quantisation.Bits == 0 {
		a.Quantisation.Bits = 8
		a.assume(fmt.Sprintf("quantisation %q does not say its bits: 8", method))
	}
}

func quantisationConfig(root, text fields) (fields, bool) {
	for _, f := range []fields{root, text} {
		for _, name := range []string{"quantization_config", "compression_config"} {
			if q, ok := f.object(name); ok {
				return q, true
			}
			if f.has(name) {
				f.fail(name, "is %s; want an object with quant_method", kindOf(f.values[name]))
			}
		}
	}
	return fields{}, false
}

// weightFormat finds the bits of a weight and of its scales, wherever the method keeps them: as a number of bits
// (AWQ, GPTQ, AutoRound, HQQ, compressed-tensors), or in the name of a format (fp8, MXFP4, NVFP4, ModelOpt, Quark, TorchAO).
// Of groups with different bits it takes the most.
func weightFormat(q fields) Quantisation {
	best := formatOf(q)
	for _, name := range []string{"config_groups", "quant_config", "global_quant_config", "quantization"} {
		nested, ok := q.object(name)
		if !ok {
			continue
		}
		for _, inner := range nested.within(3) {
			if found := formatOf(inner); found.Bits > best.Bits {
				best = found
			}
		}
	}
	return best
}

// formatOf reads one object, and not those in it.
func formatOf(q fields) Quantisation {
	name := formatName(q)
	var bits float64
	for _, field := range []string{"bits", "w_bit", "weight_bits", "num_bits", "nbits"} {
		if n := q.number(field); n >= 1 && n <= 16 {
			bits = n
			break
		}
	}
	// -1 is one group for the whole row.
	group := max(q.number("group_size"), q.number("q_group_size"), 0)
	contains := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(name, part) })
	}
	switch {
	case contains("mxfp4"):
		return Quantisation{Bits: 4, Scale: 8.0 / 32}
	case contains("nvfp4", "fp4"):
		return Quantisation{Bits: 4, Scale: 8.0 / 16}
	case bits > 0 && bits < 16 && group > 0:
		return Quantisation{Bits: bits, Scale: (16 + bits) / max(group, 8), Group: int64(min(group, maxWidth))}
	case bits > 0 && bits <= 4:
		return Quantisation{Bits: bits, Scale: (16 + bits) / 128}
	case bits > 0:
		return Quantisation{Bits: bits}
	case q.truth("load_in_4bit", false), contains("4bit", "int4"):
		return Quantisation{Bits: 4, Scale: 20.0 / 128}
	case q.truth("load_in_8bit", false), contains("fp8", "float8", "int8", "8bit"):
		return Quantisation{Bits: 8}
	}
	return Quantisation{}
}

// formatName joins what names a format. Scales of activations and of the cache are in fields of their own.
func formatName(q fields) string {
	var names []string
	for _, field := range []string{"quant_method", "quant_algo", "format", "quant_type", "_type", "dtype"} {
		names = append(names, q.text(field))
	}
	return strings.ToLower(strings.Join(names, " "))
}

// cacheScheme reads what the KV cache is quantised to (vLLM: utils/torch_utils.py, get_kv_cache_quant_algo_string).
func cacheScheme(q fields) string {
	inner, ok := q.object("quantization")
	if !ok {
		inner = q
	}
	for _, f := range []fields{inner, q} {
		scheme, ok := f.object("kv_cache_scheme")
		switch bits := scheme.number("num_bits"); {
		case ok && bits == 8:
			return "fp8"
		case ok && bits == 4:
			return "nvfp4"
		}
		switch strings.ToLower(f.text("kv_cache_quant_algo")) {
		case "fp8":
			return "fp8"
		case "nvfp4":
			return "nvfp4"
		}
	}
	return ""
}

// cacheOf is --kv-cache-dtype auto for that version.
func (s Settings) cacheOf(a *Architecture) string {
	q := a.Quantisation
	switch {
	case s.KVCacheDType != "" && s.KVCacheDType != "auto", q.Cache == "":
	case strings.HasPrefix(q.Method, "modelopt") && s.Version.atLeast(14, 0):
		return q.Cache
	case q.Method == "compressed-tensors" && q.Cache == "fp8" && s.Version.atLeast(16, 0):
		return q.Cache
	}
	return s.KVCacheDType
}

// within lists the objects inside of one, itself first, in the order of their names; what is about activations or the
// cache is left out.
func (f fields) within(depth int) []fields {
	out := []fields{f}
	if depth == 0 {
		return out
	}
	for _, name := range slices.Sorted(maps.Keys(f.values)) {
		if strings.Contains(name, "activation") || strings.Contains(name, "input") || strings.Contains(name, "output") || strings.Contains(name, "cache") {
			continue
		}
		if nested, ok := f.object(name); ok {
			out = append(out, nested.within(depth-1)...)
		}
	}
	return out
}
