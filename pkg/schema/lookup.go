package schema

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kservegen/kservegen/pkg/suggest"
)

// ErrForeign says that the group is none of the products': the object cannot be judged.
var ErrForeign = errors.New("no schema for the group")

// unknownError is a group, kind or version that the server would not have.
type unknownError struct {
	field   string // apiVersion or kind
	message string
}

func (e *unknownError) Error() string { return e.message }

// lookup splits an apiVersion and finds the kind. Its error is ErrForeign or an *unknownError.
func (c *Catalog) lookup(apiVersion, kind string) (schema.GroupVersionKind, error) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return schema.GroupVersionKind{}, &unknownError{"apiVersion", err.Error()}
	}
	gvk := gv.WithKind(kind)
	if _, ok := c.entries[gvk]; ok {
		return gvk, nil
	}
	if err := removed(gvk); err != nil {
		return gvk, err
	}
	kinds, ok := c.groups[gv.Group]
	if !ok {
		return gvk, c.unknownGroup(gvk)
	}
	if e, ok := kinds[kind]; ok {
		return gvk, &unknownError{"apiVersion", fmt.Sprintf("%s %s has no %s of version %q; it has %s",
			e.Product, e.Release, kind, gv.Version, strings.Join(e.Versions, ", "))}
	}
	if isShared(gv.Group) && !isSlip(kind, kinds) {
		return gvk, fmt.Errorf("%s %s: %w", gvk.GroupVersion(), gvk.Kind, ErrForeign)
	}
	for _, e := range kinds { // any: every other group belongs to one product
		return gvk, &unknownError{"kind", fmt.Sprintf("%s %s has no kind %q in %s%s",
			e.Product, e.Release, kind, groupName(gv.Group), hint(kind, slices.Sorted(maps.Keys(kinds))))}
	}
	return gvk, ErrForeign
}

// isShared reports a group in which products have kinds that are not known here: Argo Rollouts, Workflows and Events
// share that of Argo CD.
func isShared(group string) bool { return group == "argoproj.io" }

// most letters in which a misspelt group, or kind of a shared group, may differ
const misspelt = 2

func isSlip(kind string, known map[string]entry) bool {
	for name := range known {
		if suggest.Distance(kind, name) <= misspelt {
			return true
		}
	}
	return false
}

// unknownGroup tells a slip of the pen from a group of somebody else: the kind must be one of the group meant.
func (c *Catalog) unknownGroup(gvk schema.GroupVersionKind) error {
	for _, group := range slices.Sorted(maps.Keys(c.groups)) {
		e, ok := c.groups[group][gvk.Kind]
		if ok && suggest.Distance(group, gvk.Group) <= misspelt {
			return &unknownError{"apiVersion", fmt.Sprintf("there is no group %q with a %s; did you mean %s/%s?",
				gvk.Group, gvk.Kind, group, e.Versions[0])}
		}
	}
	return fmt.Errorf("%s %s: %w", gvk.GroupVersion(), gvk.Kind, ErrForeign)
}

// most words that are listed where none is near; PodSpec has forty fields
const mostListed = 12

func hint(word string, known []string) string {
	if len(known) > mostListed && suggest.Nearest(word, known) == "" {
		return ""
	}
	return suggest.Word(word, known)
}

func groupName(group string) string {
	if group == "" {
		return "the core group"
	}
	return group
}

// identify finds what keeps an object from having a kind at all.
func (c *Catalog) identify(object map[string]any) []Problem {
	var problems []Problem
	for _, name := range []string{"apiVersion", "kind"} {
		text, ok := object[name].(string)
		switch {
		case object[name] == nil || ok && text == "":
			problems = append(problems, decoding(Problem{Path: "/" + name, Field: name, Type: string(field.ErrorTypeRequired), Message: name + " is missing"}))
		case !ok:
			problems = append(problems, decoding(Problem{Path: "/" + name, Field: name, Type: string(field.ErrorTypeTypeInvalid), Message: name + " must be text"}))
		}
	}
	if len(problems) > 0 {
		return problems
	}
	var unknown *unknownError
	if _, err := c.lookup(object["apiVersion"].(string), object["kind"].(string)); errors.As(err, &unknown) {
		return []Problem{decoding(Problem{Path: "/" + unknown.field, Field: unknown.field, Type: string(field.ErrorTypeNotFound), Message: unknown.message})}
	}
	return nil
}

func decoding(p Problem) Problem {
	p.Decoding = true
	return p
}
