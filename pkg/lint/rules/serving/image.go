package serving

import (
	"cmp"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func cpuImage() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0212", Name: "cpu-image-on-accelerator", Level: finding.Error,
			Summary: "KServe replaces the image of vLLM by its CPU build where it sees no NVIDIA GPU.",
			Holds:   []rule.Range{{Product: rule.KServe, Since: rule.Version{Minor: 20}}},
			Why: "Where the runtime's metadata has the annotation serving.kserve.io/server-type: vllmserver, or its name is kserve-vllmserver, the controller writes -cpu before the tag " +
				"unless the limits have nvidia.com/gpu or nvidia.com/mig-*. AMD, Intel, Neuron and DRA devices are no GPU to it, so the pod that asks for one runs on the CPU.",
			How:   "Use a runtime without that annotation and name, pin the image by digest, or set runtimeVersion.",
			Refs:  []string{"kserve#3963", "kserve: pkg/controller/v1beta1/inferenceservice/utils/utils.go (UpdateImageTag)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				main := p.Main()
				if serverType(p) != "vllmserver" || !rewritable(p, main) || hasNVIDIA(main) {
					continue
				}
				name, _ := rule.SplitImage(main.Field("image").Text())
				if devices := main.Devices(); len(devices) > 0 && !strings.HasSuffix(name, "-cpu") {
					c.Report(devices[0], "KServe runs %s-cpu here: it doesn't see this device", name)
				} else if claims := main.Field("resources", "claims"); claims.Len() > 0 {
					c.Report(claims, "KServe runs the CPU image here: it doesn't see devices of resource claims")
				}
			}
		},
	}
}

func gpuImage() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0213", Name: "gpu-suffix-on-image", Level: finding.Warning,
			Summary: "KServe appends -gpu to the tag of Hugging Face, TensorFlow and TorchServe runtimes.",
			Why: "Where a runtime is of one of these server types and the limits have an NVIDIA GPU, the controller appends -gpu to the image's tag. " +
				"For an image of one's own that tag likely doesn't exist.",
			How:   "Set runtimeVersion to the tag, pin the image by digest, or use a runtime without the server-type annotation and built-in name.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/utils/utils.go (UpdateImageTag)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				main := p.Main()
				image := main.Field("image")
				switch serverType(p) {
				case "huggingfaceserver", "tensorflow-serving", "torchserve":
				default:
					continue
				}
				name, tag := rule.SplitImage(image.Text())
				own := strings.HasPrefix(name, "kserve/") || strings.HasPrefix(name, "docker.io/kserve/") || strings.HasPrefix(name, "tensorflow/") || strings.HasPrefix(name, "pytorch/")
				if rewritable(p, main) && hasNVIDIA(main) && !own && !strings.HasSuffix(tag, "-gpu") {
					c.Report(image, "KServe runs %s-gpu here", image.Text())
				}
			}
		},
	}
}

// serverType is what UpdateImageTag goes by: the annotation in the runtime's metadata (not the one in its spec,
// which goes to the pods), else the names of the built-in runtimes.
func serverType(p *rule.Predictor) string {
	var annotated string
	if p.Runtime != nil {
		annotated = p.Runtime.Annotation("serving.kserve.io/server-type").Text()
	}
	byName := map[string]string{
		"kserve-vllmserver": "vllmserver", "kserve-huggingfaceserver": "huggingfaceserver",
		"kserve-tensorflow-serving": "tensorflow-serving", "kserve-torchserve": "torchserve",
	}
	return cmp.Or(annotated, byName[p.RuntimeName()])
}

// rewritable says whether the image is one that KServe may change: with a tag, without a digest, and without
// a runtimeVersion, which replaces the tag instead. The image of a built-in runtime that isn't in the set has a tag.
func rewritable(p *rule.Predictor, main rule.Container) bool {
	if p.Model.Field("runtimeVersion").Found() {
		return false
	}
	image := main.Field("image")
	_, tag := rule.SplitImage(image.Text())
	return tag != "" || !image.Found() && !p.Known()
}

// hasNVIDIA is IsGPUEnabled.
func hasNVIDIA(main rule.Container) bool {
	for _, part := range main.Parts() {
		for name := range part.Field("resources", "limits").Entries() {
			if name == "nvidia.com/gpu" || strings.HasPrefix(name, "nvidia.com/mig") {
				return true
			}
		}
	}
	return false
}

func floatingImage() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0221", Name: "floating-image", Level: finding.Warning,
			Summary: "The image of a model server or of the chat's page has a version, and so have those of what runs before it and of Jobs that mount a claim.",
			Why: "vLLM renames flags and metrics between releases. With `latest`, or no tag, two replicas of one Deployment may run different releases, " +
				"and a rescheduled pod may not start any more; so do flags of the page and the program in its image. A Job that downloads weights ends otherwise when its image changed between two attempts.",
			How:   "Pin a version or a digest.",
			Refs:  []string{"kubernetes: docs/concepts/containers/images"},
			Kinds: rule.WorkloadKinds(rule.Job),
		},
		Check: func(c *rule.Context) {
			for _, page := range c.ChatPages() {
				reportFloating(c, page.Container.Field("image"))
			}
			for _, w := range c.Servers() {
				if w.Predictor == nil || !w.Predictor.Model.Field("runtimeVersion").Found() {
					reportFloating(c, w.Main().Field("image"))
				}
				reportFloatingIn(c, w.PodField("initContainers"))
			}
			for _, job := range c.Jobs() {
				if len(job.Claims()) == 0 {
					continue // a load test, or the like
				}
				reportFloatingIn(c, job.PodField("initContainers"))
				reportFloatingIn(c, job.PodField("containers"))
			}
		},
	}
}

func reportFloatingIn(c *rule.Context, containers rule.Value) {
	for container := range containers.Items() {
		reportFloating(c, container.Field("image"))
	}
}

func reportFloating(c *rule.Context, image rule.Value) {
	name, tag := rule.SplitImage(image.Text())
	if name == "" || strings.Contains(image.Text(), "@") {
		return
	}
	if tag == "" || tag == "latest" {
		c.Report(image, "image %q may be another release tomorrow", image.Text())
	}
}
