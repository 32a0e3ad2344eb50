package schema

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	apipath "k8s.io/apimachinery/pkg/api/validation/path"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kservegen/kservegen/pkg/schema/native"
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

// goType is a native object as the server decodes it, status included.
func (k *kind) goType(object map[string]any) (native.Object, error) {
	if !k.native {
		return native.Object{}, nil
	}
	return native.Decode(k.gvk, object)
}

// validateNative checks what OpenAPI cannot say of the API server's own kinds.
func (k *kind) validateNative(object map[string]any, typed native.Object) field.ErrorList {
	var errs field.ErrorList
	walkNative(object, k.root, nil, &errs)
	errs = append(errs, typed.Check()...)
	meta, _ := object["metadata"].(map[string]any)
	errs = append(errs, finalizers(meta["finalizers"])...)
	if name, _ := meta["name"].(string); k.gvk.Kind == "CronJob" && len(name) > longestCronJob {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), name, fmt.Sprintf("must be no more than %d characters", longestCronJob)))
	}
	return errs
}

// finalizers without a domain are the server's own (ValidateFinalizerName in pkg/apis/core/validation).
func finalizers(value any) field.ErrorList {
	own := []string{string(corev1.FinalizerKubernetes), metav1.FinalizerOrphanDependents, metav1.FinalizerDeleteDependents}
	var errs field.ErrorList
	list, _ := value.([]any)
	for i, item := range list {
		if name, ok := item.(string); ok && !strings.Contains(name, "/") && !slices.Contains(own, name) {
			errs = append(errs, field.Invalid(field.NewPath("metadata", "finalizers").Index(i), name, "name is neither a standard finalizer name nor is it fully qualified"))
		}
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
		if n.properties["matchLabels"] != nil && n.properties["matchExpressions"] != nil && n.format() != "unchecked" {
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
	var selector metav1.LabelSelector
	if runtime.DefaultUnstructuredConverter.FromUnstructured(value, &selector) != nil {
		return nil // its shape is refused already
	}
	return metav1validation.ValidateLabelSelector(&selector, metav1validation.LabelSelectorValidationOptions{}, at)
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

// zeroNulls puts into lists and maps what decoding makes of null there: the zero value of its type. A field that is
// null is absent, and gone already.
func zeroNulls(value any, n *node) {
	if n == nil {
		return
	}
	switch value := value.(type) {
	case map[string]any:
		for key, item := range value {
			property, known := n.properties[key]
			if item == nil && !known && n.values != nil {
				value[key] = n.values.zero()
				continue
			}
			if !known {
				property = n.values
			}
			zeroNulls(item, property)
		}
	case []any:
		for i, item := range value {
			if item == nil && n.items != nil {
				value[i] = n.items.zero()
				continue
			}
			zeroNulls(item, n.items)
		}
	}
}

func (n *node) zero() any {
	switch n.structural.Type {
	case "":
		if n.format() == "quantity" {
			return "0"
		}
	case "string":
		return ""
	case "object":
		return map[string]any{}
	case "integer":
		return int64(0)
	case "boolean":
		return false
	}
	return nil
}

func (n *node) format() string {
	if n.structural.ValueValidation == nil {
		return ""
	}
	return n.structural.ValueValidation.Format
}
