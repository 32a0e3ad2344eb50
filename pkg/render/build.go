package render

import (
	"fmt"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Build runs Kustomize's own library over a directory. It keeps schemas in package variables and must not run
// concurrently (kustomize#3659).
func Build(fsys filesys.FileSystem, dir string) (resmap.ResMap, error) {
	options := krusty.MakeDefaultOptions()
	// The trees say their order themselves; a default order here would only be warned about.
	options.Reorder = krusty.ReorderOptionUnspecified
	built, err := krusty.MakeKustomizer(options).Run(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("building %s: %w", dir, err)
	}
	return built, nil
}

// BuildObjects returns what Kustomize builds as data.
func BuildObjects(fsys filesys.FileSystem, dir string) ([]map[string]any, error) {
	built, err := Build(fsys, dir)
	if err != nil {
		return nil, err
	}
	objects := make([]map[string]any, 0, built.Size())
	for _, resource := range built.Resources() {
		object, err := resource.Map()
		if err != nil {
			return nil, fmt.Errorf("building %s: %w", dir, err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}
