package sizing

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ApplyFlag sets what a flag of the engine sets; flags without a bearing on memory are passed over. Names are those
// of vLLM with dashes or underscores, values as on its command line.
func (s *Settings) ApplyFlag(name, value string) error {
	name = strings.ReplaceAll(strings.TrimLeft(name, "-"), "_", "-")
	if err := s.applyFlag(name, value); err != nil {
		return fmt.Errorf("--%s %s: %w", name, value, err)
	}
	return nil
}

// BearsOnMemory says whether a flag may change what a server takes, as far as that is known.
func BearsOnMemory(name, value string) bool {
	if UnknownFlag(name, value) != "" {
		return true
	}
	// A switch changes one of the two.
	for _, before := range []Settings{{}, {ExpertParallel: true, PlainCache: true, EnforceEager: true}} {
		after := before
		if err := after.ApplyFlag(name, value); err != nil || after != before {
			return true
		}
	}
	return false
}

func (s *Settings) applyFlag(name, value string) (err error) {
	whole := map[string]*int64{
		"tensor-parallel-size": &s.TensorParallel, "pipeline-parallel-size": &s.PipelineParallel, "data-parallel-size": &s.DataParallel,
		"decode-context-parallel-size": &s.ContextParallel, "max-num-seqs": &s.MaxSequences, "max-num-batched-tokens": &s.MaxBatchedTokens,
		"block-size": &s.BlockSize, "kv-cache-memory-bytes": &s.KVCacheBytes, "max-loras": &s.LoRAs, "max-lora-rank": &s.LoRARank,
	}
	switch target, ok := whole[name]; {
	case ok:
		*target, err = ParseCount(value)
	case name == "max-model-len":
		s.MaxModelLen, err = ParseLength(value)
	case name == "gpu-memory-utilization" || name == "device-memory-utilization":
		s.Utilization, err = strconv.ParseFloat(value, 64)
	case name == "kv-cache-dtype":
		s.KVCacheDType = value
	case name == "quantization":
		s.Quantization = value
	case name == "dtype":
		s.DType = value
	case name == "disable-hybrid-kv-cache-manager":
		s.PlainCache = value != "false"
	case name == "enforce-eager":
		s.EnforceEager = value != "false"
	case name == "enable-expert-parallel":
		s.ExpertParallel = value != "false"
	case name == "speculative-config":
		s.DraftLayers, err = draftLayers(value)
	case name == "enable-lora" && value != "false":
		s.LoRAs = max(s.LoRAs, 1)
	}
	return err
}

// ParseCount reads a number as vLLM's parser does: 8k is 8000, 8K is 8192.
func ParseCount(text string) (int64, error) {
	units := map[byte]int64{'k': 1000, 'm': 1000_000, 'g': 1000_000_000, 'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}
	if text == "" {
		return 0, fmt.Errorf("want a number")
	}
	factor := int64(1)
	if unit, ok := units[text[len(text)-1]]; ok {
		factor, text = unit, text[:len(text)-1]
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 || n*float64(factor) > 1<<53 || n*float64(factor) != float64(int64(n*float64(factor))) {
		return 0, fmt.Errorf("want a whole number, or one such as 8k or 8K")
	}
	return int64(n * float64(factor)), nil
}

// ParseLength reads a context length, or auto and -1 for what fits.
func ParseLength(text string) (int64, error) {
	if text == "auto" || text == "-1" {
		return AutoModelLen, nil
	}
	n, err := ParseCount(text)
	if err == nil && n == 0 {
		err = fmt.Errorf("want at least 1, or auto")
	}
	return n, err
}

// draftLayers is how many layers a speculative method adds: a module of EAGLE or MTP has one.
func draftLayers(value string) (int64, error) {
	var config struct {
		Method string  `json:"method"`
		Model  string  `json:"model"`
		Tokens float64 `json:"num_speculative_tokens"`
	}
	if err := json.Unmarshal([]byte(value), &config); err != nil {
		return 0, fmt.Errorf("want JSON: %w", err)
	}
	if slices.ContainsFunc([]string{"eagle", "mtp", "medusa"}, func(m string) bool { return strings.Contains(strings.ToLower(config.Method), m) }) {
		return 1, nil
	}
	return 0, nil
}
