package cluster

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kservegen/kservegen/e2e/envtest/api"
	"github.com/kservegen/kservegen/e2e/tools"
)

// newest keeps the first release of each product, with all modules that carry it: a server has one version of
// a CRD.
func newest(sources []tools.Source) []tools.Source {
	first := map[string]string{}
	var kept []tools.Source
	for _, s := range sources {
		if _, known := first[s.Product]; !known {
			first[s.Product] = s.Version
		}
		if first[s.Product] == s.Version && len(s.CRDs) > 0 {
			kept = append(kept, s)
		}
	}
	return kept
}

// readDefinitions returns the CRDs of the products, of all for nil, from modules whose sums are as pinned.
func readDefinitions(ctx context.Context, path string, products []string) ([]*unstructured.Unstructured, error) {
	sources, err := tools.ReadSources(path)
	if err != nil {
		return nil, err
	}
	sources = slices.DeleteFunc(newest(sources), func(s tools.Source) bool { return products != nil && !slices.Contains(products, s.Product) })
	found := make([][]*unstructured.Unstructured, len(sources))
	group, ctx := errgroup.WithContext(ctx)
	for i, s := range sources {
		group.Go(func() (err error) {
			found[i], err = definitionsOf(ctx, s, filepath.Dir(path))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var all []*unstructured.Unstructured
	for _, definitions := range found {
		all = append(all, definitions...)
	}
	return all, nil
}

func definitionsOf(ctx context.Context, s tools.Source, folder string) ([]*unstructured.Unstructured, error) {
	m, err := s.Fetch(ctx, folder)
	if err != nil {
		return nil, err
	}
	var definitions []*unstructured.Unstructured
	for _, pattern := range s.CRDs {
		files, err := filepath.Glob(filepath.Join(m.Dir, pattern))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("module %s@%s has no %s", s.Module, s.Tag, pattern)
		}
		for _, file := range files {
			objects, err := readObjects(file, isDefinition)
			if err != nil {
				return nil, err
			}
			for _, object := range objects {
				if prepare(object) {
					definitions = append(definitions, object)
				}
			}
		}
	}
	return definitions, nil
}

func isDefinition(kind, _ string) bool { return kind == "CustomResourceDefinition" }

// prepare makes the CRD usable without what its product would add, and says whether it is a whole one:
// KServe keeps patches beside them. Nothing converts between versions here, so webhooks for it must go.
func prepare(definition *unstructured.Unstructured) bool {
	versions, _, _ := unstructured.NestedFieldNoCopy(definition.Object, "spec", "versions")
	if versions == nil {
		return false
	}
	unstructured.RemoveNestedField(definition.Object, "spec", "conversion")
	return true
}

// installDefinitions makes the CRDs and waits until the server serves their kinds.
func installDefinitions(ctx context.Context, client *api.Client, definitions []*unstructured.Unstructured) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, definition := range definitions {
		group.Go(func() error {
			_, err := client.Create(groupCtx, definition)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return api.Until(ctx, "the CRDs to be served", func(ctx context.Context) (bool, error) {
		if err := client.Refresh(ctx); err != nil {
			return false, err
		}
		for _, definition := range definitions {
			if !served(client, definition) {
				return false, nil
			}
		}
		return true, nil
	})
}

func served(client *api.Client, definition *unstructured.Unstructured) bool {
	group, _, _ := unstructured.NestedString(definition.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(definition.Object, "spec", "names", "kind")
	versions, _, _ := unstructured.NestedFieldNoCopy(definition.Object, "spec", "versions")
	list, _ := versions.([]any)
	for _, entry := range list {
		version, _ := entry.(map[string]any)
		name, _ := version["name"].(string)
		if version["served"] != true {
			continue
		}
		if _, ok := client.Serves(schema.GroupVersionKind{Group: group, Version: name, Kind: kind}); !ok {
			return false
		}
	}
	return true
}
