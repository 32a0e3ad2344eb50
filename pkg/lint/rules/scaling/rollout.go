package scaling

import (
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func strategyText() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0508", Name: "strategy-refused", Level: finding.Error,
			Summary: "maxSurge and maxUnavailable are whole numbers or percentages, and not both zero.",
			Why: "The InferenceService's CRD takes any text. The Deployment that KServe makes of it is refused by the API server for \"1\" or \"0\", which are neither, " +
				"and for zero in both; the InferenceService stays without pods. KServe's own documentation shows such texts.",
			How:   "Write the number without quotes, or a percentage.",
			Refs:  []string{"kubernetes: pkg/apis/apps/validation/validation.go (ValidateRollingUpdateDeployment)"},
			Kinds: []rule.Kind{rule.InferenceService},
		},
		Check: func(c *rule.Context) {
			for _, service := range c.Objects(rule.InferenceService) {
				for _, component := range []string{"predictor", "transformer", "explainer"} {
					checkStrategy(c, service.Field("spec", component, "deploymentStrategy", "rollingUpdate"))
				}
			}
		},
	}
}

func checkStrategy(c *rule.Context, rolling rule.Value) {
	surge, unavailable := rolling.Field("maxSurge"), rolling.Field("maxUnavailable")
	for _, value := range []rule.Value{surge, unavailable} {
		if !value.IsText() || isPercent(value.Text()) {
			continue
		}
		reported := c.Report(value, "the API server refuses the text %q in the Deployment; write the number without quotes", value.Text())
		if n, err := strconv.ParseUint(value.Text(), 10, 31); err == nil {
			reported.Set(strconv.FormatUint(n, 10))
		}
	}
	if zero(surge) && zero(unavailable) {
		c.Report(rolling, "with maxSurge and maxUnavailable both 0 no pod could be replaced, and the API server refuses the Deployment")
	}
}

func isPercent(text string) bool {
	digits, found := strings.CutSuffix(text, "%")
	return found && digits != "" && strings.Trim(digits, "0123456789") == ""
}

func zero(value rule.Value) bool { return value.Found() && strings.Trim(value.Scalar(), "%") == "0" }

func surgeOfGPUs() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0509", Name: "surge-needs-spare-devices", Level: finding.Warning,
			Summary: "A rollout of pods with accelerators needs no spare ones.",
			Why: "KServe's default strategy, 25 percent surge and 25 percent unavailable, rounds to one pod more and none less for up to three replicas. " +
				"Without spare accelerators the new pod stays Pending, the old one isn't removed, and the rollout stops until the progress deadline.",
			How:   "Set deploymentStrategy.rollingUpdate to maxSurge: 0 and maxUnavailable: 1, or serve the new version beside the old one.",
			Refs:  []string{"kserve#4618", "kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/deployment/deployment_reconciler.go (setDefaultDeploymentSpec)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				strategy := p.Spec.Field("deploymentStrategy")
				if p.Mode() != rule.Standard || p.Main().DeviceCount() == 0 || strategy.Field("type").Text() == "Recreate" {
					continue
				}
				surge := strategy.Field("rollingUpdate", "maxSurge")
				switch {
				case !strategy.Found():
					c.Report(p.Spec, "the default rollout starts a pod more, with %s, before it stops one", finding.Plural(p.Main().DeviceCount(), "accelerator"))
				case !zero(surge):
					c.Report(strategy, "the rollout starts pods, each with %s, before it stops others", finding.Plural(p.Main().DeviceCount(), "accelerator"))
				}
			}
		},
	}
}
