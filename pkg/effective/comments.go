package effective

import (
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// Comments returns the origins as YAML comments: behind each value, or above a block where all of it has one.
func (o Object) Comments() manifest.Comments {
	if o.Origins == nil {
		return manifest.Comments{}
	}
	comments := manifest.Comments{At: map[string]string{}, Line: map[string]string{}}
	for _, name := range []string{"metadata", "spec", "data"} {
		if v, ok := o.Data[name]; ok {
			o.comment(v, "/"+name, comments)
		}
	}
	return comments
}

// comment writes the comments of a value and of what it holds.
func (o Object) comment(v any, pointer string, comments manifest.Comments) {
	origin, uniform := o.uniform(v, pointer)
	fields, isMap := v.(map[string]any)
	items, isList := v.([]any)
	if (isMap && len(fields) > 0 || isList && len(items) > 0) && uniform && strings.Count(pointer, "/") > 1 {
		comments.At[pointer] = origin.String()
		return
	}
	for name, field := range fields {
		o.comment(field, pointer+"/"+manifest.EscapeToken(name), comments)
	}
	for i, item := range items {
		o.comment(item, pointer+"/"+strconv.Itoa(i), comments)
	}
	if len(fields)+len(items) > 0 {
		return
	}
	if text, ok := v.(string); ok && (strings.Contains(text, "\n") || len(text) > 60) {
		comments.At[pointer] = origin.String()
		return
	}
	comments.Line[pointer] = origin.String()
}

// uniform says whether all values below a pointer have the same origin, and which.
func (o Object) uniform(v any, pointer string) (Origin, bool) {
	var (
		origin Origin
		first  = true
	)
	for _, l := range leaves(v) {
		found := o.Origins[pointer+l.pointer]
		if !first && found != origin {
			return origin, false
		}
		origin, first = found, false
	}
	return origin, true
}
