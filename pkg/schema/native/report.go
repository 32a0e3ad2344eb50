package native

import (
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// report collects what is refused.
type report struct{ errs field.ErrorList }

func (r *report) add(err *field.Error) { r.errs = append(r.errs, err) }

func (r *report) required(at *field.Path, detail string) { r.add(field.Required(at, detail)) }

func (r *report) forbidden(at *field.Path, detail string) { r.add(field.Forbidden(at, detail)) }

// invalid adds an error for each message; without one it adds nothing.
func (r *report) invalid(at *field.Path, value any, messages ...string) {
	for _, message := range messages {
		r.add(field.Invalid(at, value, message))
	}
}

// check adds the message unless it holds.
func (r *report) check(holds bool, at *field.Path, value any, message string) {
	if !holds {
		r.invalid(at, value, message)
	}
}

// set names the fields of a union that are set: its pointers that are not nil.
func set(union any) []string {
	var names []string
	value := reflect.ValueOf(union)
	for i := range value.NumField() {
		if member := value.Field(i); member.Kind() == reflect.Pointer && !member.IsNil() {
			name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
}

// distinct reports what stands in a list more than once; empty texts are somebody else's business.
type distinct map[string]bool

func (d distinct) add(r *report, at *field.Path, value string) {
	if value == "" {
		return
	}
	if d[value] {
		r.add(field.Duplicate(at, value))
	}
	d[value] = true
}

// share is a number or a part of a hundred; whether it is well formed is checked already.
func share(value *intstr.IntOrString, otherwise int) int {
	if value == nil {
		return otherwise
	}
	if value.Type == intstr.Int {
		return value.IntValue()
	}
	part, err := intstr.GetScaledValueFromIntOrPercent(value, 100, true)
	if err != nil {
		return otherwise
	}
	return part
}

// atMostAll refuses more than 100 % (IsNotMoreThan100Percent).
func (r *report) atMostAll(value *intstr.IntOrString, at *field.Path) {
	if value != nil && value.Type == intstr.String && share(value, 0) > 100 {
		r.invalid(at, value.String(), "must not be greater than 100%")
	}
}

func (r *report) notNegative(quantity resource.Quantity, at *field.Path) {
	r.check(quantity.Sign() >= 0, at, quantity.String(), "must be greater than or equal to 0")
}

// relative is a path below a folder (validateLocalDescendingPath).
func (r *report) relative(path string, at *field.Path) {
	r.check(!strings.HasPrefix(path, "/"), at, path, "must be a relative path")
	r.noWayUp(path, at)
}

func (r *report) noWayUp(path string, at *field.Path) {
	for part := range strings.SplitSeq(path, "/") {
		if part == ".." {
			r.invalid(at, path, "must not contain '..'")
			return
		}
	}
}

// reserved are names in a volume that kubelet uses itself (ValidateLocalNonReservedPath).
func (r *report) notReserved(path string, at *field.Path) {
	r.relative(path, at)
	if strings.HasPrefix(path, "..") && !strings.HasPrefix(path, "../") && path != ".." {
		r.invalid(at, path, "must not start with '..'")
	}
}

// host is a DNS name, with a wildcard at most.
func (r *report) host(host string, at *field.Path) {
	if strings.Contains(host, "*") {
		r.invalid(at, host, validation.IsWildcardDNS1123Subdomain(host)...)
		return
	}
	r.invalid(at, host, validation.IsDNS1123Subdomain(host)...)
}
