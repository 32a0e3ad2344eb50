package importer

import (
	"path"
	"strings"
	"time"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	fluxSources        = "source.toolkit.fluxcd.io"
	fluxKustomizations = "kustomize.toolkit.fluxcd.io"
	argoCD             = "argoproj.io"
)

// pulled is what makes an engine pull the environment.
type pulled struct {
	// sync is a Flux Kustomization or an Argo CD Application, source the GitRepository or OCIRepository of the former, nil
	// where it is not in the input.
	sync, source *manifest.Resource
}

// findSync looks for what pulls the environment: what leads to an overlay that is called like it, else the only one there is.
func (s *scene) findSync() {
	var all, leading []*manifest.Resource
	for i := range s.resources {
		if r := &s.resources[i]; isSync(r) && !isShared(r) {
			all = append(all, r)
			if path.Base(path.Clean(syncPath(r))) == s.name {
				leading = append(leading, r)
			}
		}
	}
	switch {
	case len(leading) > 0:
		s.pulled.sync = leading[0]
	case len(all) == 1:
		s.pulled.sync = all[0]
	default:
		return
	}
	s.pulled.source = s.sourceOf(s.pulled.sync)
}

func isSync(r *manifest.Resource) bool {
	return r.Kind() == "Kustomization" && group(*r) == fluxKustomizations ||
		r.Kind() == "Application" && group(*r) == argoCD && dig(r.Data, "spec", "source") != nil
}

// isShared says whether an object is about what several of our documents share.
func isShared(r *manifest.Resource) bool {
	return text(dig(r.Data, "metadata", "labels", "app.kubernetes.io/part-of")) == "kservegen-shared"
}

func syncPath(r *manifest.Resource) string {
	if r.Kind() == "Application" {
		return text(dig(r.Data, "spec", "source", "path"))
	}
	return text(dig(r.Data, "spec", "path"))
}

// sourceOf is what a Flux Kustomization pulls from.
func (s *scene) sourceOf(sync *manifest.Resource) *manifest.Resource {
	ref := fields(dig(sync.Data, "spec", "sourceRef"))
	for i := range s.resources {
		r := &s.resources[i]
		namespace := text(ref["namespace"])
		if namespace == "" {
			namespace = sync.Namespace()
		}
		if group(*r) == fluxSources && r.Kind() == text(ref["kind"]) && r.Name() == text(ref["name"]) && r.Namespace() == namespace {
			return r
		}
	}
	return nil
}

// gitops infers spec.gitops, nil where nothing pulls the environment or where it pulls from is not known.
func (s *scene) gitops() map[string]any {
	sync, from := s.pulled.sync, s.pulled.source
	gitops := map[string]any{}
	switch {
	case sync == nil || sync.Kind() != "Application" && from == nil:
		return nil
	case sync.Kind() == "Application":
		s.ofArgoCD(gitops, sync)
	default:
		s.ofFlux(gitops, sync, from)
	}
	if root, ours := strings.CutSuffix(path.Clean(syncPath(sync)), path.Join(s.workloads[0].model, "overlays", s.name)); ours {
		put(gitops, path.Clean(root), "path")
	}
	return gitops
}

func (s *scene) ofFlux(gitops map[string]any, sync, from *manifest.Resource) {
	put(gitops, spec.EngineFlux, "engine")
	put(gitops, text(dig(from.Data, "spec", "url")), "repository")
	put(gitops, text(dig(from.Data, "spec", "ref", "tag")), "tag")
	if gitops["tag"] == nil {
		put(gitops, text(dig(from.Data, "spec", "ref", "branch")), "branch")
	}
	put(gitops, sync.Namespace(), "flux", "namespace")
	put(gitops, text(dig(from.Data, "spec", "interval")), "flux", "interval")
	put(gitops, text(dig(from.Data, "spec", "secretRef", "name")), "flux", "secret")
	var needs []any
	for _, one := range items(dig(sync.Data, "spec", "dependsOn")) {
		needs = append(needs, path.Join(text(dig(one, "namespace")), text(dig(one, "name"))))
	}
	put(gitops, needs, "flux", "dependsOn")
}

// ofArgoCD takes a revision for a branch: an Application does not tell it from a tag, but for an artifact, which has no
// branches.
func (s *scene) ofArgoCD(gitops map[string]any, sync *manifest.Resource) {
	put(gitops, spec.EngineArgoCD, "engine")
	repository := text(dig(sync.Data, "spec", "source", "repoURL"))
	put(gitops, repository, "repository")
	kind := "branch"
	if strings.HasPrefix(repository, spec.OCIScheme) {
		kind = "tag"
	}
	put(gitops, text(dig(sync.Data, "spec", "source", "targetRevision")), kind)
	put(gitops, sync.Namespace(), "argocd", "namespace")
	put(gitops, text(dig(sync.Data, "spec", "project")), "argocd", "project")
	put(gitops, text(dig(sync.Data, "spec", "destination", "name")), "argocd", "cluster")
}

// roleOfSync says what an object is for that makes an engine pull: this model's tree, or what it shares.
func (s *scene) roleOfSync(r *manifest.Resource) string {
	kind := strings.ToLower(r.Kind())
	switch {
	case isShared(r):
		return "shared" + kind
	case r == s.pulled.sync:
		return "sync" + kind
	case r == s.pulled.source:
		return "syncsource"
	}
	return ""
}

// sameDuration compares durations as they are written by people and by Go: 1m and 1m0s.
func sameDuration(a, b any) bool {
	was, wasErr := time.ParseDuration(text(a))
	is, isErr := time.ParseDuration(text(b))
	return wasErr == nil && isErr == nil && was == is
}

// nameSync calls what leads from one object to the other by what it is, and the items of lists that have no names.
func (s *scene) nameSync(r *manifest.Resource, spec map[string]any) {
	if r != s.pulled.sync || r.Kind() != "Kustomization" {
		return
	}
	if ref := fields(spec["sourceRef"]); ref != nil && s.pulled.source != nil {
		ref["name"] = "the source"
		delete(ref, "namespace")
	}
	spec["path"] = path.Clean(syncPath(r))
}
