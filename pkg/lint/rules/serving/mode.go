package serving

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func legacyMode() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0206", Name: "legacy-deployment-mode", Level: finding.Warning,
			Summary: "The deployment mode has its current name.",
			Why: "RawDeployment and Serverless are the former names of Standard and Knative. The webhook rewrites them, so what is stored differs from Git for good, " +
				"and an upgrade has refused patches and deletions of such objects.",
			How:   "Write Standard for RawDeployment and Knative for Serverless.",
			Refs:  []string{"kserve#4798"},
			Kinds: []rule.Kind{rule.InferenceService},
		},
		Check: func(c *rule.Context) {
			for _, service := range c.Objects(rule.InferenceService) {
				mode := service.Annotation(rule.ModeAnnotation)
				if text := mode.Text(); text == "RawDeployment" || text == "Serverless" {
					current := map[string]string{"RawDeployment": rule.Standard, "Serverless": rule.Knative}
					c.Report(mode, "%s is the former name of a deployment mode; the webhook rewrites it", text).Set(current[text])
				}
			}
		},
	}
}

func noMode() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0207", Name: "deployment-mode-left-open", Level: finding.Warning,
			Summary: "An InferenceService of an LLM says its deployment mode.",
			Why: "Without the annotation the cluster's ConfigMap decides. KServe ships it with Knative while its code defaults to Standard, so the same file makes " +
				"a Knative Service here and a Deployment there; a mode other than the three is treated as missing. It cannot be changed once the InferenceService has a status.",
			How:   "Set the annotation serving.kserve.io/deploymentMode to Standard or Knative.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/utils/utils.go (GetDeploymentMode)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				switch mode := p.Mode(); mode {
				case rule.Standard, rule.Knative, "ModelMesh":
				case "":
					// A small model runs in either mode; one that loads for minutes and is routed by hand doesn't.
					if p.ServesLLM() || p.Main().DeviceCount() > 0 {
						c.Report(p.Object.Field("metadata"), "the cluster's ConfigMap decides between Knative and Standard")
					}
				default:
					c.Report(p.Annotation(rule.ModeAnnotation), "%q is no deployment mode; the cluster's ConfigMap decides", mode)
				}
			}
		},
	}
}
