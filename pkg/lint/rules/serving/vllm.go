package serving

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
	"github.com/kservegen/kservegen/pkg/vllm"
)

func unknownFlag() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0226", Name: "flag-unknown-to-release", Level: finding.Error,
			Summary: "vLLM's image knows the flags and values that it is given.",
			Why: "vLLM adds, renames and removes flags with minor releases and stops on one that it doesn't know, or on a value that a flag doesn't take: " +
				"the pod restarts for ever. --disable-log-requests is fatal in 0.17 to 0.32. " +
				"The flags are those of the argument parser of each release; a release in between is judged by the nearest one below. " +
				"An image that is built on vLLM's may bring flags of its own and is left alone.",
			How:   "Use the flag of that release, or another release.",
			Refs:  []string{"vllm: vllm/engine/arg_utils.py", "vllm: vllm/entrypoints/openai/cli_args.py"},
			Kinds: rule.WorkloadKinds(),
		},
		Check: func(c *rule.Context) { judgeFlags(c, vllm.Reason.Stops) },
	}
}

func deprecatedFlag() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0233", Name: "flag-deprecated", Level: finding.Warning,
			Summary: "A flag of vLLM will still be there in the next release.",
			Why:     "vLLM marks a flag as deprecated, and removes it some releases later. From then on the server stops on it, so the next upgrade of the image fails.",
			How:     "Use what takes its place before the image is upgraded.",
			Refs:    []string{"vllm: docs/contributing/deprecation_policy.md"},
			Kinds:   rule.WorkloadKinds(),
		},
		Check: func(c *rule.Context) {
			judgeFlags(c, func(reason vllm.Reason) bool { return reason == vllm.Deprecated })
		},
	}
}

func abbreviatedFlag() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0234", Name: "flag-abbreviated", Level: finding.Warning,
			Summary: "A flag of vLLM is written out.",
			Why: "vLLM takes the beginning of a flag for the flag, as long as no other begins so. The next release may have another: then the server stops, or " +
				"quietly sets the wrong one, as --device, which was removed and then meant --device-ids.",
			How:   "Write the whole name.",
			Refs:  []string{"python: argparse (allow_abbrev)"},
			Kinds: rule.WorkloadKinds(),
		},
		Check: func(c *rule.Context) {
			judgeFlags(c, func(reason vllm.Reason) bool { return reason == vllm.Abbreviated })
		},
	}
}

// judgeFlags reports the flags of vLLM's own images of which the reason is one that the rule is about.
func judgeFlags(c *rule.Context, about func(vllm.Reason) bool) {
	for _, workload := range c.Workloads() {
		for _, container := range workload.Containers {
			release, ok, err := vllm.FromImage(container.Field("image").Text())
			if err == nil && ok && serves(container) {
				judgeContainer(c, container, release, about)
			}
		}
	}
}

func judgeContainer(c *rule.Context, container rule.Container, release *vllm.Release, about func(vllm.Reason) bool) {
	for _, flag := range rule.Flags(container) {
		verdict := release.Judge(flagUse(container, flag))
		if verdict != nil && about(verdict.Reason) && !unresolved(flag, verdict.Reason) {
			c.Report(flag.At, "%s", verdict.Text)
		}
	}
	for _, word := range rule.Words(container) {
		if verdict := release.JudgeShort(word.Text()); verdict != nil && about(verdict.Reason) {
			c.Report(word, "%s", verdict.Text)
		}
	}
}

// serves reports whether the arguments of a container of vLLM's image go to vLLM's server: by the image's entrypoint, vllm serve, or the
// module. Ray and scripts have flags of their own.
func serves(c rule.Container) bool {
	words := c.Field("command").Strings()
	if len(words) == 0 {
		return true
	}
	for _, arg := range c.Args() {
		words = append(words, arg.Text())
	}
	for i, word := range words {
		switch {
		case word == "vllm.entrypoints.openai.api_server":
			return true
		case path.Base(word) == "vllm":
			return i+1 < len(words) && words[i+1] == "serve"
		}
	}
	return false
}

// flagUse is a flag as the server gets it. VLLM_PLUGINS names what the image has loaded besides.
func flagUse(c rule.Container, flag rule.Flag) vllm.Use {
	use := vllm.Use{Name: flag.Name, Next: flag.Split, Plugins: c.Env("VLLM_PLUGINS").Found()}
	for _, plugin := range []string{"tool-parser-plugin", "reasoning-parser-plugin"} {
		_, loads := rule.FindFlag(c, plugin)
		use.Plugins = use.Plugins || loads
	}
	if flag.Joined || flag.Split {
		use.Values = []string{flag.Value}
	}
	return use
}

// placeholder is what Kubernetes or KServe fills in before the server sees it, and what is no flag's name at all.
var placeholder = regexp.MustCompile(`\$\(|\{\{`)

// unresolved reports whether a flag is not yet what the server will get.
func unresolved(flag rule.Flag, reason vllm.Reason) bool {
	if strings.ContainsAny(flag.Name, " {}$\"'") {
		return true
	}
	return reason == vllm.Value && placeholder.MatchString(flag.Value)
}

func joinedConfig() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0235", Name: "config-file-ignored", Level: finding.Error,
			Summary: "vLLM's --config and its file are two arguments.",
			Why: "vLLM looks for the word --config and takes the next one as the file. In --config=FILE it finds none: the file is never read, " +
				"nothing is said, and the server starts with its defaults.",
			How:   "Write --config and the file as two arguments.",
			Refs:  []string{"vllm: vllm/utils/argparse_utils.py (_pull_args_from_config)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if !p.Known() || !rule.IsVLLM(p.Main()) {
					continue
				}
				for _, flag := range rule.Flags(p.Main()) {
					if flag.Name == "config" && flag.Joined {
						c.Report(flag.At, "vLLM does not read the file of --config=FILE; make it two arguments")
					}
				}
			}
		},
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
