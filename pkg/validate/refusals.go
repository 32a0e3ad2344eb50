package validate

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/schema"
)

// refusals are findings at the objects that KServe refuses, but for those that are known to be refused and, of what
// comes later, those of which it is explained.
func refusals(set load.Set, effect *effective.Effect, refused, explained map[finding.Object]bool) []finding.Finding {
	all := slices.Clone(effect.Refused)
	for _, service := range effect.Services {
		all = append(all, service.Certain()...)
	}
	var findings []finding.Finding
	for _, refusal := range all {
		object := find(set, refusal.Object)
		f := At(object, Problem{
			Code: CodeWebhook, Level: finding.Error, Path: pathIn(object, refusal.Message),
			Message: fmt.Sprintf("%s refuses it: %s", refusal.By, refusal.Message),
		})
		switch {
		case refused[f.Object], refusal.Late() && (explained[f.Object] || anyOf(refused) || refusal.NoRuntime()):
			continue // said already, or it follows from what is refused or elsewhere: runtimes often are (KG1003)
		case refusal.Panicked:
			f.Code = CodeCrash
		case refusal.Late():
			f.Code = CodeController
		}
		if f.File == "" {
			f.Object = refusal.Object
		}
		findings = append(findings, f)
	}
	return findings
}

// pathOfName is where stands what has no better place.
const pathOfName = "/metadata/name"

// namedField is how KServe and the API server write the path of a field.
var namedField = regexp.MustCompile(`\b(?:spec|metadata)(?:\.[A-Za-z][A-Za-z0-9]*|\[\d+\])+`)

// pathIn is the first field of the object that a message names.
func pathIn(object manifest.Resource, message string) string {
	for _, path := range namedField.FindAllString(message, -1) {
		if pointer := schema.Pointer(object.Data, path); object.Node != nil && manifest.Lookup(object.Node, pointer) != nil {
			return pointer
		}
	}
	return pathOfName
}

// find returns the object of a set that a refusal is about; a refused runtime, for example, may be one that KServe
// ships.
func find(set load.Set, wanted finding.Object) manifest.Resource {
	for _, object := range set.Resources {
		if object.Kind() == wanted.Kind && object.Name() == wanted.Name && (object.Namespace() == wanted.Namespace || object.Namespace() == "") {
			return object
		}
	}
	return manifest.Resource{}
}
