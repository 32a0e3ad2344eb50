package serving

import (
	"regexp"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// metadataPlaceholder is what KServe can fill: fields of the InferenceService's ObjectMeta.
var metadataPlaceholder = regexp.MustCompile(`^\{\{-?\s*\.(Name|GenerateName|Namespace|UID|ResourceVersion|Labels|Annotations)[\w.]*\s*-?\}\}`)

func templateBraces() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0215", Name: "braces-in-container", Level: finding.Error,
			Summary: "Double braces in a model's container are only placeholders of metadata.",
			Why: "KServe executes the merged container, written as JSON, as a Go text/template over the InferenceService's metadata. " +
				"A Jinja chat template or a JSON value with `{{` in an argument or variable fails to parse or loses its text, and nothing is deployed. " +
				"Keys with a dash can't be addressed: quotes are escaped in JSON.",
			How:   "Put the text into a file of a ConfigMap and pass its path; for metadata write {{.Name}}, {{.Namespace}} or {{.Labels.key}}.",
			Refs:  []string{"kserve#3851", "kserve#4418", "kserve: pkg/controller/v1beta1/inferenceservice/utils/utils.go (ReplacePlaceholders)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if !p.IsModel() {
					continue
				}
				for _, part := range p.Main().Parts() {
					for _, text := range containerTexts(part) {
						if hasForeignBraces(text.Text()) {
							c.Report(text, "KServe executes this as a Go template, and it is none over the InferenceService's metadata")
						}
					}
				}
			}
		},
	}
}

func containerTexts(container rule.Value) []rule.Value {
	var texts []rule.Value
	for _, list := range []string{"command", "args"} {
		for text := range container.Field(list).Items() {
			texts = append(texts, text)
		}
	}
	for variable := range container.Field("env").Items() {
		texts = append(texts, variable.Field("value"))
	}
	return texts
}

func hasForeignBraces(text string) bool {
	for {
		at := strings.Index(text, "{{")
		if at < 0 {
			return false
		}
		placeholder := metadataPlaceholder.FindString(text[at:])
		if placeholder == "" {
			return true
		}
		text = text[at+len(placeholder):]
	}
}

func repeatedFlag() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0216", Name: "flag-given-twice", Level: finding.Warning,
			Summary: "A flag of vLLM is given once.",
			Why: "KServe doesn't replace a runtime's args by the InferenceService's, it appends them. vLLM takes the last of two equal flags, so the runtime's value " +
				"stands in the pod and has no effect; other servers stop with an error.",
			How:   "Remove one of the two.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/utils/utils.go (MergeRuntimeContainers)"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			for _, w := range c.Servers() {
				main := w.Main()
				if !rule.IsVLLM(main) {
					continue
				}
				seen := map[string]rule.Flag{}
				for _, flag := range rule.Flags(main) {
					if first, again := seen[flag.Name]; again && !repeatable(flag.Name) {
						c.Report(flag.At, "--%s is given already in %s", flag.Name, first.At.Object())
					}
					seen[flag.Name] = flag
				}
			}
		},
	}
}

// repeatable flags collect their values.
func repeatable(name string) bool {
	return name == "middleware" || name == "lora-modules" || name == "api-key"
}

func commandWithoutArgs() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0217", Name: "command-replaced", Level: finding.Warning,
			Summary: "An InferenceService doesn't replace the command that its runtime's args are for.",
			Why:     "Command is replaced while args are appended: the runtime's arguments then go to another program. A shell with -c takes the first of them as $0.",
			How:     "Leave the command to the runtime, or use a runtime of your own.",
			Refs:    []string{"kserve: pkg/controller/v1beta1/inferenceservice/utils/utils.go (MergeRuntimeContainers)"},
			Kinds:   rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				command := p.Model.Field("command")
				if p.Runtime == nil || command.Len() == 0 {
					continue
				}
				for container := range p.Runtime.Field("spec", "containers").Items() {
					own := strings.Join(container.Field("command").Strings(), " ")
					if container.Field("name").Text() == rule.MainContainer && container.Field("args").Len() > 0 && own != strings.Join(command.Strings(), " ") {
						c.Report(command, "the args of runtime %s go to this command", p.Runtime.Name)
					}
				}
			}
		},
	}
}

func shellArgs() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0229", Name: "script-without-args", Level: finding.Error,
			Summary: "A runtime that starts a script hands the InferenceService's args on.",
			Why: "With `sh -c SCRIPT` as command, or as command and first argument, appended arguments become $0, $1 and so on of the script. " +
				"A script that uses neither \"$@\" nor $0 drops the flags of every InferenceService silently.",
			How:   `End the script with exec vllm serve … "$0" "$@", or call the server without a shell.`,
			Refs:  []string{"kserve: config/runtimes/kserve-huggingfaceserver-multinode.yaml"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				args := p.Model.Field("args")
				if p.Runtime == nil || args.Len() == 0 || p.Model.Field("command").Found() {
					continue
				}
				for container := range p.Runtime.Field("spec", "containers").Items() {
					words := append(container.Field("command").Strings(), container.Field("args").Strings()...)
					if script, is := shellScript(words); is && container.Field("name").Text() == rule.MainContainer && !strings.Contains(script, "$@") {
						c.Report(args, "the script of runtime %s doesn't use its arguments, so these are lost", p.Runtime.Name)
					}
				}
			}
		},
	}
}

// shellScript returns the script where words are a shell with -c.
func shellScript(words []string) (string, bool) {
	if len(words) < 3 || !regexp.MustCompile(`(^|/)(ba|da)?sh$`).MatchString(words[0]) {
		return "", false
	}
	for i, word := range words[1 : len(words)-1] {
		if strings.HasPrefix(word, "-") && !strings.HasPrefix(word, "--") && strings.Contains(word, "c") {
			return words[i+2], true
		}
	}
	return "", false
}
