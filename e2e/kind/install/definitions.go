package install

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kservegen/kservegen/e2e/tools"
)

// Definitions are the CRDs of the kinds that neither Istio's nor KServe's installation brings, from the modules
// pinned in sources.yaml, the first release of each product.
func Definitions(ctx context.Context, sources string, kinds []schema.GroupKind) ([]map[string]any, error) {
	all, err := tools.ReadSources(sources)
	if err != nil {
		return nil, err
	}
	var found []map[string]any
	missing := slices.DeleteFunc(slices.Clone(kinds), func(kind schema.GroupKind) bool { return installed(kind.Group) })
	for _, source := range all {
		if len(missing) == 0 {
			break
		}
		if installed(source.Product) || len(source.CRDs) == 0 {
			continue
		}
		definitions, err := read(ctx, source, filepath.Dir(sources))
		if err != nil {
			return nil, err
		}
		for _, definition := range definitions {
			kind := defines(definition)
			if i := slices.Index(missing, kind); i >= 0 {
				missing = slices.Delete(missing, i, i+1)
				found = append(found, definition)
			}
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the tree has %v, whose CRDs no pinned module carries", missing)
	}
	return found, nil
}

// GatewayAPI installs the CRDs of the Gateway API's standard channel, all of them, as a platform does: the first release
// in sources.yaml. istiod makes its GatewayClass when it finds them.
func (i Installer) GatewayAPI(ctx context.Context, sources string) error {
	definitions, err := gatewayAPI(ctx, sources)
	if err != nil {
		return err
	}
	fmt.Fprintf(i.Log, "supplied: %d CRDs of the Gateway API, the standard channel\n", len(definitions))
	return i.inOrder(ctx, definitions)
}

func gatewayAPI(ctx context.Context, sources string) ([]map[string]any, error) {
	all, err := tools.ReadSources(sources)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(source tools.Source) bool { return source.Product == "gateway-api" })
	if at < 0 {
		return nil, fmt.Errorf("%s has no gateway-api", sources)
	}
	found, err := read(ctx, all[at], filepath.Dir(sources))
	// Beside them is a policy against installing older ones over them.
	return slices.DeleteFunc(found, func(o map[string]any) bool { return o["kind"] != "CustomResourceDefinition" }), err
}

// installed says whether Istio's or KServe's installation brings a group, or a product.
func installed(name string) bool {
	return slices.Contains([]string{
		"serving.kserve.io", "networking.istio.io", "security.istio.io", "telemetry.istio.io", "kserve", "istio",
	}, name)
}

func read(ctx context.Context, source tools.Source, folder string) ([]map[string]any, error) {
	module, err := source.Fetch(ctx, folder)
	if err != nil {
		return nil, err
	}
	var definitions []map[string]any
	for _, pattern := range source.CRDs {
		objects, err := parseFiles(module.Dir, pattern)
		if err != nil {
			return nil, err
		}
		definitions = append(definitions, objects...)
	}
	return definitions, nil
}

// defines is the kind that a CRD defines.
func defines(definition map[string]any) schema.GroupKind {
	group, _, _ := unstructured.NestedString(definition, "spec", "group")
	kind, _, _ := unstructured.NestedString(definition, "spec", "names", "kind")
	return schema.GroupKind{Group: group, Kind: kind}
}
