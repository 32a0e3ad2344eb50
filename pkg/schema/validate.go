package schema

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kservegen/kservegen/pkg/suggest"
)

// validate takes an object the way that it goes through the server on create.
func (k *kind) validate(ctx context.Context, original map[string]any) ([]Problem, error) {
	object, err := copyJSON(original)
	if err != nil {
		return nil, err
	}
	problems := k.decode(object, original)
	for i := range problems {
		problems[i].Decoding = true
	}
	defaulting.Default(object, &k.root.structural)
	typed, typeErr := k.goType(object)
	if k.version.Status {
		delete(object, "status") // create drops it: customresource.customResourceStrategy.PrepareForCreate
	}
	errs := k.validateMeta(object)
	errs = append(errs, validation.ValidateCustomResource(nil, object, k.validator)...)
	if k.native {
		errs = append(errs, k.validateNative(object, typed)...)
	} else {
		errs = append(errs, k.validateScale(object)...)
		errs = append(errs, objectmeta.Validate(nil, object, &k.root.structural, false)...)
	}
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, &k.root.structural, object)...)
	if !blocking(errs) {
		errs = append(errs, k.validateRules(ctx, object)...)
	}
	if typeErr != nil && len(problems)+len(errs) == 0 { // nothing better is known: it is in what only the server writes
		errs = append(errs, field.TypeInvalid(nil, "", "cannot be decoded: "+typeErr.Error()))
	}
	refused := problemsOf(object, errs)
	for i := range refused { // native types are Go types: a value of another type does not decode
		refused[i].Decoding = k.native && refused[i].Type == string(field.ErrorTypeTypeInvalid)
	}
	problems = append(problems, refused...)
	for i, p := range problems {
		if p.Type != string(field.ErrorTypeTypeInvalid) || p.Takes != "" {
			continue
		}
		if n := k.root.at(tokens(p.Path)); n != nil {
			problems[i].Takes = n.takes()
		}
	}
	if len(problems) == 0 {
		return nil, nil
	}
	return order(problems), nil
}

// applyDefaults fills in what the server would while it decodes.
func (k *kind) applyDefaults(object map[string]any) {
	defaulting.PruneNonNullableNullsWithoutDefaults(object, &k.root.structural)
	defaulting.Default(object, &k.root.structural)
}

// decode brings the object into the form that the server validates and returns what strict decoding refuses
// (unstructuredSchemaCoercer.apply in customresource_handler.go). Metadata is judged and put back as ObjectMeta.
func (k *kind) decode(object, original map[string]any) []Problem {
	meta, problems := decodeMeta(object, nil)
	track := structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, path := range pruning.PruneWithOptions(object, &k.root.structural, true, track) {
		problems = append(problems, k.unknown(original, path))
	}
	if k.native {
		zeroNulls(object, k.root)
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, &k.root.structural)
	err, paths := objectmeta.CoerceWithOptions(nil, object, &k.root.structural, false, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		problems = append(problems, problemOf(original, err))
	}
	for _, path := range paths {
		problems = append(problems, k.unknown(original, path))
	}
	object["apiVersion"], object["kind"] = original["apiVersion"], original["kind"]
	if _, ok := original["metadata"]; ok {
		if err := objectmeta.SetObjectMeta(object, meta); err != nil {
			problems = append(problems, Problem{Path: "/metadata", Field: "metadata", Type: string(field.ErrorTypeInvalid), Message: err.Error()})
		}
	}
	return problems
}

// unknown is the problem of a field that pruning dropped, with the name that was probably meant.
func (k *kind) unknown(original map[string]any, path string) Problem {
	at := Pointer(original, path)
	names := tokens(at)
	parent := k.root.at(names[:max(0, len(names)-1)])
	if parent == nil || len(names) == 0 {
		return unknownField(at, path, "", nil)
	}
	return unknownField(at, path, names[len(names)-1], slices.Sorted(maps.Keys(parent.properties)))
}

// child is the schema of a field, an item or a value; nil where there is none.
func (n *node) child(name string) *node {
	if child, ok := n.properties[name]; ok {
		return child
	}
	if n.items != nil {
		return n.items
	}
	return n.values
}

func unknownField(at, path, name string, known []string) Problem {
	return Problem{
		Path: at, Field: path, Type: UnknownField, Message: fmt.Sprintf("unknown field %q%s", path, hint(name, known)),
		Meant: suggest.Nearest(name, known), Slip: suggest.Slip(name, known),
	}
}

// at is the schema of a value by the names that lead to it; nil where there is none.
func (n *node) at(names []string) *node {
	for _, name := range names {
		if n = n.child(name); n == nil {
			break
		}
	}
	return n
}

// takes is what a schema wants, in words; empty where it takes anything.
func (n *node) takes() string {
	if n.structural.XIntOrString {
		return "text or a whole number"
	}
	return map[string]string{
		"string": text, "integer": "a whole number", "number": "a number", "boolean": "true or false",
		"array": "a list", "object": "an object",
	}[n.structural.Type]
}

// text is what a field of type string takes.
const text = "text"

// blocking errors keep the server from running rules: they may only be asked about objects of the right shape
// (hasBlockingErr in registry/customresource/strategy.go).
func blocking(errs field.ErrorList) bool {
	for _, err := range errs {
		switch err.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		}
	}
	return false
}

func trimDot(path string) []string { return strings.Split(strings.TrimPrefix(path, "."), ".") }
