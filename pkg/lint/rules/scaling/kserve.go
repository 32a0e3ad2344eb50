package scaling

import (
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func metricsWithoutKeda() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0501", Name: "metrics-need-keda", Level: finding.Error,
			Summary: "External and PodMetric metrics go with the autoscaler class keda.",
			Why: "KServe's HPA takes Resource metrics and drops the others. With the class hpa written out the webhook refuses them; without a class, hpa by default, " +
				"it accepts them and makes an HPA without metrics, which Kubernetes completes to 80 percent of CPU.",
			How:   "Set the annotation serving.kserve.io/autoscalerClass: keda.",
			Refs:  []string{"kserve#4548", "kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/hpa/hpa_reconciler.go (getHPAMetrics)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if p.Mode() != rule.Standard || p.Class() == "keda" {
					continue
				}
				for metric := range p.Spec.Field("autoScaling", "metrics").Items() {
					if kind := metric.Field("type"); kind.Text() == "External" || kind.Text() == "PodMetric" {
						c.Report(kind, "the autoscaler class %s drops metrics of type %s", p.Class(), kind.Text())
					}
				}
			}
		},
	}
}

func unsupportedMetric() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0502", Name: "metric-of-knative", Level: finding.Error,
			Summary: "scaleMetric fits the deployment mode and the autoscaler class.",
			Why: "concurrency and rps are metrics of Knative's autoscaler. In Standard mode the webhook refuses them where the class hpa is written out; " +
				"otherwise KServe makes an HPA without metrics. With the class keda no scaleMetric is accepted at all.",
			How:   "Use cpu or memory, or metrics of type External with the class keda.",
			Refs:  []string{"kserve: pkg/apis/serving/v1beta1/inference_service_validation.go (validateScalingHPACompExtension)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				metric := p.Spec.Field("scaleMetric")
				switch text := metric.Text(); {
				case p.Mode() != rule.Standard || text == "":
				case p.Class() == "keda":
					c.Report(metric, "the class keda takes no scaleMetric, only autoScaling.metrics")
				case (text == "concurrency" || text == "rps") && p.Class() == "hpa":
					c.Report(metric, "nothing measures %s in Standard mode", text)
				}
			}
		},
	}
}

func behaviorDropped() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0503", Name: "behavior-dropped", Level: finding.Warning,
			Summary: "Policies of autoScaling.behavior are dropped.",
			Why: "KServe makes its HPA with an empty behavior, whatever the InferenceService says. To KEDA it hands the two stabilization windows, without the policies. " +
				"A model server then scales down with Kubernetes' defaults, which remove all replicas that the metric doesn't need within 15 seconds.",
			How:   "Use the class external with a HorizontalPodAutoscaler or ScaledObject of your own.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/hpa/hpa_reconciler.go (createHPA)", "kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/keda/keda_reconciler.go"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				behavior := p.Spec.Field("autoScaling", "behavior")
				if p.Mode() != rule.Standard || behavior.Len() == 0 {
					continue
				}
				if p.Class() == "hpa" {
					c.Report(behavior, "KServe makes the HPA with an empty behavior")
					continue
				}
				for _, direction := range []string{"scaleUp", "scaleDown"} {
					if policies := behavior.Field(direction, "policies"); p.Class() == "keda" && policies.Found() {
						c.Report(policies, "KServe doesn't hand policies to KEDA")
					}
				}
			}
		},
	}
}

func scaleToZero() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0504", Name: "scale-to-zero", Level: finding.Warning,
			Summary: "minReplicas 0 doesn't scale a model to zero in Standard mode.",
			Why: "For its HPA KServe raises 0 to 1. KEDA does go to zero, but nothing holds requests while the model loads, so they fail with 503, " +
				"and a metric of the model's own pods can't wake it.",
			How:   "Set minReplicas to 1, or use Knative mode.",
			Refs:  []string{"kserve#3514", "kserve#6001", "kserve#4007"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				replicas := p.Spec.Field("minReplicas")
				if p.Mode() != rule.Standard || replicas.IntOr(1) != 0 {
					continue
				}
				switch p.Class() {
				case "hpa":
					c.Report(replicas, "KServe raises minReplicas 0 to 1 for its HPA")
				case "keda":
					c.Report(replicas, "requests fail while the first replica loads its model")
				}
			}
		},
	}
}

func memoryTarget() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0507", Name: "memory-target-over-100", Level: finding.Error, Refused: true,
			Summary: "scaleTarget is at most 100 for memory, too.",
			Why: "The webhook means to bound the target of cpu only, but its condition binds so that any target over 100 is refused where the class hpa is written out. " +
				"The HPA takes it as a percentage of the request in any case.",
			How:   "Write a percentage from 1 to 100.",
			Refs:  []string{"kserve: pkg/apis/serving/v1beta1/inference_service_validation.go (validateScalingHPACompExtension)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				goal := p.Spec.Field("scaleTarget")
				if p.Mode() == rule.Standard && p.Annotation(rule.ClassAnnotation).Text() == "hpa" && (goal.IntOr(1) > 100 || goal.IntOr(1) < 1) {
					c.Report(goal, "the webhook refuses a target of %d", goal.IntOr(1))
				}
			}
		},
	}
}

func unknownClass() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0514", Name: "unknown-autoscaler-class", Level: finding.Error, Refused: true,
			Summary: "The autoscaler class is hpa, keda, external or none.",
			Why:     "KServe's webhook refuses every other value of the annotation.",
			How:     "Use one of the four.",
			Refs:    []string{"kserve: pkg/constants/constants.go (AutoscalerAllowedClassList)"},
			Kinds:   []rule.Kind{rule.InferenceService},
		},
		Check: func(c *rule.Context) {
			for _, service := range c.Objects(rule.InferenceService) {
				class := service.Annotation(rule.ClassAnnotation)
				if class.IsText() && !slices.Contains([]string{"hpa", "keda", "external", "none"}, class.Text()) {
					c.Report(class, "the webhook refuses the autoscaler class %q", class.Text())
				}
			}
		},
	}
}

func replicasReversed() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0515", Name: "replicas-reversed", Level: finding.Error, Refused: true,
			Summary: "minReplicas is at most maxReplicas.",
			Why:     "KServe's webhook refuses an InferenceService with less at most than at least. Of a HorizontalPodAutoscaler the API server says so itself.",
			How:     "Raise maxReplicas or lower minReplicas.",
			Refs:    []string{"kserve: pkg/apis/serving/v1beta1/component.go (validateReplicas)"},
			Kinds:   []rule.Kind{rule.InferenceService},
		},
		Check: func(c *rule.Context) {
			check := func(spec rule.Value, least string) {
				low, high := spec.Field(least), spec.Field("maxReplicas")
				if n := high.IntOr(0); n > 0 && low.IntOr(1) > n {
					c.Report(low, "%s %d is more than maxReplicas %d", least, low.IntOr(1), n)
				}
			}
			for _, service := range c.Objects(rule.InferenceService) {
				for _, component := range []string{"predictor", "transformer", "explainer"} {
					check(service.Field("spec", component), "minReplicas")
				}
			}
		},
	}
}
