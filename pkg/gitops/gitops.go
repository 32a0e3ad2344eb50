package gitops

import (
	"maps"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Folder is where the objects of an environment go in a tree, with slashes. A kustomization of its own makes them one
// thing that a cluster's folder can list.
func Folder(engine, environment string) string { return engine + "/" + environment }

// Objects are those of one environment of a model; none where the document names no engine. Flux waits for what runs, so
// they change as revisions come and go.
func Objects(t spec.Target) []manifest.Object {
	if t.GitOps == nil {
		return nil
	}
	switch t.GitOps.Engine {
	case spec.EngineFlux:
		return flux(fluxSync{
			name: t.Name, overlay: t.GitOps.Overlay(t.Name, t.Environment), labels: t.Labels(spec.ComponentSync),
			gitops: *t.GitOps, health: healthOf(t), rollout: rollout(t), serving: t.Serving, prune: true,
		})
	case spec.EngineArgoCD:
		return []manifest.Object{argoCD(argoSync{
			name: spec.Synced(t.Name, t.Environment), namespace: t.Namespace, overlay: t.GitOps.Overlay(t.Name, t.Environment),
			labels: t.Labels(spec.ComponentSync), gitops: *t.GitOps, kept: kept(t), serves: t.Serving == spec.ServingInferenceService, prune: true,
		})}
	}
	return nil
}

// Shared are the objects of one environment of what documents share. Nothing of it is pruned: with a namespace would go
// everything in it, weights on volumes too.
func Shared(tree, environment string, g spec.GitOps, labels map[string]string) []manifest.Object {
	overlay := g.Overlay(tree, environment)
	labels = maps.Clone(labels)
	switch g.Engine {
	case spec.EngineFlux:
		g.Flux.DependsOn = nil // the models' own; what they need is not what a namespace needs
		return flux(fluxSync{name: spec.SharedSync, overlay: overlay, labels: labels, gitops: g})
	case spec.EngineArgoCD:
		return []manifest.Object{argoCD(argoSync{name: spec.Synced(spec.SharedSync, environment), overlay: overlay, labels: labels, gitops: g})}
	}
	return nil
}

// kept are the kinds of what the weights are on: claims, and the volumes of file systems that exist.
func kept(t spec.Target) string {
	kinds := ""
	if t.Omits(spec.OmitPersistentVolumeClaim) {
		return kinds
	}
	for _, r := range t.Revisions {
		switch v := r.Model.Volume; {
		case v == nil || r.Model.Source == "":
		case v.Static():
			return "PersistentVolume|PersistentVolumeClaim"
		default:
			kinds = "PersistentVolumeClaim"
		}
	}
	return kinds
}
