package validate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/schema"
)

// fixOf is what a person can do; repairOf knows better where there is but one thing to do.
func fixOf(object manifest.Resource, p schema.Problem) string {
	name := p.Path[strings.LastIndexByte(p.Path, '/')+1:]
	_, there := manifest.ValueAt(object.Data, p.Path)
	switch {
	case clashes(object, p) && p.Takes == "text":
		return "Write text, in quotes."
	case clashes(object, p):
		return "Write " + p.Takes + "."
	case p.Type == schema.UnknownField && p.Meant != "":
		return fmt.Sprintf("Rename it to %s, or remove it.", p.Meant)
	case p.Type == schema.UnknownField:
		return "Correct its name, or remove it."
	case p.Meant != "":
		return fmt.Sprintf("Write %s, or another of the values.", p.Meant)
	case strings.Contains(p.Message, "[numkMGTPE]") || strings.Contains(p.Message, "quantities must match"):
		return "Write a quantity: a number and perhaps a unit, for example 500m, 2 or 16Gi."
	}
	switch field.ErrorType(p.Type) {
	case field.ErrorTypeNotFound:
		return notFoundFix(object, p)
	case field.ErrorTypeRequired:
		if there {
			return fmt.Sprintf("Give %s a value.", manifest.UnescapeToken(name))
		}
		return fmt.Sprintf("Add %s.", manifest.UnescapeToken(name))
	case field.ErrorTypeDuplicate:
		return "Remove it, or make it another."
	case field.ErrorTypeForbidden:
		return "Remove it."
	case field.ErrorTypeTooLong:
		return "Shorten it."
	case field.ErrorTypeTooMany:
		return "Remove some."
	case field.ErrorTypeNotSupported:
		return "Write one of the values."
	}
	return "Write a value as the message says."
}

// notFoundFix is for a kind that the server does not have, which has no path below it, or a name that another list of
// the same pod has to have: volumes for volumeMounts and volumeDevices, in every workload of the API (ValidateVolumeMounts
// and ValidateVolumeDevices of k8s.io/kubernetes).
func notFoundFix(object manifest.Resource, p schema.Problem) string {
	if p.Path == "/apiVersion" || p.Path == "/kind" {
		return ruleOf(CodeUnknownKind).Fix
	}
	for _, list := range []string{"/containers/", "/initContainers/", "/ephemeralContainers/"} {
		pod, below, found := strings.Cut(p.Path, list)
		if !found || !strings.Contains(below, "/volumeMounts/") && !strings.Contains(below, "/volumeDevices/") {
			continue
		}
		if names := namesIn(object, pod+"/volumes"); len(names) > 0 {
			return fmt.Sprintf("Write the name of a volume (%s), or add one of this name to volumes.", strings.Join(names, ", "))
		}
		return "Add a volume of this name to volumes; the pod has none."
	}
	return "Write the name of one that is there, or add it."
}

func namesIn(object manifest.Resource, path string) []string {
	value, _ := manifest.ValueAt(object.Data, path)
	list, _ := value.([]any)
	var names []string
	for _, item := range list {
		fields, _ := item.(map[string]any)
		if name, ok := fields["name"].(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// clashes says whether a value has another type than the schema wants.
func clashes(object manifest.Resource, p schema.Problem) bool {
	value, there := manifest.ValueAt(object.Data, p.Path)
	if !there || p.Takes == "" {
		return false
	}
	allowed := map[string][]string{
		"text": {"text"}, "a whole number": {"a whole number"}, "a number": {"a whole number", "a number"},
		"true or false": {"true or false"}, "a list": {"a list"}, "an object": {"an object"},
		"text or a whole number": {"text", "a whole number"},
	}
	return !slices.Contains(allowed[p.Takes], typeOf(value))
}

func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case bool:
		return "true or false"
	case int64, int:
		return "a whole number"
	case float64:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}

func messageOfClash(object manifest.Resource, p schema.Problem) string {
	value, _ := manifest.ValueAt(object.Data, p.Path)
	is := typeOf(value)
	if written, scalar := writtenAt(object, p.Path, value); scalar {
		if is == "text" {
			written = strconv.Quote(written)
		}
		is = written + " is " + is
		if boolean, ok := value.(bool); ok && written != strconv.FormatBool(boolean) {
			is = fmt.Sprintf("%s means %t in YAML 1.1", written, boolean)
		}
	} else {
		is = "it is " + is
	}
	return fmt.Sprintf("%s: %s, and the API server takes %s", p.Field, is, p.Takes)
}

// writtenAt is a scalar as the file has it (yes, 0x10, 1e3), or as JSON where a patch wrote it.
func writtenAt(object manifest.Resource, path string, value any) (string, bool) {
	if _, patched := object.Places[path]; !patched {
		if n := manifest.Lookup(object.Node, path); n != nil && n.Kind == yaml.ScalarNode && value != nil {
			return n.Value, true
		}
	}
	switch value := value.(type) {
	case string:
		return value, true
	case int64, int: // not a boolean: it may be written in twenty ways
		return fmt.Sprint(value), true
	case float64:
		return strconv.FormatFloat(value, 'g', -1, 64), true
	}
	return "", false
}

// repairOf is the one change that mends a problem; without a change where there is none or a choice.
func repairOf(object manifest.Resource, p schema.Problem) repair {
	slash := strings.LastIndexByte(p.Path, '/')
	if slash < 0 {
		return repair{}
	}
	name := manifest.UnescapeToken(p.Path[slash+1:])
	value, _ := manifest.ValueAt(object.Data, p.Path)
	switch {
	case p.Type == schema.UnknownField:
		return renaming(object, p, name)
	case p.Slip != "":
		return setting(object, p, name, p.Slip, p.Slip, "Write "+p.Slip+".")
	case !clashes(object, p):
		return repair{}
	}
	written, scalar := writtenAt(object, p.Path, value)
	text, isText := value.(string)
	switch {
	case scalar && !isText && strings.HasPrefix(p.Takes, "text"):
		quoted := strconv.Quote(written)
		r := setting(object, p, name, written, quoted, fmt.Sprintf("Write %s, with the quotes.", quoted))
		r.otherwise = fmt.Sprintf("Write %s; %s in quotes would be refused, too: ", p.Takes, quoted)
		return r
	case isText && p.Takes == "a whole number":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
			return setting(object, p, name, n, text, fmt.Sprintf("Write %s, without quotes.", text))
		}
	case isText && p.Takes == "true or false" && (text == "true" || text == "false"):
		return setting(object, p, name, text == "true", text, fmt.Sprintf("Write %s, without quotes.", text))
	}
	return repair{}
}

// setting puts another value in the place of one.
func setting(object manifest.Resource, p schema.Problem, name string, value any, text, fix string) repair {
	place := object.At(p.Path)
	was, _ := manifest.ValueAt(object.Data, p.Path)
	old, _ := writtenAt(object, p.Path, was)
	return repair{
		path: p.Path, fix: fix,
		change: func(holder any) { put(holder, name, value) },
		edit:   finding.Edit{File: place.File, Line: place.Line, Column: place.Column, Key: name, Old: old, Text: text},
	}
}

// renaming gives a field the name that it is a slip of, unless there is a field of that name already.
func renaming(object manifest.Resource, p schema.Problem, name string) repair {
	path := p.Path[:strings.LastIndexByte(p.Path, '/')+1] + manifest.EscapeToken(p.Slip)
	if _, taken := manifest.ValueAt(object.Data, path); p.Slip == "" || taken {
		return repair{}
	}
	r := repair{
		path: path, moved: p.Path, fix: fmt.Sprintf("Rename it to %s.", p.Slip),
		change: func(holder any) {
			fields, _ := holder.(map[string]any)
			put(holder, p.Slip, fields[name])
			delete(fields, name)
		},
	}
	if key := keyPlace(object, p.Path); key.Line > 0 {
		text := p.Slip
		if manifest.LookupKey(object.Node, p.Path).Style != 0 { // {"a":1} is a mapping, {a:1} is none
			text = strconv.Quote(text)
		}
		r.edit = finding.Edit{File: key.File, Line: key.Line, Column: key.Column, Key: name, Old: name, Text: text}
	}
	return r
}

func put(holder any, token string, value any) {
	switch holder := holder.(type) {
	case map[string]any:
		holder[token] = value
	case []any:
		if i, ok := manifest.IndexOf(holder, token); ok {
			holder[i] = value
		}
	}
}
