package serving

import (
	"fmt"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func canaryRefused() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0202", Name: "canary-refused", Level: finding.Error, Refused: true,
			Summary: "spec.canary keeps the rules of KServe's webhook.",
			Holds:   []rule.Range{{Product: rule.KServe, Since: rule.Version{Minor: 20}}},
			Why: "The webhook wants the annotation serving.kserve.io/deploymentMode to be Standard, a name of its own for every canary, percentages that sum to at most 100, " +
				"no autoscaling and no workers in a canary, and no more minReplicas than the stable predictor has. The CRD says none of it.",
			How:   "Annotate serving.kserve.io/deploymentMode: Standard, and give each canary a name of its own, at most the stable predictor's minReplicas, no autoscaling and no workers.",
			Refs:  []string{"kserve: pkg/apis/serving/v1beta1/inference_service_validation.go (validateCanarySpecs)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				canaries := p.Object.Field("spec", "canary")
				if canaries.Len() == 0 {
					continue
				}
				if p.Mode() != rule.Standard {
					c.Report(canaries, "the webhook refuses canaries unless the annotation %s is Standard", rule.ModeAnnotation).Fix("Write the annotation " + rule.ModeAnnotation + ": Standard on the InferenceService.")
				}
				sum := int64(0)
				seen := map[string]bool{p.Spec.Field("name").Text(): true}
				for canary := range canaries.Items() {
					checkCanary(c, p, canary, seen)
					sum += canary.Field("trafficPercent").IntOr(0)
				}
				if sum > 100 {
					c.Report(canaries, "the canaries' trafficPercent sum to %d", sum).Fix("Lower them until they sum to 100 or less.")
				}
			}
		},
	}
}

func checkCanary(c *rule.Context, p *rule.Predictor, canary rule.Value, seen map[string]bool) {
	name := canary.Field("predictor", "name")
	switch {
	case name.Text() == "":
		c.Report(canary, "a canary needs a predictor.name").Fix("Add predictor.name, another one for every canary.")
	case seen[name.Text()]:
		c.Report(name, "%q is the name of another predictor already", name.Text()).Fix("Write a name that no other predictor of the InferenceService has.")
	}
	seen[name.Text()] = true
	for _, field := range []string{"workerSpec", "maxReplicas", "scaleTarget", "scaleMetric", "autoScaling"} {
		if value := canary.Field("predictor", field); value.Found() && value.IntOr(1) != 0 {
			c.Report(value, "the webhook refuses %s in a canary", field).Fix("Remove it, and set the replicas of a canary by minReplicas.")
		}
	}
	if replicas := canary.Field("predictor", "minReplicas"); replicas.IntOr(0) > p.MinReplicas() {
		c.Report(replicas, "a canary's minReplicas may not exceed the stable predictor's, %d", p.MinReplicas()).Fix(fmt.Sprintf("Write %d or less, or raise the stable predictor's.", p.MinReplicas()))
	}
}
