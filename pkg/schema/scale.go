package schema

import (
	"fmt"
	"math"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// validateScale checks the fields that the scale subresource reads
// (customResourceValidator.ValidateScaleSpec and ValidateScaleStatus).
func (k *kind) validateScale(object map[string]any) field.ErrorList {
	scale := k.version.Scale
	if scale == nil {
		return nil
	}
	var errs field.ErrorList
	for _, path := range []string{scale.Spec, scale.Status} {
		replicas, _, err := unstructured.NestedInt64(object, trimDot(path)...)
		at := field.NewPath(path)
		switch {
		case err != nil:
			errs = append(errs, field.Invalid(at, replicas, err.Error()))
		case replicas < 0:
			errs = append(errs, field.Invalid(at, replicas, "should be a non-negative integer"))
		case replicas > math.MaxInt32:
			errs = append(errs, field.Invalid(at, replicas, fmt.Sprintf("should be less than or equal to %d", math.MaxInt32)))
		}
	}
	if scale.Selector != "" {
		if _, _, err := unstructured.NestedString(object, trimDot(scale.Selector)...); err != nil {
			errs = append(errs, field.Invalid(field.NewPath(scale.Selector), "", err.Error()))
		}
	}
	return errs
}
