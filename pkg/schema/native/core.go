package native

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// longestData in bytes of a ConfigMap's or Secret's values together.
const longestData = corev1.MaxSecretSize

func (r *report) configMap(object *corev1.ConfigMap) {
	size := 0
	for key, value := range object.Data {
		place := field.NewPath("data").Key(key)
		r.invalid(place, key, validation.IsConfigMapKey(key)...)
		if _, twice := object.BinaryData[key]; twice {
			r.invalid(place, key, "duplicate of key present in binaryData")
		}
		size += len(value)
	}
	for key, value := range object.BinaryData {
		r.invalid(field.NewPath("binaryData").Key(key), key, validation.IsConfigMapKey(key)...)
		size += len(value)
	}
	if size > longestData {
		r.add(field.TooLong(field.NewPath("data"), "", longestData))
	}
}

// secret: each type has its keys (ValidateSecret). What stringData has is data.
func (r *report) secret(object *corev1.Secret) {
	data := map[string][]byte{}
	for key, value := range object.Data {
		data[key] = value
	}
	for key, value := range object.StringData {
		data[key] = []byte(value)
	}
	at, size := field.NewPath("data"), 0
	for key, value := range data {
		r.invalid(at.Key(key), key, validation.IsConfigMapKey(key)...)
		size += len(value)
	}
	if size > longestData {
		r.add(field.TooLong(at, "", longestData))
	}
	has := func(key string) bool { _, ok := data[key]; return ok }
	switch object.Type {
	case corev1.SecretTypeServiceAccountToken:
		if object.Annotations[corev1.ServiceAccountNameKey] == "" {
			r.required(field.NewPath("metadata", "annotations").Key(corev1.ServiceAccountNameKey), "")
		}
	case corev1.SecretTypeDockercfg:
		r.jsonKey(data, corev1.DockerConfigKey, at)
	case corev1.SecretTypeDockerConfigJson:
		r.jsonKey(data, corev1.DockerConfigJsonKey, at)
	case corev1.SecretTypeBasicAuth:
		if !has(corev1.BasicAuthUsernameKey) && !has(corev1.BasicAuthPasswordKey) {
			r.required(at.Key(corev1.BasicAuthUsernameKey), "")
		}
	case corev1.SecretTypeSSHAuth:
		if len(data[corev1.SSHAuthPrivateKey]) == 0 {
			r.required(at.Key(corev1.SSHAuthPrivateKey), "")
		}
	case corev1.SecretTypeTLS:
		for _, key := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
			if !has(key) {
				r.required(at.Key(key), "")
			}
		}
	}
}

func (r *report) jsonKey(data map[string][]byte, key string, at *field.Path) {
	value, ok := data[key]
	if !ok {
		r.required(at.Key(key), "")
		return
	}
	if err := json.Unmarshal(value, &map[string]any{}); err != nil {
		r.invalid(at.Key(key), "", "must be JSON")
	}
}

// podSecurity: the labels that its admission plugin reads; it is on in every server unless switched off
// (k8s.io/pod-security-admission/api/helpers.go).
func (r *report) podSecurity(labels map[string]string, at *field.Path) {
	levels := []string{"privileged", "baseline", "restricted"}
	for _, mode := range []string{"enforce", "audit", "warn"} {
		key := "pod-security.kubernetes.io/" + mode
		if level, ok := labels[key]; ok && !slices.Contains(levels, level) {
			r.invalid(at.Key(key), level, "must be one of "+strings.Join(levels, ", "))
		}
		if version, ok := labels[key+"-version"]; ok && !podSecurityVersion(version) {
			r.invalid(at.Key(key+"-version"), version, `must be "latest" or "v1.x"`)
		}
	}
}

func podSecurityVersion(version string) bool {
	minor, ok := strings.CutPrefix(version, "v1.")
	digits := strings.Trim(minor, "0123456789") == "" && minor != ""
	return version == "latest" || ok && digits && (minor == "0" || minor[0] != '0')
}

// highestPriority that users may give (HighestUserDefinablePriority).
const highestPriority = 1_000_000_000

func (r *report) priorityClass(class *schedulingv1.PriorityClass) {
	if strings.HasPrefix(class.Name, "system-") {
		r.forbidden(field.NewPath("metadata", "name"), "priority class names with 'system-' prefix are reserved for system use only")
	} else if class.Value > highestPriority {
		r.forbidden(field.NewPath("value"), fmt.Sprintf("maximum allowed value of a user defined priority is %d", highestPriority))
	}
}

// quota is ValidateResourceQuotaSpec.
func (r *report) quota(spec *corev1.ResourceQuotaSpec, at *field.Path) {
	for name, hard := range spec.Hard {
		place := at.Child("hard").Key(string(name))
		if r.resourceName(name, place) && !qualified(name) {
			r.check(slices.Contains(quotaResources(), name), place, name, "must be a standard resource for quota")
		}
		r.quantity(name, hard, place)
	}
	if spec.ScopeSelector == nil {
		return
	}
	place := at.Child("scopeSelector", "matchExpressions")
	for _, scope := range spec.ScopeSelector.MatchExpressions {
		listed := scope.Operator == corev1.ScopeSelectorOpIn || scope.Operator == corev1.ScopeSelectorOpNotIn
		if listed && len(scope.Values) == 0 {
			r.required(place.Child("values"), "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")
		}
		r.check(listed || len(scope.Values) == 0, place.Child("values"), scope.Values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector")
		if scope.ScopeName != corev1.ResourceQuotaScopePriorityClass && scope.ScopeName != "VolumeAttributesClass" {
			r.check(scope.Operator == corev1.ScopeSelectorOpExists, place.Child("operator"), scope.Operator, "must be 'Exists' for this scope")
		}
	}
}

// limitRange is ValidateLimitRange: min ≤ default request ≤ default ≤ max.
func (r *report) limitRange(spec *corev1.LimitRangeSpec, at *field.Path) {
	types := distinct{}
	for i := range spec.Limits {
		limit, place := &spec.Limits[i], at.Child("limits").Index(i)
		r.limitType(limit.Type, place.Child("type"))
		types.add(r, place.Child("type"), string(limit.Type))
		r.limitNames(limit, place)
		r.ordered(limit.Min, "min", limit.Max, "max", place)
		if limit.Type == corev1.LimitTypePod {
			for name, list := range map[string]corev1.ResourceList{"default": limit.Default, "defaultRequest": limit.DefaultRequest} {
				if len(list) > 0 {
					r.forbidden(place.Child(name), "may not be specified when `type` is 'Pod'")
				}
			}
			continue
		}
		r.ordered(limit.Min, "defaultRequest", limit.DefaultRequest, "defaultRequest", place)
		r.ordered(limit.DefaultRequest, "defaultRequest", limit.Max, "max", place)
		r.ordered(limit.DefaultRequest, "defaultRequest", limit.Default, "default", place)
		r.ordered(limit.Min, "default", limit.Default, "default", place)
		r.ordered(limit.Default, "default", limit.Max, "max", place)
		one := resource.MustParse("1")
		for name, ratio := range limit.MaxLimitRequestRatio {
			r.check(ratio.Cmp(one) >= 0, place.Child("maxLimitRequestRatio").Key(string(name)), ratio.String(), "ratio is less than 1")
		}
	}
}

func (r *report) limitType(limitType corev1.LimitType, at *field.Path) {
	if limitType == "" {
		return
	}
	if messages := validation.IsQualifiedName(string(limitType)); len(messages) > 0 {
		r.invalid(at, limitType, messages...)
		return
	}
	standard := []corev1.LimitType{corev1.LimitTypePod, corev1.LimitTypeContainer, corev1.LimitTypePersistentVolumeClaim}
	r.check(strings.Contains(string(limitType), "/") || slices.Contains(standard, limitType), at, limitType, "must be a standard limit type or fully qualified")
}

func (r *report) limitNames(limit *corev1.LimitRangeItem, at *field.Path) {
	lists := map[string]corev1.ResourceList{
		"max": limit.Max, "min": limit.Min, "default": limit.Default, "defaultRequest": limit.DefaultRequest,
		"maxLimitRequestRatio": limit.MaxLimitRequestRatio,
	}
	for list, resources := range lists {
		for name := range resources {
			place := at.Child(list).Key(string(name))
			if limit.Type == corev1.LimitTypePod || limit.Type == corev1.LimitTypeContainer {
				r.containerResource(name, place)
			} else {
				r.resourceName(name, place)
			}
		}
	}
}

// ordered refuses a resource of which less is more; the field at fault is named by the first list's role.
func (r *report) ordered(less corev1.ResourceList, at string, more corev1.ResourceList, than string, place *field.Path) {
	for name, low := range less {
		if high, ok := more[name]; ok && low.Cmp(high) > 0 {
			r.invalid(place.Child(at).Key(string(name)), low.String(), fmt.Sprintf("is greater than %s value %s", than, high.String()))
		}
	}
}
