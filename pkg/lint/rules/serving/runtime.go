package serving

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func unsupportedFormat() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0208", Name: "runtime-without-format", Level: finding.Error,
			Summary: "The runtime that an InferenceService names supports its model format.",
			Why: "KServe compares format and version literally: the built-in runtime's format is `vLLM`, and `vllm` finds none. " +
				"The InferenceService stays in InvalidSpec, and no Deployment is made.",
			How:   "Use a name and version of the runtime's supportedModelFormats.",
			Refs:  []string{"kserve#2372", "kserve: pkg/apis/serving/v1beta1/predictor_model.go (RuntimeSupportsModel)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				format := p.Model.Field("modelFormat")
				name, version := format.Field("name"), format.Field("version").Text()
				if p.Runtime == nil || name.Text() == "" {
					continue
				}
				known := formats(p.Runtime)
				if !supports(p.Runtime, name.Text(), version) {
					c.Report(name, "runtime %s supports %s, not %s", p.Runtime.Name, strings.Join(known, ", "), strings.TrimSuffix(name.Text()+":"+version, ":"))
				}
			}
		},
	}
}

func supports(runtime *rule.Object, name, version string) bool {
	for format := range runtime.Field("spec", "supportedModelFormats").Items() {
		if format.Field("name").Text() == name && (version == "" || format.Field("version").Text() == version) {
			return true
		}
	}
	return false
}

func formats(runtime *rule.Object) []string {
	var names []string
	for format := range runtime.Field("spec", "supportedModelFormats").Items() {
		names = append(names, strings.TrimSuffix(format.Field("name").Text()+":"+format.Field("version").Text(), ":"))
	}
	if len(names) == 0 {
		return []string{"no format"}
	}
	return names
}

// runtimes calls f with every runtime of the set.
func runtimes(c *rule.Context, f func(*rule.Object)) {
	for _, kind := range []rule.Kind{rule.ServingRuntime, rule.ClusterServingRuntime} {
		for _, runtime := range c.Objects(kind) {
			f(runtime)
		}
	}
}

func noMainContainer() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0209", Name: "runtime-without-main-container", Level: finding.Error,
			Summary: "A runtime has a container named kserve-container.",
			Why: "KServe merges the InferenceService's model into the container of that name and reconciles nothing where there is none; " +
				"the CRD asks only for a list of containers.",
			How:   "Name the container that serves kserve-container.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/utils/utils.go (MergeServingRuntimeAndInferenceServiceSpecs)"},
			Kinds: []rule.Kind{rule.ServingRuntime, rule.ClusterServingRuntime},
		},
		Check: func(c *rule.Context) {
			runtimes(c, func(runtime *rule.Object) {
				containers := runtime.Field("spec", "containers")
				for container := range containers.Items() {
					if container.Field("name").Text() == rule.MainContainer {
						return
					}
				}
				// A runtime of ModelMesh serves many models and has no such container.
				if !runtime.Field("spec", "multiModel").Is(true) {
					c.Report(containers, "no container is named %s, so InferenceServices cannot use the runtime", rule.MainContainer)
				}
			})
		},
	}
}

func protocolVersion() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0211", Name: "protocol-not-supported", Level: finding.Error,
			Summary: "The runtime supports the protocol version of the InferenceService.",
			Why: "KServe refuses a runtime whose protocolVersions lack that of the model, and the InferenceService stays in InvalidSpec. " +
				"From 0.20 on the webhook sets v2 where the format is vLLM and none is said; a runtime without protocolVersions supports all.",
			How:   "Remove protocolVersion from the InferenceService, or add it to the runtime.",
			Refs:  []string{"kserve: pkg/apis/serving/v1alpha1/servingruntime_types.go (IsProtocolVersionSupported)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if p.Runtime == nil {
					continue
				}
				version, at := p.Model.Field("protocolVersion").Text(), p.Model.Field("protocolVersion")
				if version == "" && p.Model.Field("modelFormat", "name").Text() == "vLLM" && !c.Versions[rule.KServe].Before(rule.Version{Minor: 20}) {
					version, at = "v2", p.Model.Field("modelFormat", "name")
				}
				supported := p.Runtime.Field("spec", "protocolVersions").Strings()
				if version != "" && len(supported) > 0 && !slices.Contains(supported, version) {
					c.Report(at, "runtime %s supports protocol %s, not %s", p.Runtime.Name, strings.Join(supported, ", "), version)
				}
			}
		},
	}
}

func disabledRuntime() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0228", Name: "runtime-disabled", Level: finding.Error,
			Summary: "The runtime that an InferenceService names isn't disabled.",
			Why:     "KServe refuses a disabled runtime when it reconciles: the InferenceService is accepted and stays in InvalidSpec.",
			How:     "Remove disabled: true from the runtime, or name another.",
			Refs:    []string{"kserve: pkg/controller/v1beta1/inferenceservice/components/predictor.go (reconcileModel)"},
			Kinds:   rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if p.Runtime != nil && p.Runtime.Field("spec", "disabled").Is(true) {
					c.Report(p.Model.Field("runtime"), "runtime %s is disabled", p.Runtime.Name)
				}
			}
		},
	}
}
