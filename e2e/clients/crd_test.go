package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// crdFiles are the CRDs that the supported releases ship, in the modules whose versions go.mod pins.
var crdFiles = map[string][]string{
	"github.com/kserve/kserve":                                 {"config/crd/full/*.yaml", "config/crd/full/llmisvc/serving*.yaml", "config/crd/full/localmodel/serving*.yaml"},
	"istio.io/api":                                             {"kubernetes/customresourcedefinitions.gen.yaml"},
	"sigs.k8s.io/gateway-api":                                  {"config/crd/standard/*_[gh]*.yaml"}, // Gateways and HTTPRoutes among them
	"github.com/kedacore/keda/v2":                              {"config/crd/bases/keda.sh_scaledobjects.yaml"},
	"github.com/aws/karpenter-provider-aws":                    {"pkg/apis/crds/*_nodepools.yaml", "pkg/apis/crds/*_ec2nodeclasses.yaml"},
	"github.com/kubernetes-csi/external-snapshotter/client/v8": {"config/crd/snapshot.storage.k8s.io_*.yaml"},
	"sigs.k8s.io/lws":                                          {"config/crd/bases/leaderworkerset*.yaml"},
	"github.com/aws/amazon-vpc-resource-controller-k8s":        {"config/crd/bases/*_securitygrouppolicies.yaml"},
	"github.com/prometheus-operator/prometheus-operator":       {"example/prometheus-operator-crd/*_podmonitors.yaml", "example/prometheus-operator-crd/*_prometheusrules.yaml"},
}

// resource is one version of a CRD, compiled as the API server does.
type resource struct {
	structural *structural.Structural
	validator  validation.SchemaValidator
	cel        *cel.Validator
}

// kinds are compiled versions by what their objects say that they are.
type kinds map[schema.GroupVersionKind]resource

// compileCRDs reads all CRDs and compiles those of the wanted kinds.
func compileCRDs(ctx context.Context, wanted map[schema.GroupVersionKind]bool) (kinds, error) {
	compiled := kinds{}
	for module, patterns := range crdFiles {
		dir, err := moduleDir(ctx, module)
		if err != nil {
			return nil, err
		}
		var files []string
		for _, pattern := range patterns {
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				return nil, err
			}
			if len(found) == 0 {
				return nil, fmt.Errorf("%s has no %s", module, pattern)
			}
			files = append(files, found...)
		}
		for _, file := range files {
			found, err := compileFile(file, wanted)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			maps.Copy(compiled, found)
		}
	}
	return compiled, nil
}

// moduleDir is where the files of a module are; go fetches them where they are missing.
func moduleDir(ctx context.Context, module string) (string, error) {
	stdout, err := output(ctx, "go", "mod", "download", "-json", module)
	if err != nil {
		return "", err
	}
	var info struct{ Dir string }
	err = json.Unmarshal(stdout, &info)
	return info.Dir, err
}

func compileFile(file string, wanted map[schema.GroupVersionKind]bool) (kinds, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	documents, err := splitStream(data)
	if err != nil {
		return nil, err
	}
	compiled := kinds{}
	for _, document := range documents {
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(document, &crd); err != nil {
			return nil, err
		}
		for _, version := range crd.Spec.Versions {
			gvk := schema.GroupVersionKind{Group: crd.Spec.Group, Version: version.Name, Kind: crd.Spec.Names.Kind}
			if !wanted[gvk] {
				continue
			}
			if compiled[gvk], err = compile(version.Schema.OpenAPIV3Schema); err != nil {
				return nil, fmt.Errorf("%s: %w", gvk, err)
			}
		}
	}
	return compiled, nil
}

func compile(props *apiextensionsv1.JSONSchemaProps) (resource, error) {
	var internal apiextensions.JSONSchemaProps
	err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(props, &internal, nil)
	if err != nil {
		return resource{}, err
	}
	shape, err := structural.NewStructural(&internal)
	if err != nil {
		return resource{}, err
	}
	validator, _, err := validation.NewSchemaValidator(&internal)
	return resource{
		structural: shape,
		validator:  validator,
		cel:        cel.NewValidator(shape, true, celconfig.PerCallLimit),
	}, err
}

// problems are what the API server would refuse in the object, or drop from it in silence.
func (r resource) problems(ctx context.Context, object map[string]any) []string {
	object = runtime.DeepCopyJSON(object)
	unknown := structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	var problems []string
	for _, path := range pruning.PruneWithOptions(object, r.structural, true, unknown) {
		problems = append(problems, "unknown field "+path)
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, r.structural)
	defaulting.Default(object, r.structural)
	errs := validation.ValidateCustomResource(nil, object, r.validator)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, r.structural, object)...)
	if len(errs) == 0 { // rules may only be asked about objects of the right shape
		rules, _ := r.cel.Validate(ctx, nil, r.structural, object, nil, celconfig.RuntimeCELCostBudget)
		errs = append(errs, rules...)
	}
	for _, err := range errs {
		problems = append(problems, err.Error())
	}
	return problems
}
