package schema

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// stored is the form of a data file. e2e/tools/schemas writes it.
type stored struct {
	Native   bool            `json:"native"`
	Versions []storedVersion `json:"versions"`
	Nodes    []storedNode    `json:"nodes"`
}

type storedVersion struct {
	Name   string       `json:"name"`
	Root   int          `json:"root"`
	Status bool         `json:"status"`
	Scale  *storedScale `json:"scale"`
}

type storedScale struct {
	Spec     string `json:"specReplicasPath"`
	Status   string `json:"statusReplicasPath"`
	Selector string `json:"labelSelectorPath"`
}

// storedNode is a schema whose children are indices of smaller ones.
type storedNode struct {
	Schema     json.RawMessage `json:"schema"`
	Properties map[string]int  `json:"properties"`
	Items      *int            `json:"items"`
	Values     *int            `json:"values"`
}

// kind is one version of a kind, ready to validate.
type kind struct {
	gvk        schema.GroupVersionKind
	namespaced bool
	native     bool
	version    storedVersion
	root       *node
	validator  validation.SchemaValidator

	rules sync.Mutex // guards the CEL programs of the nodes, which are compiled on demand
}

// node is a schema in the forms that the server's code wants. Children are shared: what a CRD repeats, such as
// PodSpec, is compiled once.
type node struct {
	structural structural.Structural
	openapi    spec.Schema
	properties map[string]*node
	items      *node
	values     *node // additionalProperties

	ruled  bool                  // it or a schema in it has CEL rules
	silent structural.Structural // structural without any rules
	cel    *cel.Validator        // nil until an object has the field
}

func load(e entry, gvk schema.GroupVersionKind) (*kind, error) {
	s, err := read(e.Data)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(s.Versions, func(v storedVersion) bool { return v.Name == gvk.Version })
	if at < 0 {
		return nil, fmt.Errorf("no version %s", gvk.Version)
	}
	k := &kind{gvk: gvk, namespaced: e.Namespaced, native: s.Native, version: s.Versions[at]}
	if k.root, err = compile(s.Nodes, k.version.Root); err != nil {
		return nil, err
	}
	k.validator = validation.NewSchemaValidatorFromOpenAPI(&k.root.openapi)
	return k, nil
}

func read(file string) (*stored, error) {
	packed, err := data.ReadFile("data/" + file)
	if err != nil {
		return nil, err
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	var s stored
	return &s, json.NewDecoder(unpacked).Decode(&s)
}

// compile compiles what root holds. Children stand before their parents.
func compile(list []storedNode, root int) (*node, error) {
	if root < 0 || root >= len(list) {
		return nil, errors.New("the root is not there")
	}
	compiled := make([]*node, len(list))
	for i, needed := range reachable(list, root) {
		if !needed {
			continue
		}
		n, err := compileOne(list[i])
		if err != nil {
			return nil, err
		}
		n.properties = make(map[string]*node, len(list[i].Properties))
		for name, at := range list[i].Properties {
			n.properties[name] = compiled[at]
		}
		if at := list[i].Items; at != nil {
			n.items = compiled[*at]
		}
		if at := list[i].Values; at != nil {
			n.values = compiled[*at]
		}
		n.connect()
		compiled[i] = n
	}
	return compiled[root], nil
}

// reachable leaves out what only other versions use.
func reachable(list []storedNode, root int) []bool {
	needed := make([]bool, len(list))
	needed[root] = true
	for i := root; i >= 0; i-- {
		if !needed[i] {
			continue
		}
		for _, at := range list[i].Properties {
			needed[at] = true
		}
		for _, at := range []*int{list[i].Items, list[i].Values} {
			if at != nil {
				needed[*at] = true
			}
		}
	}
	return needed
}

// compileOne runs the server's conversions on a schema without its children.
func compileOne(s storedNode) (*node, error) {
	var published apiextensionsv1.JSONSchemaProps
	if err := json.Unmarshal(s.Schema, &published); err != nil {
		return nil, err
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&published, &props, nil); err != nil {
		return nil, err
	}
	shape, err := structural.NewStructural(&props)
	if err != nil {
		return nil, err
	}
	n := &node{structural: *shape}
	// The formats that the server knows; it drops the others before it validates.
	formats := validation.StripUnsupportedFormatsPostProcessorForVersion(environment.DefaultCompatibilityVersion())
	return n, validation.ConvertJSONSchemaPropsWithPostProcess(&props, &n.openapi, formats)
}

// connect hangs the children into each form, as the server's recursive conversions would.
func (n *node) connect() {
	n.silent = n.structural
	n.silence()
	if len(n.properties) > 0 {
		n.openapi.Properties = make(map[string]spec.Schema, len(n.properties))
		n.structural.Properties = make(map[string]structural.Structural, len(n.properties))
		n.silent.Properties = make(map[string]structural.Structural, len(n.properties))
	}
	for name, child := range n.properties {
		n.openapi.Properties[name] = child.openapi
		n.structural.Properties[name] = child.structural
		n.silent.Properties[name] = child.silent
		n.ruled = n.ruled || child.ruled
	}
	if n.items != nil {
		n.openapi.Items = &spec.SchemaOrArray{Schema: &n.items.openapi}
		n.structural.Items, n.silent.Items = &n.items.structural, &n.items.silent
		n.ruled = n.ruled || n.items.ruled
	}
	if n.values != nil {
		n.openapi.AdditionalProperties = &spec.SchemaOrBool{Allows: true, Schema: &n.values.openapi}
		n.structural.AdditionalProperties = &structural.StructuralOrBool{Bool: true, Structural: &n.values.structural}
		n.silent.AdditionalProperties = &structural.StructuralOrBool{Bool: true, Structural: &n.values.silent}
		n.ruled = n.ruled || n.values.ruled
	}
	if !n.ruled {
		n.silent = n.structural
	}
}
