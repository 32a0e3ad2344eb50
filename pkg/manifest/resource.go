package manifest

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Resource is one Kubernetes object as it was read, with the places of its values.
type Resource struct {
	// Data is JSON-shaped, whole numbers are int64.
	Data map[string]any
	// File that it stands in, and Node, its content; Node is nil where the object stands in no file (one that
	// Kustomize or KServe made).
	File string
	Node *yaml.Node
	// Places overrides where single values stand, by JSON pointer: those that an overlay's patch wrote.
	Places map[string]Place
}

// Place is a position in a file. Line and Column count from 1.
type Place struct {
	File         string
	Line, Column int
}

// At returns where the value at a JSON pointer stands, or its nearest ancestor that has a place.
func (r Resource) At(pointer string) Place {
	for {
		if place, ok := r.Places[pointer]; ok {
			return place
		}
		if n := Lookup(r.Node, pointer); n != nil {
			return Place{r.File, n.Line, n.Column}
		}
		if pointer == "" {
			return Place{File: r.File}
		}
		pointer = pointer[:strings.LastIndexByte(pointer, '/')]
	}
}

// APIVersion of the object. It and the other names are empty where the object does not say them as text.
func (r Resource) APIVersion() string { return r.text("apiVersion") }

// Kind of the object.
func (r Resource) Kind() string { return r.text("kind") }

// Name of the object.
func (r Resource) Name() string { return r.text("metadata", "name") }

// Namespace of the object; empty for cluster-wide kinds and where it is left to the client.
func (r Resource) Namespace() string { return r.text("metadata", "namespace") }

func (r Resource) text(path ...string) string {
	var value any = r.Data
	for _, key := range path {
		fields, _ := value.(map[string]any)
		value = fields[key]
	}
	text, _ := value.(string)
	return text
}
