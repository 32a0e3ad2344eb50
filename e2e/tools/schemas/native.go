package main

import (
	"fmt"
	"slices"
	"strings"
)

// amendments are, by component and field, where the API server differs from the OpenAPI that it publishes.
type amendments map[string]map[string]*amendment

type amendment struct {
	Duplicates bool     `json:"duplicates"`
	Optional   bool     `json:"optional"`
	OneOf      []string `json:"oneOf"`
	Min        *int64   `json:"min"`
	Max        *int64   `json:"max"`
	NonEmpty   bool     `json:"nonEmpty"`
	MaxItems   *int64   `json:"maxItems"`
	Format     string   `json:"format"`
	used       bool
}

func readAmendments(path string) (amendments, error) {
	a := amendments{}
	return a, readYAML(path, &a)
}

// apply changes a component's schema in place.
func (a amendments) apply(component string, schema map[string]any) error {
	properties, _ := schema["properties"].(map[string]any)
	for name, amendment := range a[component] {
		amendment.used = true
		list, isItems := strings.CutSuffix(name, "[]")
		property, ok := properties[list].(map[string]any)
		if isItems && ok {
			property, ok = property["items"].(map[string]any)
		}
		if !ok {
			return fmt.Errorf("native.yaml: %s has no %s", component, name)
		}
		if err := amendment.apply(property); err != nil {
			return fmt.Errorf("native.yaml: %s.%s %w", component, name, err)
		}
		if !amendment.Optional {
			continue
		}
		required, _ := schema["required"].([]any)
		at := slices.Index(required, any(name))
		if at < 0 {
			return fmt.Errorf("native.yaml: %s.%s is optional anyway", component, name)
		}
		schema["required"] = slices.Delete(slices.Clone(required), at, at+1)
	}
	return nil
}

func (a *amendment) apply(property map[string]any) error {
	if a.Duplicates {
		if property["x-kubernetes-list-map-keys"] == nil {
			return fmt.Errorf("is no list with keys")
		}
		delete(property, "x-kubernetes-list-type")
		delete(property, "x-kubernetes-list-map-keys")
	}
	if len(a.OneOf) > 0 {
		var values []any
		if !a.NonEmpty {
			values = []any{""}
		}
		for _, value := range a.OneOf {
			values = append(values, value)
		}
		property["enum"] = values
	}
	for keyword, value := range map[string]*int64{"minimum": a.Min, "maximum": a.Max, "maxItems": a.MaxItems} {
		if value != nil {
			property[keyword] = *value
		}
	}
	if a.NonEmpty && property["type"] == "array" {
		property["minItems"] = 1
	} else if a.NonEmpty && len(a.OneOf) == 0 {
		property["minLength"] = 1
	}
	if a.Format != "" {
		property["format"] = a.Format
	}
	return nil
}

// unused keeps the file from outliving the API server's quirks.
func (a amendments) unused() error {
	for component, fields := range a {
		for name, amendment := range fields {
			if !amendment.used {
				return fmt.Errorf("native.yaml: nothing uses %s.%s", component, name)
			}
		}
	}
	return nil
}
