package cli

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// readResources reads what the paths name as what reaches one cluster: one overlay, one environment of a document.
func readResources(ctx context.Context, in io.Reader, paths []string, env string) ([]manifest.Resource, error) {
	if err := exist(paths); err != nil {
		return nil, err
	}
	sets, err := load.Strict(ctx, paths, load.Options{Stdin: in})
	if err != nil {
		return nil, err
	}
	return pick(sets, env)
}

// pick returns the resources of the only overlay, or of the environment that is asked for.
func pick(sets []load.Set, env string) ([]manifest.Resource, error) {
	environments, overlays := map[string]bool{}, []string{}
	var resources []manifest.Resource
	for _, set := range sets {
		switch {
		case set.Kind == load.Environment:
			name := set.Name[strings.LastIndex(set.Name, " ")+1:]
			environments[name] = true
			if env != "" && name != env {
				continue
			}
		case set.Kind == load.Kustomization && serves(set):
			overlays = append(overlays, set.Name)
		}
		resources = append(resources, set.Resources...)
	}
	switch {
	case len(overlays) > 1:
		return nil, usagef("which overlay? name one of %s", strings.Join(overlays, ", "))
	case env == "" && len(environments) > 1, env != "" && !environments[env]:
		return nil, usagef("which environment? --env is one of %s", strings.Join(slices.Sorted(maps.Keys(environments)), ", "))
	}
	return resources, nil
}

// serves reports that a set holds something of KServe's; what makes Flux or Argo CD pull an overlay does not.
func serves(set load.Set) bool {
	return slices.ContainsFunc(set.Resources, func(r manifest.Resource) bool { return strings.HasPrefix(r.APIVersion(), "serving.kserve.io/") })
}
