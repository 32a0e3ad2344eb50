package native

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (r *report) tolerations(list []corev1.Toleration, at *field.Path) {
	for i, toleration := range list {
		r.toleration(toleration, at.Index(i))
	}
}

// toleration: of anything it says Exists, and only what evicts does so after a time (ValidateTolerations).
func (r *report) toleration(toleration corev1.Toleration, at *field.Path) {
	operator := at.Child("operator")
	exists := toleration.Operator == corev1.TolerationOpExists
	if toleration.Key == "" && !exists {
		r.invalid(operator, toleration.Operator, "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
	}
	if toleration.TolerationSeconds != nil && toleration.Effect != corev1.TaintEffectNoExecute {
		r.invalid(at.Child("effect"), toleration.Effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
	}
	switch {
	case exists && toleration.Value != "":
		r.invalid(operator, toleration.Value, "value must be empty when `operator` is 'Exists'")
	case !exists:
		r.invalid(operator, toleration.Value, validation.IsValidLabelValue(toleration.Value)...)
	}
}

func (r *report) affinity(affinity *corev1.Affinity, at *field.Path) {
	if affinity == nil {
		return
	}
	const required, preferred = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
	if node := affinity.NodeAffinity; node != nil {
		if node.RequiredDuringSchedulingIgnoredDuringExecution != nil {
			r.nodeSelector(node.RequiredDuringSchedulingIgnoredDuringExecution, at.Child("nodeAffinity", required))
		}
		for i, term := range node.PreferredDuringSchedulingIgnoredDuringExecution {
			r.nodeTerm(term.Preference, at.Child("nodeAffinity", preferred).Index(i).Child("preference"))
		}
	}
}

func (r *report) nodeSelector(selector *corev1.NodeSelector, at *field.Path) {
	for i, term := range selector.NodeSelectorTerms {
		r.nodeTerm(term, at.Child("nodeSelectorTerms").Index(i))
	}
}

// nodeTerm: labels of a node, or its name (ValidateNodeSelectorTerm).
func (r *report) nodeTerm(term corev1.NodeSelectorTerm, at *field.Path) {
	for i, requirement := range term.MatchExpressions {
		r.nodeLabel(requirement, at.Child("matchExpressions").Index(i))
	}
	for i, requirement := range term.MatchFields {
		place := at.Child("matchFields").Index(i)
		if requirement.Key != "metadata.name" {
			r.invalid(place.Child("key"), requirement.Key, "not a valid field selector key")
		}
		if one := []corev1.NodeSelectorOperator{corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn}; !slices.Contains(one, requirement.Operator) {
			r.invalid(place.Child("operator"), requirement.Operator, "not a valid selector operator")
		} else if len(requirement.Values) != 1 {
			r.required(place.Child("values"), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
		}
		for j, value := range requirement.Values {
			r.invalid(place.Child("values").Index(j), value, validation.IsDNS1123Subdomain(value)...)
		}
	}
}

func (r *report) nodeLabel(requirement corev1.NodeSelectorRequirement, at *field.Path) {
	values := at.Child("values")
	switch n := len(requirement.Values); requirement.Operator {
	case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
		if n == 0 {
			r.required(values, "must be specified when `operator` is 'In' or 'NotIn'")
		}
	case corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist:
		if n > 0 {
			r.forbidden(values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
		}
	case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
		if n != 1 {
			r.required(values, "must be specified single value when `operator` is 'Lt' or 'Gt'")
		}
	}
	r.invalid(at.Child("key"), requirement.Key, validation.IsQualifiedName(requirement.Key)...)
	for i, value := range requirement.Values {
		r.invalid(values.Index(i), value, validation.IsValidLabelValue(value)...)
	}
}

// spread: of each topology one constraint of a sort, and a least number of domains only where it can be enforced
// (validateTopologySpreadConstraints).
func (r *report) spread(constraints []corev1.TopologySpreadConstraint, at *field.Path) {
	r.repeatedSpread(constraints, at)
	for i, constraint := range constraints {
		if constraint.MinDomains != nil && constraint.WhenUnsatisfiable != corev1.DoNotSchedule {
			r.invalid(at.Index(i).Child("minDomains"), *constraint.MinDomains, "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not "+string(constraint.WhenUnsatisfiable))
		}
		if len(constraint.MatchLabelKeys) > 0 && constraint.LabelSelector == nil {
			r.forbidden(at.Index(i).Child("matchLabelKeys"), "must not be specified when labelSelector is not set")
		}
		for j, key := range constraint.MatchLabelKeys {
			r.invalid(at.Index(i).Child("matchLabelKeys").Index(j), key, validation.IsQualifiedName(key)...)
		}
	}
}

func (r *report) repeatedSpread(constraints []corev1.TopologySpreadConstraint, at *field.Path) {
	for i, constraint := range constraints {
		same := func(other corev1.TopologySpreadConstraint) bool {
			return other.TopologyKey == constraint.TopologyKey && other.WhenUnsatisfiable == constraint.WhenUnsatisfiable
		}
		if slices.ContainsFunc(constraints[i+1:], same) {
			r.add(field.Duplicate(at.Index(i).Child("{topologyKey, whenUnsatisfiable}"), constraint.TopologyKey))
		}
	}
}
