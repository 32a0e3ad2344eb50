package importer

import (
	"slices"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// cache infers spec.model.cache from the annotation of an InferenceService, or from a LocalModelCache of its source; nil where
// there is neither.
func (s *scene) cache(w *workload, source string) any {
	group := text(dig(w.object.Data, "metadata", "annotations", "serving.kserve.io/nodegroup"))
	cache, found := map[string]any{}, group != ""
	s.each("LocalModelCache", "serving.kserve.io/", func(r *manifest.Resource) {
		groups := texts(dig(r.Data, "spec", "nodeGroups"))
		if text(dig(r.Data, "spec", "sourceModelUri")) != source || len(groups) == 0 || group != "" && !slices.Contains(groups, group) {
			return
		}
		if group == "" {
			group = groups[0]
		}
		found = true
		put(cache, text(dig(r.Data, "spec", "serviceAccountName")), "serviceAccount")
		put(cache, quantity(dig(r.Data, "spec", "modelSize")), "size")
	})
	if !found {
		return nil
	}
	if group != spec.DefaultCacheGroup {
		put(cache, group, "nodeGroup")
	}
	s.each("LocalModelNodeGroup", "serving.kserve.io/", func(r *manifest.Resource) {
		if r.Name() != group {
			return
		}
		put(cache, quantity(dig(r.Data, "spec", "storageLimit")), "storageLimit")
		labels := map[string]any{}
		for _, term := range items(dig(r.Data, "spec", "persistentVolumeSpec", "nodeAffinity", "required", "nodeSelectorTerms")) {
			for _, expression := range items(dig(term, "matchExpressions")) {
				if values := texts(dig(expression, "values")); len(values) == 1 {
					labels[text(dig(expression, "key"))] = values[0]
				}
			}
		}
		put(cache, orNil(labels), "nodeLabels")
	})
	return cache
}
