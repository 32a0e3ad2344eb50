package main

import (
	"errors"
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
	Required   bool     `json:"required"`
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
		if err := amendment.require(schema, name); err != nil {
			return fmt.Errorf("native.yaml: %s.%s %w", component, name, err)
		}
	}
	return nil
}

// require changes whether the schema demands the field.
func (a *amendment) require(schema map[string]any, name string) error {
	required, _ := schema["required"].([]any)
	at := slices.Index(required, any(name))
	switch {
	case a.Optional && at < 0:
		return errors.New("is optional anyway")
	case a.Required && at >= 0:
		return errors.New("is required anyway: nonEmpty says the rest")
	case a.Optional:
		schema["required"] = slices.Delete(slices.Clone(required), at, at+1)
	case a.Required:
		schema["required"] = append(slices.Clone(required), name)
	}
	return nil
}

func (a *amendment) apply(property map[string]any) error {
	if a.Duplicates {
		if property["x-kubernetes-list-map-keys"] == nil {
			return errors.New("is no list with keys")
		}
		delete(property, "x-kubernetes-list-type")
		delete(property, "x-kubernetes-list-map-keys")
	}
	if len(a.OneOf) > 0 {
		var values []any
		if !a.NonEmpty && !a.Required {
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
	nonEmpty := a.NonEmpty || a.Required
	switch {
	case nonEmpty && property["type"] == "array":
		property["minItems"] = 1
	case nonEmpty && property["type"] == "string" && len(a.OneOf) == 0:
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
