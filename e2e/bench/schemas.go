package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/e2e/tools"
)

// jsonName is kubeconform's template for the names that kindFile gives.
const jsonName = "{{.Group}}-{{.ResourceAPIVersion}}-{{.ResourceKind}}.json"

// schemas writes what the peers need of the modules that pkg/schema is generated from: crds/ for kubectl-validate,
// json/ for kubeconform. Only products whose kinds the trees hold are taken, so that no peer reads more than it must.
func (b *bench) schemas() (string, error) {
	all, err := tools.ReadSources(b.sources)
	if err != nil {
		return "", err
	}
	out := filepath.Join(b.dir, "schemas")
	for _, dir := range []string{"crds", "json"} {
		if err := os.MkdirAll(filepath.Join(out, dir), 0o755); err != nil {
			return "", err
		}
	}
	for _, product := range []string{"kserve", "istio", "prometheus-operator", "kubernetes"} {
		// The first release of a product is the default.
		at := slices.IndexFunc(all, func(s tools.Source) bool { return s.Product == product })
		if at < 0 {
			return "", fmt.Errorf("%s has no %s", b.sources, product)
		}
		if err := writeSource(all[at], out); err != nil {
			return "", fmt.Errorf("%s %s: %w", all[at].Module, all[at].Tag, err)
		}
	}
	return out, nil
}

func writeSource(s tools.Source, out string) error {
	// Outside of a module, so that none of this repository's go.mod files decides.
	module, err := s.Fetch(context.Background(), out)
	if err != nil {
		return err
	}
	for _, pattern := range s.CRDs {
		files, err := filepath.Glob(filepath.Join(module.Dir, pattern))
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := writeCRDs(file, out); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	for _, name := range s.OpenAPI {
		file := filepath.Join(module.Dir, "api", "openapi-spec", "v3", name+"_openapi.json")
		if err := writeNative(file, out); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// crd is what is read of a CustomResourceDefinition.
type crd struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		Group    string
		Names    struct{ Kind string }
		Versions []struct {
			Name   string
			Schema struct{ OpenAPIV3Schema map[string]any }
		}
	}
}

// writeCRDs writes every definition of a file as it is, and its versions as JSON schemas.
func writeCRDs(file, out string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for document := range strings.SplitSeq("\n"+string(content), "\n---") {
		var c crd
		if err := yaml.Unmarshal([]byte(document), &c); err != nil {
			return err
		}
		if c.Kind != "CustomResourceDefinition" {
			continue
		}
		if err := os.WriteFile(filepath.Join(out, "crds", c.Metadata.Name+".yaml"), []byte(document), 0o600); err != nil {
			return err
		}
		for _, version := range c.Spec.Versions {
			schema := closed(headed(version.Schema.OpenAPIV3Schema))
			if err := writeJSON(kindFile(out, c.Spec.Group, version.Name, c.Spec.Names.Kind), schema); err != nil {
				return err
			}
		}
	}
	return nil
}

// headed adds what the API server adds to every definition; Istio's leave it out.
func headed(schema map[string]any) map[string]any {
	properties, ok := schema["properties"].(map[string]any)
	if !ok {
		return schema
	}
	for name, kind := range map[string]string{"apiVersion": "string", "kind": "string", "metadata": "object"} {
		if _, ok := properties[name]; !ok {
			properties[name] = map[string]any{"type": kind}
		}
	}
	return schema
}

func kindFile(out, group, version, kind string) string {
	if group == "" {
		group = version // kubeconform takes the v1 of apiVersion: v1 for a group
	}
	return filepath.Join(out, "json", strings.ToLower(fmt.Sprintf("%s-%s-%s.json", group, version, kind)))
}

func writeJSON(file string, schema any) error {
	content, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o600)
}
