package accelerator

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
	"github.com/kservegen/kservegen/pkg/neuron"
)

// neuronDevice is the resource of whole devices; aws.amazon.com/neuroncore counts cores.
const neuronDevice = "aws.amazon.com/neuron"

// pluginTag is how AWS tags images with vLLM's Neuron plugin: three numbers of vLLM, then three of the plugin. It runs on
// Trainium2 and Trainium3 only; images before it, with three numbers, ran on other devices too.
var pluginTag = regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+\.\d+\.\d+-neuronx-`)

// isNeuronImage says whether a container runs one of AWS's images with vLLM for Neuron.
func isNeuronImage(main rule.Container) bool {
	name, _ := rule.SplitImage(main.Field("image").Text())
	return builtFor(path.Base(name)) == "aws"
}

func runsNeuronPlugin(main rule.Container) bool {
	_, tag := rule.SplitImage(main.Field("image").Text())
	return isNeuronImage(main) && pluginTag.MatchString(tag)
}

// logicalCores is how many ranks a device of Trainium2 has room for: its eight cores, by two unless the environment says
// otherwise.
func logicalCores(main rule.Container) int64 {
	if main.Env("NEURON_LOGICAL_NC_CONFIG").Field("value").Text() == "1" {
		return 8
	}
	return 4
}

func scatteredNeuron() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0711", Name: "neuron-scheduler", Level: finding.Info,
			Summary: "A pod of several Neuron devices is placed by Neuron's scheduler extension.",
			Why: "Kubernetes' scheduler counts devices and does not know which are connected. Where a pod gets some of a node's, the extension finds a set that is; " +
				"AWS requires it for pods of more than one. EKS doesn't let anyone extend its own scheduler, so the extension comes with another one there. " +
				"A pod of all devices of its node needs none.",
			How:   "Install the extension (scheduler.enabled of Neuron's Helm chart) and set schedulerName: my-scheduler, or suppress this where the cluster's own scheduler has it.",
			Refs:  []string{"aws-neuron-sdk: deploy/infrastructure/scheduler.rst", "aws-neuron-sdk: deploy/includes/k8s-multiple-scheduler.rst"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				devices := p.Main().Devices()
				if !p.Known() || len(devices) != 1 || devices[0].Key() != neuronDevice || schedulerOf(p) != "" {
					continue
				}
				// No node has more than the 16 of a trn2.48xlarge.
				if n := p.Main().DeviceCount(); n > 1 && n < 16 {
					c.Report(devices[0], "nothing sees to it that the %d devices are connected", n)
				}
			}
		},
	}
}

// schedulerOf is the scheduler of a predictor's pods, empty for the cluster's own. KServe takes the runtime's where the
// InferenceService says none.
func schedulerOf(p *rule.Predictor) string {
	name := p.Spec.Field("schedulerName").Text()
	if name == "" && p.Runtime != nil {
		name = p.Runtime.Field("spec", "schedulerName").Text()
	}
	if name == "default-scheduler" {
		return ""
	}
	return name
}

func neuronEntrypoint() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0712", Name: "neuron-entrypoint", Level: finding.Error,
			Summary: "A container of Neuron's vLLM image has a command.",
			Why: "The image's entrypoint is a Python script that runs its arguments as a program: with flags alone there is none, and the container ends at once. " +
				"With vllm serve as arguments the script stays process 1, which ignores SIGTERM: vLLM is not told to stop, and is killed with its streams when the grace period is over.",
			How:   "Set command: [vllm, serve], and the flags as args.",
			Refs:  []string{"aws-neuron/deep-learning-containers: common/vllm_entrypoint.py"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				main := p.Main()
				if !p.Known() || !isNeuronImage(main) || main.Field("command").Found() || len(main.Args()) == 0 {
					continue
				}
				if first := main.Args()[0]; strings.HasPrefix(first.Text(), "-") {
					c.Report(first, "the image's entrypoint would run this as a program")
				} else {
					c.Report(first, "SIGTERM doesn't get past the image's entrypoint to this program")
				}
			}
		},
	}
}

func neuronBuckets() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0713", Name: "neuron-buckets", Level: finding.Error,
			Summary: "The last of Neuron's buckets is the limit that vLLM is given.",
			Why: "A graph is compiled for each bucket, and the largest must hold the largest batch. The plugin checks that num_seqs_buckets ends with --max-num-seqs and " +
				"num_batched_tokens_buckets with --max-num-batched-tokens, and that kv_segment_size_buckets are the same as the latter; otherwise the server ends when it starts.",
			How: "Change both together, or leave the list out of --additional-config.",
			Refs: []string{
				"aws-neuron-sdk: vllm-neuron/docs/guides/reference-configuration.md", "aws-neuron-sdk: vllm-neuron/docs/tutorials/tutorial-llama3-70b.md",
			},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				config, ok := rule.FindFlag(p.Main(), "additional-config")
				if p.Known() && ok && runsNeuronPlugin(p.Main()) {
					checkBuckets(c, p.Main(), config)
				}
			}
		},
	}
}

func checkBuckets(c *rule.Context, main rule.Container, config rule.Flag) {
	// What isn't JSON is refused by vLLM's parser.
	problems, _ := neuron.Buckets(config.Value, func(name string) (int, bool) {
		flag, ok := rule.FindFlag(main, name)
		n, err := strconv.Atoi(flag.Value)
		return n, ok && err == nil
	})
	for _, problem := range problems {
		at := config.At
		if flag, ok := rule.FindFlag(main, problem.Flag); ok {
			at = flag.At
		}
		c.Report(at, "%s", problem.Message)
	}
}
