package serving

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// gone is a flag that a release of vLLM doesn't know. The releases are those whose parser was run.
type gone struct {
	flag string
	// since is the first release with it, until the first without it again; zero is no limit.
	since, until rule.Version
	instead      string
}

func v(minor, patch int) rule.Version { return rule.Version{Minor: minor, Patch: patch} }

func goneFlags() []gone {
	return []gone{
		{flag: "enable-reasoning", until: v(10, 0), instead: "--reasoning-parser alone"},
		{flag: "task", until: v(13, 0), instead: "--runner and --convert"},
		{flag: "device", until: v(10, 0), instead: "an image for the device"},
		{flag: "swap-space", until: v(18, 1), instead: "nothing"},
		{flag: "guided-decoding-backend", until: v(12, 0), instead: "--structured-outputs-config"},
		{flag: "structured-outputs-config", since: v(11, 0), instead: "--guided-decoding-backend"},
		{flag: "shutdown-timeout", since: v(18, 1), instead: "a preStop hook"},
		{flag: "kv-cache-memory-bytes", since: v(10, 2), instead: "--gpu-memory-utilization"},
		{flag: "safetensors-load-strategy", since: v(10, 2), instead: "nothing"},
		{flag: "runner", since: v(10, 1), instead: "--task"},
	}
}

func unknownFlag() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0226", Name: "flag-unknown-to-release", Level: finding.Error,
			Summary: "vLLM's image knows the flags that it is given.",
			Why: "vLLM adds and removes flags with minor releases and stops on one that it doesn't know: the pod restarts for ever. " +
				"--disable-log-requests is fatal in 0.17 to 0.32.",
			How:   "Use the flag of that release, or another release.",
			Refs:  []string{"vllm: vllm/engine/arg_utils.py"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			for _, w := range c.Servers() {
				version, ok := rule.VLLMVersion(w.Main())
				if !ok {
					continue
				}
				for _, flag := range rule.Flags(w.Main()) {
					checkFlag(c, flag, version)
				}
			}
		},
	}
}

func checkFlag(c *rule.Context, flag rule.Flag, version rule.Version) {
	if flag.Name == "disable-log-requests" && !version.Before(v(17, 1)) && version.Before(v(33, 0)) {
		c.Report(flag.At, "vLLM %s stops on --disable-log-requests; leave it out, requests aren't logged by default", version)
	}
	for _, g := range goneFlags() {
		early := g.since != (rule.Version{}) && version.Before(g.since)
		late := g.until != (rule.Version{}) && !version.Before(g.until)
		if g.flag == flag.Name && (early || late) {
			c.Report(flag.At, "vLLM %s doesn't know --%s; use %s", version, flag.Name, g.instead)
		}
	}
}

func servedName() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0227", Name: "served-names-differ", Level: finding.Error,
			Summary: "Servers behind one weighted route answer to the same model name.",
			Why: "Clients send the model's name in the body, and vLLM answers 404 to a name that it doesn't serve. The built-in runtime serves {{.Name}}, " +
				"the name of the InferenceService, so with two of them behind one route a share of the requests fails.",
			How:   "Set the same --served-model-name on all of them.",
			Refs:  []string{"kserve: config/runtimes/kserve-vllmserver.yaml"},
			Kinds: rule.ServiceKinds(rule.RouteKinds()...),
		},
		Check: func(c *rule.Context) {
			for _, route := range c.Routes() {
				checkNames(c, route)
			}
		},
	}
}

func checkNames(c *rule.Context, route rule.Route) {
	var first string
	for _, destination := range route.Destinations() {
		service, _ := c.ServiceAt(destination)
		if service == nil || service.Predictor == nil || !service.Predictor.Known() || !rule.IsVLLM(service.Predictor.Main()) {
			continue
		}
		flag, ok := rule.FindFlag(service.Predictor.Main(), "served-model-name")
		if !ok {
			continue
		}
		name := strings.ReplaceAll(flag.Value, "{{.Name}}", service.Predictor.Name)
		if first == "" {
			first = name
		} else if name != first {
			c.Report(destination.Name, "%s serves %q, the route's first destination %q", service.Name, name, first)
		}
	}
}

func apiServerModel() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0230", Name: "positional-model-ignored", Level: finding.Error,
			Summary: "python -m vllm.entrypoints.openai.api_server gets its model by --model.",
			Why:     "Only `vllm serve` uses the positional argument. The module takes it and ignores it, and serves its default model, which it tries to download.",
			How:     "Pass --model, or use vllm serve.",
			Refs:    []string{"vllm: vllm/entrypoints/cli/serve.py (model_tag)"},
			Kinds:   rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			for _, w := range c.Servers() {
				main := w.Main()
				if !w.Known() || !slices.Contains(main.Field("command").Strings(), "vllm.entrypoints.openai.api_server") {
					continue
				}
				_, model := rule.FindFlag(main, "model")
				_, config := rule.FindFlag(main, "config")
				if args := main.Args(); !model && !config && len(args) > 0 {
					c.Report(args[0], "no argument is --model, and this module ignores a positional one")
				}
			}
		},
	}
}
