package serving

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func canaryPercent() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0201", Name: "canary-percent-ignored", Level: finding.Error,
			Summary: "canaryTrafficPercent has no effect in Standard mode.",
			Why: "Only the Knative reconciler reads canaryTrafficPercent. In Standard mode it is accepted without a word, the Deployment rolls over to the new spec, " +
				"and all of the traffic goes to it.",
			How:   "Remove it; run a second InferenceService and split with the weights of a VirtualService or an HTTPRoute.",
			Refs:  []string{"kserve#5335", "kserve#4074"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if p.Mode() != rule.Standard {
					continue
				}
				for _, component := range []string{"predictor", "transformer", "explainer"} {
					if percent := p.Object.Field("spec", component, "canaryTrafficPercent"); percent.Found() {
						c.Report(percent, "nothing reads canaryTrafficPercent in Standard mode: the new version gets all of the traffic").Remove()
					}
				}
			}
		},
	}
}

func canaryWithoutTraffic() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0203", Name: "canary-without-traffic", Level: finding.Warning,
			Summary: "spec.canary of KServe 0.20 gets no traffic.",
			Holds:   []rule.Range{{Product: rule.KServe, Until: nextRelease()}},
			Why: "KServe 0.20.0 makes the canary's Deployment and Service and takes their replicas from the stable ones, but no route sends anything to it: " +
				"weights came later, and for Gateway API only. They are on master alone, so that patches of 0.20 have none and 0.21 is expected to. Before 0.20 the field is unknown and pruned.",
			How:   "Send traffic to <name>-<canary>-predictor by a VirtualService or an HTTPRoute, or run a second InferenceService. Where a newer KServe runs, say so by --kserve-version, or as kservegen.dev/kserve-version on the ServingRuntime.",
			Refs:  []string{"kserve#5983", "kserve#5672", "kserve#5912"},
			Whole: true,
			Kinds: rule.PredictorKinds(rule.RouteKinds()...),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				for canary := range p.Object.Field("spec", "canary").Items() {
					name := canary.Field("predictor", "name").Text()
					if routes(p) {
						continue
					}
					if !routed(c, p.Name+"-"+name+"-predictor", p.Namespace) {
						c.Report(canary, "no route of the set sends traffic to canary %q, and KServe makes none", name)
					}
				}
			}
		},
	}
}

// versionAnnotation is what kservegen writes where a document says the release of KServe.
const versionAnnotation = "kservegen.dev/kserve-version"

// nextRelease is the first with what KServe's master has over 0.20: expected, and not seen.
func nextRelease() rule.Version { return rule.Version{Minor: 21} }

// saidRelease is the KServe that a predictor's runtime is said to be for.
func saidRelease(p *rule.Predictor) (rule.Version, bool) {
	if p.Runtime == nil {
		return rule.Version{}, false
	}
	version, err := rule.ParseVersion(p.Runtime.Annotation(versionAnnotation).Text())
	return version, err == nil
}

// routes says whether a KServe that weights canaries is said to run.
func routes(p *rule.Predictor) bool {
	version, said := saidRelease(p)
	return said && !version.Before(nextRelease())
}

func routed(c *rule.Context, service, namespace string) bool {
	for _, route := range c.Routes() {
		for _, destination := range route.Destinations() {
			host, ok := rule.ParseHost(destination.Name.Text(), destination.Namespace)
			if ok && host.Service == service && host.Namespace == namespace {
				return true
			}
		}
	}
	return false
}

func canaryKeda() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0204", Name: "canary-with-keda", Level: finding.Error,
			Summary: "spec.canary doesn't go together with the autoscaler class keda.",
			Holds:   []rule.Range{{Product: rule.KServe, Since: rule.Version{Minor: 20}}},
			Why: "A canary may not have metrics, but the class of the InferenceService applies to it: KServe makes it a ScaledObject without triggers, " +
				"which KEDA's CRD refuses, and reconciling stops.",
			How:   "Set the class to none or external, or run a second InferenceService.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/keda/keda_reconciler.go"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if p.Object.Field("spec", "canary").Len() > 0 && p.Class() == "keda" {
					c.Report(p.Annotation(rule.ClassAnnotation), "the canary gets a ScaledObject without triggers, which is refused")
				}
			}
		},
	}
}

func canaryZero() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0205", Name: "canary-without-replicas", Level: finding.Warning,
			Summary: "A canary with trafficPercent 0 and no minReplicas has no pod.",
			Holds:   []rule.Range{{Product: rule.KServe, Since: rule.Version{Minor: 20}}},
			Why: "The canary's replicas are its minReplicas, or the stable replicas times trafficPercent: at 0 percent the Deployment is made with 0 replicas, " +
				"so testers reach nothing and the step to 1 percent waits for a model to load.",
			How:   "Give the canary minReplicas: 1.",
			Refs:  []string{"kserve#5672"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				for canary := range p.Object.Field("spec", "canary").Items() {
					percent := canary.Field("trafficPercent")
					if percent.IntOr(0) == 0 && !canary.Field("predictor", "minReplicas").Found() && p.Class() == "none" {
						c.Report(canary, "canary %q starts with 0 replicas", canary.Field("predictor", "name").Text())
					}
				}
			}
		},
	}
}
