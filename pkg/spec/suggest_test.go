package spec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/spec"
)

func TestSuggestions(t *testing.T) {
	t.Parallel()
	for lines, want := range map[string]string{
		"replica: {min: 1}":                            "; did you mean replicas?",
		"REPLICAS: {min: 1}":                           "; did you mean replicas?",
		"environmets: []":                              "; did you mean environments?",
		"zzz: 1":                                       "; known: accelerator, chat, environments, expose,",
		strings.Repeat("replicas", 9) + ": 1":          "; known: accelerator, chat, environments,",
		"omit: [podmonitors]":                          "; did you mean podmonitor?",
		"runtime: {name: vllm_cpu}\n  # ":              "; did you mean vllm-cpu?",
		"accelerator: {type: A10G}":                    "; did you mean a10g?",
		"accelerator: {type: mi300}":                   "; did you mean mi300x?",
		"security: {mtls: striktly}":                   "; did you mean strict?",
		"traffic: [{revision: v2, weight: 100}]":       "; did you mean v1?",
		"traffic: [{revision: stable, weight: 100}]":   "; known: v1",
		"runtime: {name: tensorrt-llm-server-preview}": "; known: simulator, vllm-cpu, vllm-cuda, vllm-neuron, vllm-rocm",
	} {
		_, err := spec.Load("document.yaml", strings.NewReader(document(lines)))
		if assert.Error(t, err, lines) {
			assert.Contains(t, err.Error(), want, lines)
		}
	}
}
