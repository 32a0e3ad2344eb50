package schema

import (
	"fmt"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	apipath "k8s.io/apimachinery/pkg/api/validation/path"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// nativeName is the rule for names of a kind (pkg/apis/core/validation/validation.go and the strategies of
// k8s.io/kubernetes). Since 1.36 a Service's name may begin with a digit.
func nativeName(gk schema.GroupKind) apivalidation.ValidateNameFunc {
	switch gk.Group {
	case "rbac.authorization.k8s.io", "policy": // system:node is one
		return apipath.ValidatePathSegmentName
	case "":
		if gk.Kind == "Namespace" || gk.Kind == "Service" {
			return apivalidation.NameIsDNSLabel
		}
	}
	return apivalidation.NameIsDNSSubdomain
}

// longest name of a CronJob: its Jobs' names are eleven letters longer and are labels (pkg/apis/batch/validation)
const longestCronJob = 63 - 11

// validateNative checks what OpenAPI cannot say of the API server's own kinds.
func (k *kind) validateNative(object map[string]any) field.ErrorList {
	var errs field.ErrorList
	walkNative(object, k.root, nil, &errs)
	errs = append(errs, relations(k.gvk.GroupKind(), object)...)
	meta, _ := object["metadata"].(map[string]any)
	if name, _ := meta["name"].(string); k.gvk.Kind == "CronJob" && len(name) > longestCronJob {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), name, fmt.Sprintf("must be no more than %d characters", longestCronJob)))
	}
	return errs
}

// walkNative goes through a value with its schema.
func walkNative(value any, n *node, at *field.Path, errs *field.ErrorList) {
	if n == nil {
		return
	}
	checkFormat(value, n, at, errs)
	switch value := value.(type) {
	case map[string]any:
		if n.properties["matchLabels"] != nil && n.properties["matchExpressions"] != nil {
			*errs = append(*errs, validateSelector(value, at)...)
		}
		for key, item := range value {
			if property, ok := n.properties[key]; ok {
				if key == "metadata" {
					*errs = append(*errs, validateTemplateMeta(item, at.Child(key))...)
				}
				walkNative(item, property, at.Child(key), errs)
			} else {
				walkNative(item, n.values, at.Key(key), errs)
			}
		}
	case []any:
		for i, item := range value {
			walkNative(item, n.items, at.Index(i), errs)
		}
	}
}

func validateSelector(value map[string]any, at *field.Path) field.ErrorList {
	selector, ok := decodeSelector(value)
	if !ok {
		return nil // its shape is refused already
	}
	return metav1validation.ValidateLabelSelector(selector, metav1validation.LabelSelectorValidationOptions{}, at)
}

func decodeSelector(value any) (*metav1.LabelSelector, bool) {
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, false
	}
	var selector metav1.LabelSelector
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &selector)
	return &selector, err == nil
}

// validateTemplateMeta checks metadata inside an object, which has no name of its own.
func validateTemplateMeta(value any, at *field.Path) field.ErrorList {
	if at.String() == "metadata" {
		return nil // the object's own
	}
	meta, err := templateMeta(value)
	if err != nil {
		return field.ErrorList{field.TypeInvalid(at, "", err.Error())}
	}
	errs := metav1validation.ValidateLabels(meta.Labels, at.Child("labels"))
	return append(errs, apivalidation.ValidateAnnotations(meta.Annotations, at.Child("annotations"))...)
}

func templateMeta(value any) (*metav1.ObjectMeta, error) {
	var meta metav1.ObjectMeta
	fields, ok := value.(map[string]any)
	if !ok {
		return &meta, nil // its shape is refused already
	}
	return &meta, runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &meta)
}
