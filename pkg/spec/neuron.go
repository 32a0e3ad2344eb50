package spec

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// additionalConfig is where vLLM takes the options of its plugins, as JSON.
const additionalConfig = "additional-config"

// checkBuckets refuses what vLLM's Neuron plugin refuses at its start: a graph is compiled for each bucket, and the
// largest must hold the largest batch (vllm-neuron/docs/guides/reference-configuration.md in aws-neuron-sdk).
func (r *resolver) checkBuckets(args map[string]Arg) {
	if r.spec.Runtime.Name != "vllm-neuron" {
		return
	}
	var options struct {
		Neuron map[string]json.RawMessage `json:"neuron_config"`
	}
	if value := args[additionalConfig].String(); value != "" && json.Unmarshal([]byte(value), &options) != nil {
		r.failf("spec.runtime.args."+additionalConfig, "is not JSON such as '{\"neuron_config\": {…}}'")
		return
	}
	for _, name := range []string{"num_seqs", "num_batched_tokens"} {
		buckets, flag := intsOf(options.Neuron[name+"_buckets"]), "max-"+strings.ReplaceAll(name, "_", "-")
		limit, err := strconv.Atoi(args[flag].String())
		if err == nil && len(buckets) > 0 && buckets[len(buckets)-1] != limit {
			r.failf(r.ownArg(flag), "vLLM's Neuron plugin wants the last of %s_buckets in %s, %d, to be %s, %d; set both", name, additionalConfig, buckets[len(buckets)-1], flag, limit)
		}
	}
	segments, tokens := intsOf(options.Neuron["kv_segment_size_buckets"]), intsOf(options.Neuron["num_batched_tokens_buckets"])
	if len(segments) > 0 && len(tokens) > 0 && !slices.Equal(segments, tokens) {
		r.failf("spec.runtime.args."+additionalConfig, "kv_segment_size_buckets and num_batched_tokens_buckets must be the same to vLLM's Neuron plugin")
	}
}

// ownArg is the path of a flag that the document gives, else of the plugin's options.
func (r *resolver) ownArg(flag string) string {
	if _, ok := r.spec.Runtime.Args[flag]; ok {
		return "spec.runtime.args." + flag
	}
	return "spec.runtime.args." + additionalConfig
}

func intsOf(list json.RawMessage) []int {
	var numbers []int
	if json.Unmarshal(list, &numbers) != nil {
		return nil
	}
	return numbers
}
