package schema

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// Compiled is a schema as it is used, and as the server makes it out of the whole, unshared schema.
type Compiled struct {
	Name                     string
	Structural, OfServer     *structural.Structural
	OpenAPI, OpenAPIOfServer *spec.Schema
	WithPrunedDefaults       *structural.Structural
	Native                   bool
}

// EachStored calls do for every version of every kind of every release.
func EachStored(do func(Compiled)) error {
	entries, err := readIndex()
	if err != nil {
		return err
	}
	for _, e := range entries {
		s, err := read(e.Data)
		if err != nil {
			return err
		}
		for _, version := range s.Versions {
			name := fmt.Sprintf("%s %s %s/%s %s", e.Product, e.Release, e.Group, version.Name, e.Kind)
			c, err := compareStored(s, version.Root)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			c.Name, c.Native = name, s.Native
			do(c)
		}
	}
	return nil
}

func compareStored(s *stored, root int) (Compiled, error) {
	shared, err := compile(s.Nodes, root)
	if err != nil {
		return Compiled{}, err
	}
	encoded, err := json.Marshal(expand(s.Nodes, root))
	if err != nil {
		return Compiled{}, err
	}
	var published apiextensionsv1.JSONSchemaProps
	if err = json.Unmarshal(encoded, &published); err != nil {
		return Compiled{}, err
	}
	var props apiextensions.JSONSchemaProps
	if err = apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&published, &props, nil); err != nil {
		return Compiled{}, err
	}
	whole, err := structural.NewStructural(&props)
	if err != nil {
		return Compiled{}, err
	}
	var openapi spec.Schema
	formats := validation.StripUnsupportedFormatsPostProcessorForVersion(environment.DefaultCompatibilityVersion())
	if err = validation.ConvertJSONSchemaPropsWithPostProcess(&props, &openapi, formats); err != nil {
		return Compiled{}, err
	}
	pruned := whole.DeepCopy()
	err = defaulting.PruneDefaults(pruned)
	return Compiled{Structural: &shared.structural, OfServer: whole, OpenAPI: &shared.openapi, OpenAPIOfServer: &openapi, WithPrunedDefaults: pruned}, err
}

// expand undoes the sharing.
func expand(nodes []storedNode, at int) map[string]any {
	var schema map[string]any
	decoder := json.NewDecoder(bytes.NewReader(nodes[at].Schema))
	decoder.UseNumber()
	_ = decoder.Decode(&schema)
	if schema == nil {
		schema = map[string]any{}
	}
	if len(nodes[at].Properties) > 0 {
		properties := map[string]any{}
		for name, child := range nodes[at].Properties {
			properties[name] = expand(nodes, child)
		}
		schema["properties"] = properties
	}
	if nodes[at].Items != nil {
		schema["items"] = expand(nodes, *nodes[at].Items)
	}
	if nodes[at].Values != nil {
		schema["additionalProperties"] = expand(nodes, *nodes[at].Values)
	}
	return schema
}

// Rules runs an object's CEL rules compiled on demand, and all of them compiled ahead as the server does. The
// validator of the latter is kept in eager, by kind.
func (c *Catalog) Rules(ctx context.Context, object map[string]any, eager map[schema.GroupVersionKind]*cel.Validator) (lazily, ahead []string, err error) {
	k, err := c.kindOf(object)
	if err != nil {
		return nil, nil, err
	}
	if _, ok := eager[k.gvk]; !ok {
		eager[k.gvk] = cel.NewValidator(&k.root.structural, true, celconfig.PerCallLimit)
	}
	for _, err := range k.validateRules(ctx, object) {
		lazily = append(lazily, err.Error())
	}
	if eager[k.gvk] != nil {
		errs, _ := eager[k.gvk].Validate(ctx, nil, &k.root.structural, object, nil, celconfig.RuntimeCELCostBudget)
		for _, err := range errs {
			ahead = append(ahead, err.Error())
		}
	}
	return lazily, ahead, nil
}

// Hash is hash.
func Hash(object map[string]any) ([32]byte, error) { return hash(object) }
