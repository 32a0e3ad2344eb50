package serving

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func otherImage() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0231", Name: "image-replaced-by-kserve", Level: finding.Warning,
			Summary: "KServe runs the image that is written.",
			Why: "KServe changes a runtime's image by its server type, its devices and runtimeVersion. " +
				"This compares the Deployment that KServe's own code makes with what the runtime and the InferenceService say.",
			How:   "Use a runtime without the server-type annotation and built-in name, or pin the image by digest.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/utils/utils.go (UpdateImageTag)"},
			Kinds: rule.PredictorKinds(rule.Deployment),
		},
		Check: func(c *rule.Context) {
			for _, deployment := range c.Effective(rule.Deployment) {
				for _, p := range c.Predictors() {
					written := p.Main().Field("image")
					// Who sets runtimeVersion means it.
					if p.ServiceName() != deployment.Name || p.Namespace != deployment.Namespace || written.Text() == "" || p.Model.Field("runtimeVersion").Found() {
						continue
					}
					for container := range deployment.Field("spec", "template", "spec", "containers").Items() {
						image := container.Field("image").Text()
						if container.Field("name").Text() == rule.MainContainer && image != "" && image != written.Text() {
							c.Report(written, "%s runs %s", p.Object, image)
						}
					}
				}
			}
		},
	}
}
