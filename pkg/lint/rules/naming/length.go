package naming

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// maxLabel is the longest DNS label and the longest value of a label.
const maxLabel = 63

func nameLength() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0101", Name: "name-too-long", Level: finding.Error,
			Summary: "The names that KServe derives from an InferenceService are at most 63 characters.",
			Why: "KServe makes the host label `<name>-predictor-<namespace>` of the default domain template and the pod label `isvc.<name>-predictor`. " +
				"Where either is longer than 63 characters reconciling fails, even with ingress creation disabled; the API server accepts the InferenceService.",
			How:   "Shorten the InferenceService's name, its predictor's name or the namespace.",
			Refs:  []string{"kserve#4807", "kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/ingress/domain.go"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				service := p.ServiceName()
				if host := service + "-" + p.Namespace; p.Namespace != "" && len(host) > maxLabel {
					c.Report(p.Object.Field("metadata", "name"), "the host label %q is %d characters long, %d more than fit", host, len(host), len(host)-maxLabel)
				} else if label := "isvc." + service; len(label) > maxLabel {
					c.Report(p.Object.Field("metadata", "name"), "the pod label %q is %d characters long, %d more than fit", label, len(label), len(label)-maxLabel)
				}
			}
		},
	}
}
