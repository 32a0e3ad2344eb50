package rule

import (
	"fmt"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// Object is one object of a set.
type Object struct {
	Value
	Resource *manifest.Resource
	Kind     Kind
	// Namespace is empty where the object leaves it to the client.
	Namespace, Name string
}

func newObject(resource *manifest.Resource, kind Kind) *Object {
	object := &Object{
		Resource: resource, Kind: kind, Namespace: resource.Namespace(), Name: resource.Name(),
	}
	object.Value = Value{object: object}
	if resource.Data != nil {
		object.data = resource.Data
	}
	return object
}

// Annotation and Label return those of the object itself.
func (o *Object) Annotation(key string) Value { return o.Field("metadata", "annotations", key) }

// Label returns a label of the object itself.
func (o *Object) Label(key string) Value { return o.Field("metadata", "labels", key) }

// String names the object to people.
func (o *Object) String() string { return o.Kind.Name() + " " + o.Name }

// InNamespace names a namespace in a message; an object that says none goes where the client chooses.
func InNamespace(namespace string) string {
	if namespace == "" {
		return "the client's namespace"
	}
	return fmt.Sprintf("namespace %q", namespace)
}
