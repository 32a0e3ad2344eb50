package native

import (
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// autoscaler is validateHorizontalPodAutoscalerSpec.
func (r *report) autoscaler(spec *autoscalingv2.HorizontalPodAutoscalerSpec, at *field.Path) {
	if minimum := spec.MinReplicas; minimum != nil {
		r.check(spec.MaxReplicas >= *minimum, at.Child("maxReplicas"), spec.MaxReplicas, "must be greater than or equal to `minReplicas`")
	}
	r.apiVersion(spec.ScaleTargetRef.APIVersion, at.Child("scaleTargetRef", "apiVersion"))
	for i := range spec.Metrics {
		r.metric(&spec.Metrics[i], at.Child("metrics").Index(i))
	}
	if spec.Behavior == nil {
		return
	}
	for name, rules := range map[string]*autoscalingv2.HPAScalingRules{"scaleUp": spec.Behavior.ScaleUp, "scaleDown": spec.Behavior.ScaleDown} {
		if rules == nil {
			continue
		}
		place := at.Child("behavior", name)
		if rules.Policies != nil && len(rules.Policies) == 0 { // without any there are defaults
			r.required(place.Child("policies"), "must specify at least one Policy")
		}
		if rules.Tolerance != nil {
			r.notNegative(*rules.Tolerance, place.Child("tolerance"))
		}
	}
}

// apiVersion of what is scaled has a group: nothing of the core group can be (ValidateAPIVersion).
func (r *report) apiVersion(apiVersion string, at *field.Path) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	switch {
	case err != nil:
		r.invalid(at, apiVersion, err.Error())
	case gv.Group == "":
		r.invalid(at, apiVersion, "apiVersion must specify API group")
	}
}

// metric: its type says which source it has, and it has no other (validateMetricSpec).
func (r *report) metric(metric *autoscalingv2.MetricSpec, at *field.Path) {
	sources := set(*metric)
	expected := strings.ToLower(string(metric.Type[:min(1, len(metric.Type))])) + string(metric.Type[min(1, len(metric.Type)):])
	if expected != "" && !slices.Contains(sources, expected) {
		r.required(at.Child(expected), "must populate information for the given metric source")
	}
	for _, source := range sources {
		if len(sources) > 1 && source != expected {
			r.forbidden(at.Child(source), "must populate the given metric source only")
		}
	}
	switch {
	case metric.Object != nil:
		r.target(metric.Object.Target, at.Child("object"), "value", "averageValue")
	case metric.External != nil:
		r.target(metric.External.Target, at.Child("external"), "value", "averageValue")
		r.exclusive(metric.External.Target, at.Child("external"), "value", "averageValue")
	case metric.Pods != nil:
		r.target(metric.Pods.Target, at.Child("pods"), "averageValue")
	case metric.Resource != nil:
		r.target(metric.Resource.Target, at.Child("resource"), "averageValue", "averageUtilization")
		r.exclusive(metric.Resource.Target, at.Child("resource"), "averageUtilization", "averageValue")
	case metric.ContainerResource != nil:
		r.target(metric.ContainerResource.Target, at.Child("containerResource"), "averageValue", "averageUtilization")
		r.exclusive(metric.ContainerResource.Target, at.Child("containerResource"), "averageUtilization", "averageValue")
		r.containerResource(metric.ContainerResource.Name, at.Child("containerResource", "name"))
	}
}

// target has one of the values that its source can have, greater than nothing (validateMetricTarget).
func (r *report) target(target autoscalingv2.MetricTarget, at *field.Path, anyOf ...string) {
	at = at.Child("target")
	given := set(target)
	if !slices.ContainsFunc(anyOf, func(name string) bool { return slices.Contains(given, name) }) {
		r.required(at.Child(anyOf[len(anyOf)-1]), "must set one of "+strings.Join(anyOf, ", "))
	}
	if target.Value != nil {
		r.check(target.Value.Sign() > 0, at.Child("value"), target.Value.String(), "must be positive")
	}
	if target.AverageValue != nil {
		r.check(target.AverageValue.Sign() > 0, at.Child("averageValue"), target.AverageValue.String(), "must be positive")
	}
}

func (r *report) exclusive(target autoscalingv2.MetricTarget, at *field.Path, one, other string) {
	if given := set(target); slices.Contains(given, one) && slices.Contains(given, other) {
		r.forbidden(at.Child("target", other), "may not be set together with "+one)
	}
}

// disruptionBudget says how many stay or how many go (ValidatePodDisruptionBudgetSpec).
func (r *report) disruptionBudget(spec *policyv1.PodDisruptionBudgetSpec, at *field.Path) {
	if spec.MinAvailable != nil && spec.MaxUnavailable != nil {
		r.invalid(at, "", "minAvailable and maxUnavailable cannot be both set")
	}
	r.atMostAll(spec.MinAvailable, at.Child("minAvailable"))
	r.atMostAll(spec.MaxUnavailable, at.Child("maxUnavailable"))
}
