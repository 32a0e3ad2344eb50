package spec

import (
	"maps"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/vllm"
	"github.com/kservegen/kservegen/runtimes"
)

// neuronRuntime is that of AWS's accelerators, whose image has a plugin of vLLM in it.
const neuronRuntime = "vllm-neuron"

// release finds the release of vLLM that the revision runs, nil where its image does not say one.
func (r *resolver) release() *vllm.Release {
	image := r.spec.Runtime.Image
	if image == "" {
		image = runtimes.Image(r.spec.Runtime.Name)
		if r.spec.Runtime.Version != "" {
			image = image[:strings.LastIndexByte(image, ':')+1] + r.spec.Runtime.Version
		}
	}
	release, ok, err := vllm.FromImage(image)
	if err != nil {
		r.failf("spec.runtime.version", "%v", err)
	}
	if !ok {
		return nil
	}
	return release
}

// checkEngine judges the flags and the metric that the document sets by its release of vLLM. What the releases know takes
// some milliseconds to read, and most documents set neither.
func (r *resolver) checkEngine(devices int) {
	flags := r.ownFlags()
	metric, ours := strings.CutPrefix(r.spec.Scaling.Metric, "vllm:")
	ours = ours && r.spec.Scaling.Metric != defaultMetric // that one every release has
	if r.spec.Runtime.Name == Simulator || len(flags) == 0 && !ours {
		return
	}
	release := r.release()
	if release != nil {
		r.checkFlags(release, flags, devices)
	}
	if ours {
		r.checkMetric(release, metric)
	}
}

// ownFlags are the names of the document's flags that are not refused already. Those of the catalogue are right for every release that
// knows the model.
func (r *resolver) ownFlags() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(r.spec.Runtime.Args)) {
		if _, own := ownArgs[name]; !own && r.spec.Runtime.Args[name].Values != nil && argName.MatchString(name) {
			names = append(names, name)
		}
	}
	return names
}

func (r *resolver) checkFlags(release *vllm.Release, names []string, devices int) {
	for _, name := range names {
		verdict := release.Judge(flagUse(name, r.spec.Runtime.Args))
		if verdict == nil || devices > 0 && verdict.Reason != vllm.Deprecated && parallel(name) { // a number that is checked with the devices
			continue
		}
		r.reportFlag("spec.runtime.args."+name, verdict)
	}
}

// reportFlag refuses what stops the server, and an abbreviation; of the rest it only tells.
func (r *resolver) reportFlag(at string, verdict *vllm.Verdict) {
	if verdict.Reason.Stops() || verdict.Reason == vllm.Abbreviated {
		r.failf(at, "%s", verdict.Text)
		return
	}
	r.remarkf(at, "%s", verdict.Text)
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

// checkMetric judges what the replicas are scaled by, named without vLLM's prefix. Names without it are another exporter's.
func (r *resolver) checkMetric(release *vllm.Release, name string) {
	why, err := vllm.JudgeMetric(release, name)
	switch {
	case err != nil:
		r.failf("spec.scaling.metric", "%v", err)
	case why == "":
	case release == nil || release.Extended():
		r.remarkf("spec.scaling.metric", "%s", why)
	default:
		r.failf("spec.scaling.metric", "%s; an autoscaler on it never scales", why)
	}
}
