package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// written are the fields of metadata that people write; servers and controllers fill the others.
func written() []string {
	return []string{"annotations", "finalizers", "generateName", "labels", "name", "namespace", "ownerReferences"}
}

// decodeMeta decodes an object's metadata strictly. Where it cannot be decoded the server stops; here what can be
// decoded goes on.
func decodeMeta(object map[string]any, at *field.Path) (*metav1.ObjectMeta, []Problem) {
	meta, found, unknown, err := objectmeta.GetObjectMetaWithOptions(object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true, ParentPath: at})
	var problems []Problem
	if err != nil {
		problems = malformedMeta(object["metadata"])
		if len(problems) == 0 {
			problems = []Problem{malformed("metadata", object, err)}
		}
		meta, _, unknown, err = objectmeta.GetObjectMetaWithOptions(object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true, DropMalformedFields: true, ParentPath: at})
	}
	if err != nil || !found || meta == nil {
		meta = &metav1.ObjectMeta{}
	}
	for _, path := range unknown {
		problems = append(problems, unknownField(Pointer(object, path), path, path[strings.LastIndexByte(path, '.')+1:], written()))
	}
	return meta, problems
}

// malformedMeta finds the fields that do not decode; the server's message names Go types and no path.
func malformedMeta(metadata any) []Problem {
	object := map[string]any{"metadata": metadata}
	fields, ok := metadata.(map[string]any)
	if !ok {
		return []Problem{malformed("metadata", object, fmt.Errorf("must be an object, not %T", metadata))}
	}
	var problems []Problem
	for name, value := range fields {
		err := decodeField(name, value)
		if err == nil {
			continue
		}
		if entries := malformedEntries(name, value, object); len(entries) > 0 {
			problems = append(problems, entries...)
			continue
		}
		problem := malformed("metadata."+name, object, err)
		if slices.Contains([]string{"generateName", "name", "namespace"}, name) {
			problem.Takes = text
		}
		problems = append(problems, problem)
	}
	return problems
}

// malformedEntries finds the labels or annotations that are not text.
func malformedEntries(name string, value any, object map[string]any) []Problem {
	var problems []Problem
	entries, _ := value.(map[string]any)
	for key, entry := range entries {
		if err := decodeField(name, map[string]any{key: entry}); err != nil {
			problem := malformed("metadata."+name+"."+key, object, err)
			problem.Takes = text
			problems = append(problems, problem)
		}
	}
	return problems
}

func decodeField(name string, value any) error {
	encoded, err := json.Marshal(map[string]any{name: value})
	if err != nil {
		return err
	}
	return json.Unmarshal(encoded, &metav1.ObjectMeta{})
}

func malformed(path string, object map[string]any, err error) Problem {
	return Problem{Path: Pointer(object, path), Field: path, Type: string(field.ErrorTypeTypeInvalid), Message: "cannot be decoded: " + err.Error()}
}

// validateMeta checks names, labels, annotations, owners and finalizers. What create overwrites is left out, and a
// missing or superfluous namespace is the client's business (rest.EnsureObjectNamespaceMatchesRequestNamespace
// fills or clears it).
func (k *kind) validateMeta(object map[string]any) field.ErrorList {
	meta, _, err := objectmeta.GetObjectMeta(object, true)
	if err != nil || meta == nil {
		meta = &metav1.ObjectMeta{}
	}
	meta.Generation, meta.ManagedFields = 1, nil
	if !k.namespaced {
		meta.Namespace = ""
	} else if meta.Namespace == "" {
		meta.Namespace = metav1.NamespaceDefault
	}
	if meta.Name == "" && meta.GenerateName != "" {
		meta.Name = meta.GenerateName + "x" // the server generates it first
	}
	validName := apivalidation.NameIsDNSSubdomain
	if k.native {
		validName = nativeName(k.gvk.GroupKind())
	}
	return apivalidation.ValidateObjectMetaAccessor(meta, k.namespaced, validName, field.NewPath("metadata"))
}
