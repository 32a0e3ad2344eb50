package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kservegen/kservegen/pkg/suggest"
)

// UnknownField is the Type of a field that the schema does not have. The server has no error type for it.
const UnknownField = "FieldUnknown"

// Problem is one thing that the API server would refuse.
type Problem struct {
	// Path of the value in the object, an RFC 6901 JSON pointer; of what is missing, where it would stand.
	Path string
	// Field is Path as the API server writes it, for example spec.predictor.containers[0].name; empty where the server
	// names the object or only its text names the field.
	Field string
	// Type is UnknownField or a field.ErrorType of k8s.io/apimachinery, for example FieldValueRequired.
	Type string
	// Message is the server's, without the path.
	Message string
	// Meant is the field or the value of a list that was probably meant; empty where none is near.
	Meant string
	// Slip is Meant where nothing else can be: the only one that differs in case, dashes or one letter; else empty.
	Slip string
	// Takes is what the schema wants of a value of another type, in words: "text", "a whole number"; else empty.
	Takes string
	// Decoding is true for what the server finds while it decodes: then it stops and says nothing of the rest.
	Decoding bool
}

func (p Problem) String() string {
	return fmt.Sprintf("%s: %s", cmp.Or(p.Path, "/"), p.Message)
}

// longest value that a message repeats; some of the server's repeat a whole object.
const longestValue = 200

// problemOf translates an error of the server's code about object.
func problemOf(object map[string]any, err *field.Error) Problem {
	message := err.ErrorBody()
	if len(message) > len(err.Detail)+longestValue {
		message = fmt.Sprintf("%s: %s", err.Type, err.Detail)
	}
	name, at := err.Field, err.Field
	if name == "<nil>" { // the object itself, or a field that only the text names
		name, at = "", named(err.Detail)
	}
	if at != "" {
		message = strings.NewReplacer(at+" in body ", "", `"`+at+`" must`, "must", " in "+at, "").Replace(message)
	}
	problem := Problem{Path: Pointer(object, at), Field: name, Type: string(err.Type), Message: message}
	if value, ok := err.BadValue.(string); ok && err.Type == field.ErrorTypeNotSupported {
		known := quoted(err.Detail)
		problem.Meant, problem.Slip = suggest.Nearest(value, known), suggest.Slip(value, known)
	}
	return problem
}

// quoted are the texts that stand in double quotes: the values that a field supports.
func quoted(detail string) []string {
	var texts []string
	for i, part := range strings.Split(detail, `"`) {
		if i%2 == 1 && part != "" {
			texts = append(texts, part)
		}
	}
	return texts
}

// named is the field that the text of an error without one is about: kube-openapi says the path of anyOf, oneOf, allOf
// and not at the beginning and that of a number that does not fit its format at the end (its schema_messages.go and
// values.go).
func named(detail string) string {
	if quoted, ok := strings.CutPrefix(detail, `"`); ok {
		name, _, ok := strings.Cut(quoted, `" must`)
		if ok {
			return name
		}
	}
	if at := strings.LastIndex(detail, " format) in "); at >= 0 {
		return detail[at+len(" format) in "):]
	}
	return ""
}

func problemsOf(object map[string]any, errs field.ErrorList) []Problem {
	problems := make([]Problem, 0, len(errs))
	for _, err := range errs {
		problems = append(problems, problemOf(object, err))
	}
	return problems
}

// order makes the result the same every time: the server's code walks over maps.
func order(problems []Problem) []Problem {
	slices.SortFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(problems)
}
