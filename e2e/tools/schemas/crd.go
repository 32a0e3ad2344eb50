package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// crd is the part of a CustomResourceDefinition that decides what is valid.
type crd struct {
	Kind string `json:"kind"`
	Spec struct {
		Group string `json:"group"`
		Scope string `json:"scope"`
		Names struct {
			Kind   string `json:"kind"`
			Plural string `json:"plural"`
		} `json:"names"`
		PreserveUnknownFields bool `json:"preserveUnknownFields"`
		Versions              []struct {
			Name    string `json:"name"`
			Served  bool   `json:"served"`
			Storage bool   `json:"storage"`
			Schema  struct {
				OpenAPIV3Schema map[string]any `json:"openAPIV3Schema"`
			} `json:"schema"`
			Subresources struct {
				Status map[string]any `json:"status"`
				Scale  *scale         `json:"scale"`
			} `json:"subresources"`
		} `json:"versions"`
	} `json:"spec"`
}

func readCRDs(dir string, patterns []string) ([]resource, error) {
	var resources []resource
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(dir, pattern)) // sorted
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("%s matches no file: %w", pattern, err)
		}
		for _, file := range files {
			found, err := readCRDFile(dir, file)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			resources = append(resources, found...)
		}
	}
	return resources, nil
}

func readCRDFile(dir, file string) ([]resource, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	from, err := sourceOf(dir, file, data)
	if err != nil {
		return nil, err
	}
	var resources []resource
	for _, document := range documents(data) {
		var c crd
		if err := decodeYAML(document, &c); err != nil {
			return nil, err
		}
		if c.Kind != "CustomResourceDefinition" || len(c.Spec.Versions) == 0 {
			continue // a kustomization, a patch of one, a licence
		}
		r, err := c.resource()
		if err != nil {
			return nil, err
		}
		r.source = from
		resources = append(resources, r)
	}
	return resources, nil
}

func (c crd) resource() (resource, error) {
	r := resource{
		Group:      c.Spec.Group,
		Kind:       c.Spec.Names.Kind,
		Plural:     c.Spec.Names.Plural,
		Namespaced: c.Spec.Scope == "Namespaced",
	}
	if c.Spec.PreserveUnknownFields {
		return r, fmt.Errorf("%s preserves unknown fields: not supported", r.Kind)
	}
	nodes := newInterner()
	for _, v := range c.Spec.Versions {
		schema := v.Schema.OpenAPIV3Schema
		strip(schema)
		root, err := nodes.add(schema)
		if err != nil {
			return r, err
		}
		r.Versions = append(r.Versions, version{
			Name: v.Name, Served: v.Served, Storage: v.Storage, Root: root,
			Status: v.Subresources.Status != nil, Scale: v.Subresources.Scale,
		})
	}
	r.Nodes = nodes.nodes
	return r, nil
}

// documents of a stream. None of the sources has the separator inside a text.
func documents(data []byte) [][]byte { return bytes.Split(data, []byte("\n---")) }

// decodeYAML keeps numbers as they are written.
func decodeYAML(data []byte, into any) error {
	data, err := yaml.YAMLToJSON(data)
	if err != nil {
		return err
	}
	return decodeJSON(data, into)
}

func decodeJSON(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode(into)
}

func sourceOf(dir, file string, data []byte) (source, error) {
	relative, err := filepath.Rel(dir, file)
	return source{filepath.ToSlash(relative), sum(data)}, err
}

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}
