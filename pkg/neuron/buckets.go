// Package neuron knows what vLLM's Neuron plugin refuses when it starts.
package neuron

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Options is the flag that has the plugin's options, as JSON.
const Options = "additional-config"

// Problem is one that the plugin has with its buckets.
type Problem struct {
	// Flag of vLLM that says otherwise; Options where two lists of it do.
	Flag, Message string
}

// Buckets checks the lists of buckets in the value of Options, and against the limits that vLLM is given: limit returns the
// number of a flag, false where it has none. A graph is compiled for each bucket, and the largest must hold the largest batch
// (vllm-neuron/docs/guides/reference-configuration.md in aws-neuron-sdk). What is no JSON is an error.
func Buckets(value string, limit func(flag string) (int, bool)) ([]Problem, error) {
	var options struct {
		Neuron map[string]json.RawMessage `json:"neuron_config"`
	}
	if value == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(value), &options); err != nil {
		return nil, err
	}
	var problems []Problem
	for _, name := range []string{"num_seqs", "num_batched_tokens"} {
		buckets, flag := numbers(options.Neuron[name+"_buckets"]), "max-"+strings.ReplaceAll(name, "_", "-")
		most, ok := limit(flag)
		if ok && len(buckets) > 0 && buckets[len(buckets)-1] != most {
			problems = append(problems, Problem{flag, fmt.Sprintf("vLLM's Neuron plugin wants the last of %s_buckets in %s, %d, to be %s, %d; set both", name, Options, buckets[len(buckets)-1], flag, most)})
		}
	}
	segments, tokens := numbers(options.Neuron["kv_segment_size_buckets"]), numbers(options.Neuron["num_batched_tokens_buckets"])
	if len(segments) > 0 && len(tokens) > 0 && !slices.Equal(segments, tokens) {
		problems = append(problems, Problem{Options, "kv_segment_size_buckets and num_batched_tokens_buckets must be the same to vLLM's Neuron plugin"})
	}
	return problems, nil
}

// numbers is a list of whole numbers, nil for anything else.
func numbers(list json.RawMessage) []int {
	var found []int
	if json.Unmarshal(list, &found) != nil {
		return nil
	}
	return found
}
