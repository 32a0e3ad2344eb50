package spectest

import (
	"maps"
	"slices"

	"pgregory.net/rapid"
)

func (d *drawer) specRuntime() *node {
	r := fields()
	if d.runtime != "" {
		r.set("name", scalar(str, d.runtime))
	}
	if d.nodes > 0 && d.chance("executor", 2) {
		r.set("executor", scalar(str, "mp"))
		if d.images && d.chance("ray", 2) {
			r.set("executor", scalar(str, "ray"))
			r.set("image", scalar(str, "registry.example.com/vllm-ray:v1"))
		}
	}
	return d.runtimeFields(r)
}

// runtimeOverride changes flags and such, moves to the simulator, or takes out what is inherited.
func (d *drawer) runtimeOverride() *node {
	r := fields()
	switch {
	case d.simulator == inPlaces && d.chance("simulator here", 2):
		r.set("name", scalar(str, simulatorRuntime))
	case d.runtime != "" && d.chance("same runtime", 3):
		r.set("name", scalar(str, d.runtime))
	case d.runtime != "" || d.bare:
	case d.chance("no runtime", 8):
		return null()
	}
	r = d.runtimeFields(r)
	if !d.images && r.get("version") == nil && d.chance("default version", 12) {
		r.set("version", null())
	}
	return r
}

func (d *drawer) runtimeFields(r *node) *node {
	if d.chance("version", 3) {
		if d.images {
			r.set("image", scalar(str, pick(d, "image", "registry.example.com:5000/llm/server:v1",
				"registry.example.com/llm@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "llm:1.0", "a/b:v0.33.0")))
		} else {
			r.set("version", scalar(str, pick(d, "version", "v0.33.0", "v0.32.1", "1.0", "20261101", "1e3", "nightly-abc")))
		}
	}
	if d.chance("args", 2) {
		r.set("args", d.args())
	}
	if d.chance("env", 3) {
		r.set("env", d.env())
	}
	if d.chance("startup", 5) {
		r.set("startupTimeout", scalar(str, pick(d, "startup", "120s", "1h30m", "24h", "150500ms", "1.5h")))
	}
	if d.chance("drain", 5) {
		r.set("drainTimeout", scalar(str, pick(d, "drain", "1s", "5m", "10m")))
	}
	return r
}

// args draws flags that no catalogue entry and no arithmetic depends on, and that every release of vLLM knows that a document
// may name here.
func (d *drawer) args() *node {
	args := fields()
	for range d.upTo("args", 4) {
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(flagValues()))).Draw(d.t, "flag")
		args.set(name, flagValues()[name](d))
	}
	return args
}

// flagValues draw what a flag takes, written in the ways that YAML has for it.
func flagValues() map[string]func(*drawer) *node {
	return map[string]func(*drawer) *node{
		"max-num-seqs":                     (*drawer).wholeNumber,
		"seed":                             (*drawer).wholeNumber,
		"gpu-memory-utilization":           (*drawer).anyNumber,
		"enable-prefix-caching":            (*drawer).toggle,
		"enforce-eager":                    (*drawer).toggle,
		"limit-mm-per-prompt":              (*drawer).jsonText,
		"generation-config":                (*drawer).words,
		"chat-template":                    (*drawer).words,
		"logits-processors":                (*drawer).list,
		"hf-overrides.rope":                (*drawer).anything,
		"compilation-config.pass_config.x": (*drawer).anything,
	}
}

func (d *drawer) wholeNumber() *node {
	return scalar(raw, pick(d, "whole number", "128", "-1", "010", "1"))
}

func (d *drawer) anyNumber() *node {
	return scalar(raw, pick(d, "number", "0.92", "1e3", ".5", "0.90"))
}

func (d *drawer) toggle() *node {
	return scalar(raw, pick(d, "switch", "true", "false", "True"))
}

func (d *drawer) jsonText() *node {
	return scalar(str, pick(d, "JSON", `{"image": 2}`, `{}`, `{"video": {"count": 1}}`))
}

func (d *drawer) words() *node { return scalar(str, value(d.t, "argument")) }

func (d *drawer) list() *node {
	values := items(scalar(text, value(d.t, "item")))
	for range d.upTo("values", 3) {
		values.items = append(values.items, scalar(text, value(d.t, "item")))
	}
	return values
}

// anything is what a member of a JSON value may be, and numbers that YAML reads in its own way.
func (d *drawer) anything() *node {
	switch d.upTo("kind of argument", 2) {
	case 0:
		return scalar(raw, pick(d, "odd number", "128", "0.92", "-1", "1e3", "0x1f", "010", "2026-11-01", ".5"))
	case 1:
		return d.toggle()
	}
	return d.words()
}

func (d *drawer) env() *node {
	env := fields()
	for range d.upTo("variables", 3) {
		name := rapid.OneOf(
			rapid.SampledFrom([]string{"VLLM_LOGGING_LEVEL", "NCCL_DEBUG", "ON", "no", "y", "HF_HUB_OFFLINE", "_", "OMP_NUM_THREADS"}),
			rapid.StringMatching("[A-Z_][A-HJ-Z0-9_]{0,5}Z"),
		).Draw(d.t, "variable")
		v := scalar(text, value(d.t, "variable's value"))
		if d.chance("lines", 8) {
			v = scalar(str, "two\nlines \t")
		}
		env.set(name, v)
	}
	return env
}
