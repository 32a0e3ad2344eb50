package spec

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/vllm"
	"github.com/kservegen/kservegen/runtimes"
)

// neuron is the runtime whose image adds a plugin to vLLM, and with it flags, values and metrics that no table holds.
const neuron = "vllm-neuron"

// enginePart is the version of vLLM in a tag of the Neuron image, where the plugin's follows it: 0.24.0.1.1.0-neuronx.
var enginePart = regexp.MustCompile(`^\d+\.\d+\.\d+`)

// release finds the release of vLLM that the revision runs, nil where its image does not say one.
func (r *resolver) release() *vllm.Release {
	image := r.spec.Runtime.Image
	if image == "" {
		image = runtimes.Image(r.spec.Runtime.Name)
	}
	name, tag, _ := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	if r.spec.Runtime.Version != "" && r.spec.Runtime.Image == "" {
		tag = r.spec.Runtime.Version
	}
	tag, _, _ = strings.Cut(tag, "@")
	switch {
	case r.spec.Runtime.Name == neuron && r.spec.Runtime.Image == "":
		tag = enginePart.FindString(tag)
	case !strings.HasPrefix(name, "vllm-openai"):
		return nil
	}
	release, ok, err := vllm.Find(tag)
	if err != nil {
		r.failf("spec.runtime.version", "%v", err)
	}
	if !ok {
		return nil
	}
	return release
}

// checkFlags judges the flags that the document sets. Those of the catalogue are right for every release that knows the model.
func (r *resolver) checkFlags(release *vllm.Release, devices int) {
	if release == nil || r.spec.Runtime.Name == Simulator {
		return
	}
	args := r.spec.Runtime.Args
	for _, name := range slices.Sorted(maps.Keys(args)) {
		_, own := ownArgs[name]
		refused := args[name].Values == nil
		if own || refused || !argName.MatchString(name) {
			continue
		}
		verdict := release.Judge(flagUse(name, args))
		if verdict == nil || devices > 0 && verdict.Reason != vllm.Deprecated && parallel(name) { // a number that is checked with the devices
			continue
		}
		r.reportFlag("spec.runtime.args."+name, verdict)
	}
}

// reportFlag refuses what stops the server, and an abbreviation; of the rest it only tells.
func (r *resolver) reportFlag(at string, verdict *vllm.Verdict) {
	switch {
	case r.spec.Runtime.Name == neuron:
		r.remarkf(at, "%s; the plugin in this image may know it", verdict.Text)
	case verdict.Reason.Stops() || verdict.Reason == vllm.Abbreviated:
		r.failf(at, "%s", verdict.Text)
	default:
		r.remarkf(at, "%s", verdict.Text)
	}
}

// parallel reports whether a flag is one of the dimensions that divide the devices.
func parallel(name string) bool {
	return name == "tensor-parallel-size" || name == "pipeline-parallel-size" || name == "data-parallel-size"
}

// flagUse is a flag as the server gets it: false is --no-flag.
func flagUse(name string, args map[string]Arg) vllm.Use {
	arg := args[name]
	_, plugin := args[pluginOf(name)]
	u := vllm.Use{Name: name, Values: arg.Values, Plugins: plugin}
	if arg.Bool != nil && !strings.Contains(name, ".") {
		u.Values = nil
		if !*arg.Bool {
			u.Name = "no-" + name
		}
	}
	return u
}

// pluginOf is the flag that loads a file with more values for another one.
func pluginOf(name string) string {
	switch name {
	case "tool-call-parser":
		return "tool-parser-plugin"
	case "reasoning-parser":
		return "reasoning-parser-plugin"
	}
	return ""
}

// checkMetric judges what the replicas are scaled by. Names without vLLM's prefix are another exporter's.
func (r *resolver) checkMetric(release *vllm.Release) {
	name, ours := strings.CutPrefix(r.spec.Scaling.Metric, "vllm:")
	if !ours || r.spec.Runtime.Name == Simulator {
		return
	}
	why, err := vllm.JudgeMetric(release, name)
	switch {
	case err != nil:
		r.failf("spec.scaling.metric", "%v", err)
	case why == "":
	case release == nil || r.spec.Runtime.Name == neuron:
		r.remarkf("spec.scaling.metric", "%s", why)
	default:
		r.failf("spec.scaling.metric", "%s; an autoscaler on it never scales", why)
	}
}
