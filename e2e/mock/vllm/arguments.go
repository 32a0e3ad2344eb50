package main

import (
	"strconv"
	"strings"
)

// shared are the flags of vLLM that the simulator has under the same name, and that change what a client sees
// (llm-d-inference-sim v0.10.2, pkg/common/parser.go). It ends at a flag that it does not know, so that all
// others of vLLM's hundreds stay here.
func shared() map[string]bool {
	return map[string]bool{
		"port": true, "model": true, "served-model-name": true, "max-model-len": true, "max-num-seqs": true,
		"max-loras": true, "seed": true,
	}
}

// flag is one of the simulator's own.
type flag struct {
	name string
	// value is what it has where the environment says nothing; empty leaves the flag out.
	value string
}

// own are the flags that tests may set through the environment, as SIM_TIME_TO_FIRST_TOKEN. Without, it is as fast
// as the catalogue's runtime simulator: 50 tokens a second and request, so that streams look like streams.
func own() []flag {
	return []flag{
		{"time-to-first-token", "100ms"}, {"inter-token-latency", "20ms"},
		{"startup-duration", ""}, {"failure-injection-rate", ""}, {"failure-types", ""},
	}
}

// translate turns the arguments of `vllm serve` into those of the simulator, and returns the ones that mean
// nothing to it. Both forms of a flag are understood, `--name=value` and `--name value`, and the model as a
// positional argument.
func translate(args []string, env func(string) string) (passed, ignored []string) {
	passed = []string{"--force-dummy-tokenizer", "--mode=random"}
	for _, f := range own() {
		value := env("SIM_" + strings.ToUpper(strings.ReplaceAll(f.name, "-", "_")))
		if value == "" {
			value = f.value
		}
		if value != "" {
			passed = append(passed, "--"+f.name+"="+value)
		}
	}
	// vLLM's default on a GPU of up to 80 GiB (usage context OPENAI_API_SERVER in its engine/arg_utils.py); the
	// simulator's own, 5, would queue the rest. A later flag of the same name wins.
	passed = append(passed, "--max-num-seqs=256")
	for i := 0; i < len(args); i++ {
		if !isFlag(args[i]) {
			passed = append(passed, "--model="+args[i])
			continue
		}
		name, _, inline := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		argument := args[i]
		if !inline && i+1 < len(args) && !isFlag(args[i+1]) {
			i++
			argument += "=" + args[i]
		}
		if shared()[name] {
			passed = append(passed, argument)
		} else {
			ignored = append(ignored, argument)
		}
	}
	return passed, ignored
}

// isFlag tells a flag, long or short as -tp, from a value, which may be a negative number.
func isFlag(arg string) bool {
	_, err := strconv.ParseFloat(arg, 64)
	return strings.HasPrefix(arg, "-") && err != nil
}
