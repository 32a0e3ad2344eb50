package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// resource is what is stored about one kind. pkg/schema reads it.
type resource struct {
	Group  string `json:"group"`
	Kind   string `json:"kind"`
	Plural string `json:"plural"`
	// Namespaced is false for kinds that exist once per cluster.
	Namespaced bool `json:"namespaced,omitempty"`
	// Native kinds are the API server's own, the others come from a CRD.
	Native   bool      `json:"native,omitempty"`
	Versions []version `json:"versions"`
	// Nodes are the different schemas among all those of all versions, children before parents. PodSpec and
	// its parts stand dozens of times in InferenceService's schema and once here.
	Nodes []json.RawMessage `json:"nodes"`

	source source
}

// version of a kind. Root is the index of its schema in Nodes.
type version struct {
	Name    string `json:"name"`
	Served  bool   `json:"served"`
	Storage bool   `json:"storage,omitempty"`
	Root    int    `json:"root"`
	// Status says that create drops the status, Scale which fields hold replicas.
	Status bool   `json:"status,omitempty"`
	Scale  *scale `json:"scale,omitempty"`
}

type scale struct {
	Spec     string `json:"specReplicasPath"`
	Status   string `json:"statusReplicasPath"`
	Selector string `json:"labelSelectorPath,omitempty"`
}

// source is the file that a resource was read from.
type source struct{ path, sha256 string }

// node is one schema without those of its fields: they are indices of Nodes.
type node struct {
	Schema     map[string]any `json:"schema,omitempty"`
	Properties map[string]int `json:"properties,omitempty"`
	Items      *int           `json:"items,omitempty"`
	Values     *int           `json:"values,omitempty"` // additionalProperties
}

// interner gives equal schemas the same index.
type interner struct {
	nodes []json.RawMessage
	index map[string]int
}

func newInterner() *interner { return &interner{index: map[string]int{}} }

// add stores a schema and returns its index. What stands under allOf, anyOf, oneOf and not stays inline: the
// API server compiles it with the schema around it.
func (in *interner) add(schema map[string]any) (int, error) {
	n := node{Schema: map[string]any{}}
	for _, key := range slices.Sorted(maps.Keys(schema)) { // in order, so that indices are the same every time
		value := schema[key]
		switch key {
		case "properties":
			n.Properties = map[string]int{}
			properties := value.(map[string]any)
			for _, name := range slices.Sorted(maps.Keys(properties)) {
				at, err := in.add(properties[name].(map[string]any))
				if err != nil {
					return 0, err
				}
				n.Properties[name] = at
			}
		case "items", "additionalProperties":
			child, ok := value.(map[string]any)
			if !ok { // additionalProperties: true
				n.Schema[key] = value
				continue
			}
			at, err := in.add(child)
			if err != nil {
				return 0, err
			}
			if key == "items" {
				n.Items = &at
			} else {
				n.Values = &at
			}
		default:
			n.Schema[key] = value
		}
	}
	return in.store(n)
}

func (in *interner) store(n node) (int, error) {
	data, err := encode(n)
	if err != nil {
		return 0, err
	}
	if at, ok := in.index[string(data)]; ok {
		return at, nil
	}
	in.nodes = append(in.nodes, data)
	in.index[string(data)] = len(in.nodes) - 1
	return len(in.nodes) - 1, nil
}

// encode writes JSON with sorted keys and without HTML's escapes, which make CEL rules unreadable.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
