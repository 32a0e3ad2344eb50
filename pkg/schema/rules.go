package schema

import (
	"context"

	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// silence removes the node's own rules from its silent form and notes that it has some.
func (n *node) silence() {
	n.silent.XValidations = nil
	nested := n.silent.ValueValidation != nil && nestedRules(n.silent.ValueValidation.AllOf)
	if nested {
		quiet := *n.silent.ValueValidation
		quiet.AllOf = nil
		n.silent.ValueValidation = &quiet
	}
	n.ruled = nested || len(n.structural.XValidations) > 0
}

// nestedRules finds rules under allOf, the one junction where the server runs them.
func nestedRules(list []structural.NestedValueValidation) bool {
	for _, nested := range list {
		if len(nested.XValidations) > 0 || nestedRules(nested.AllOf) {
			return true
		}
		children := []structural.NestedValueValidation{}
		for _, child := range nested.Properties {
			children = append(children, child)
		}
		for _, child := range []*structural.NestedValueValidation{nested.Items, nested.AdditionalProperties} {
			if child != nil {
				children = append(children, *child)
			}
		}
		if nestedRules(children) {
			return true
		}
	}
	return false
}

// validateRules runs the CEL rules of the fields that the object has.
func (k *kind) validateRules(ctx context.Context, object map[string]any) field.ErrorList {
	if !k.root.ruled {
		return nil
	}
	k.rules.Lock()
	defer k.rules.Unlock()
	errs, _ := k.root.link(object, true).Validate(ctx, nil, &k.root.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return errs
}

// link compiles the rules that stand on the way of a value and were not needed before, and hangs them into the
// server's tree of validators. Compiling is most of the price of a CRD with rules (51 ms of a DestinationRule's),
// and an object has few of the fields.
func (n *node) link(value any, root bool) *cel.Validator {
	if !n.ruled {
		return nil
	}
	if n.cel == nil {
		n.cel = n.ownRules(root)
	}
	switch value := value.(type) {
	case map[string]any:
		for key, item := range value {
			n.linkField(key, item)
		}
	case []any:
		for _, item := range value {
			if n.items != nil {
				n.cel.Items = n.items.link(item, n.items.structural.XEmbeddedResource)
			}
		}
	}
	return n.cel
}

func (n *node) linkField(key string, value any) {
	if child, ok := n.properties[key]; ok {
		if validator := child.link(value, child.structural.XEmbeddedResource); validator != nil {
			if n.cel.Properties == nil {
				n.cel.Properties = map[string]cel.Validator{}
			}
			n.cel.Properties[key] = *validator
		}
		return
	}
	if n.values != nil {
		n.cel.AdditionalProperties = n.values.link(value, n.values.structural.XEmbeddedResource)
	}
}

// ownRules compiles the rules of this schema and none of those in it.
func (n *node) ownRules(root bool) *cel.Validator {
	shell := n.silent
	shell.XValidations = n.structural.XValidations
	shell.ValueValidation = n.structural.ValueValidation
	if validator := cel.NewValidator(&shell, root, celconfig.PerCallLimit); validator != nil {
		return validator
	}
	return &cel.Validator{Schema: &shell}
}
