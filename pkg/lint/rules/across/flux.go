package across

import (
	"regexp"
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func healthOfModel() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1005", Name: "health-of-inferenceservice", Level: finding.Warning,
			Summary: "Flux doesn't wait for InferenceServices.",
			Why: "KServe copies status.observedGeneration from the Deployment. Flux compares it with the InferenceService's generation first, also with health checks in CEL: " +
				"as soon as the two counters differ it waits until its timeout.",
			How:   "Set wait: false and check Deployment <name>-predictor in healthChecks, with a timeout that covers loading.",
			Refs:  []string{"kserve#6081", "flux: pkg/runtime/cel/status_evaluator.go"},
			Kinds: []rule.Kind{rule.FluxKustomization},
		},
		Check: func(c *rule.Context) {
			for _, flux := range c.Objects(rule.FluxKustomization) {
				for check := range flux.Field("spec", "healthChecks").Items() {
					if kind := check.Field("kind"); kind.Text() == "InferenceService" {
						c.Report(kind, "Flux may wait for %s until its timeout", check.Field("name").Text())
					}
				}
				for check := range flux.Field("spec", "healthCheckExprs").Items() {
					if kind := check.Field("kind"); kind.Text() == "InferenceService" {
						c.Report(kind, "Flux compares the generations before it evaluates an expression")
					}
				}
			}
		},
	}
}

// variable is what Flux substitutes; $${ is escaped.
var variable = regexp.MustCompile(`(^|[^$])\$\{[A-Za-z_]`)

func substituted() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1011", Name: "substituted-by-flux", Level: finding.Error,
			Summary: "Where Flux substitutes variables, shell and PromQL escape theirs.",
			Why: "With postBuild.substitute Flux replaces ${NAME} in every text that it applies, scripts and queries too; from 2.9 on a variable that isn't given " +
				"fails the reconciliation, before that it becomes empty.",
			How:   "Write $${NAME}, or annotate the object kustomize.toolkit.fluxcd.io/substitute: disabled.",
			Refs:  []string{"flux: docs/components/kustomize/kustomizations (post build variable substitution)"},
			Kinds: rule.PredictorKinds(rule.FluxKustomization),
		},
		Check: func(c *rule.Context) {
			if !slices.ContainsFunc(c.Objects(rule.FluxKustomization), func(flux *rule.Object) bool { return flux.Field("spec", "postBuild").Len() > 0 }) {
				return
			}
			for _, p := range c.Predictors() {
				for _, part := range p.Main().Parts() {
					checkVariables(c, part)
				}
			}
		},
	}
}

func checkVariables(c *rule.Context, container rule.Value) {
	if container.Object().Annotation("kustomize.toolkit.fluxcd.io/substitute").Text() == "disabled" {
		return
	}
	for _, list := range []string{"command", "args"} {
		for text := range container.All(list, "*") {
			if variable.MatchString(text.Text()) {
				c.Report(text, "Flux replaces the variables of this text")
			}
		}
	}
}
