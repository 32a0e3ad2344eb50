package gitops

import (
	"strings"
	"time"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/sizing"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	// reconcileInterval is how often Flux compares the cluster with what it applied last.
	reconcileInterval = 10 * time.Minute
	// retryInterval follows a failure: KServe's webhook not up yet, a node that had to be started first.
	retryInterval = time.Minute
)

// fluxSync is one overlay that Flux applies.
type fluxSync struct {
	// name of the source and of the Kustomization: an environment's objects are called as those of every other, so a
	// cluster holds one environment and the name needs none.
	name, overlay string
	labels        map[string]string
	gitops        spec.GitOps
	health        []health
	rollout       sizing.Startup
	// serving is the kind whose replicas are waited for.
	serving string
	prune   bool
}

func flux(s fluxSync) []manifest.Object { return []manifest.Object{s.source(), s.kustomization()} }

func (s fluxSync) meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: s.name, Namespace: s.gitops.Flux.Namespace, Labels: s.labels}
}

func (s fluxSync) source() manifest.Object {
	if s.gitops.IsOCI() {
		return s.ociRepository()
	}
	repository := &sourcev1.GitRepository{
		TypeMeta: metav1.TypeMeta{APIVersion: sourcev1.GroupVersion.String(), Kind: sourcev1.GitRepositoryKind}, ObjectMeta: s.meta(),
		Spec: sourcev1.GitRepositorySpec{
			URL: s.gitops.Repository, Interval: s.interval(), SecretRef: s.secret(),
			Reference: &sourcev1.GitRepositoryRef{Branch: s.gitops.Branch, Tag: s.gitops.Tag},
		},
	}
	return manifest.Object{File: "gitrepository", Typed: repository, Comments: s.sourceComments("The Git repository that this tree is in.")}
}

func (s fluxSync) ociRepository() manifest.Object {
	repository := &sourcev1.OCIRepository{
		TypeMeta: metav1.TypeMeta{APIVersion: sourcev1.GroupVersion.String(), Kind: sourcev1.OCIRepositoryKind}, ObjectMeta: s.meta(),
		Spec: sourcev1.OCIRepositorySpec{
			URL: s.gitops.Repository, Interval: s.interval(), SecretRef: s.secret(),
			Reference: &sourcev1.OCIRepositoryRef{Tag: s.gitops.Tag},
		},
	}
	comments := s.sourceComments("The OCI artifact that this tree is in (flux push artifact).")
	if provider := providerOf(s.gitops.Repository); provider != "" && s.gitops.Flux.Secret == "" {
		repository.Spec.Provider = provider
		comments.At["/spec/provider"] = "Flux logs in with its own identity there; it needs no Secret."
	}
	return manifest.Object{File: "ocirepository", Typed: repository, Comments: comments}
}

func (s fluxSync) sourceComments(head string) manifest.Comments {
	comments := manifest.Comments{Head: head, At: map[string]string{}}
	if s.gitops.Flux.Secret != "" {
		comments.At["/spec/secretRef"] = "In " + s.gitops.Flux.Namespace + "; it is not part of the tree."
	}
	return comments
}

// providerOf is the cloud of a registry's host that Flux can log in to without a Secret, empty for others.
// https://fluxcd.io/flux/components/source/ocirepositories/#provider
func providerOf(repository string) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(repository, spec.OCIScheme), "/")
	switch {
	case strings.Contains(host, ".dkr.ecr.") && (strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")):
		return sourcev1.AmazonOCIProvider
	case strings.HasSuffix(host, ".azurecr.io"):
		return sourcev1.AzureOCIProvider
	case host == "gcr.io", strings.HasSuffix(host, ".gcr.io"), strings.HasSuffix(host, "-docker.pkg.dev"):
		return sourcev1.GoogleOCIProvider
	}
	return ""
}

func (s fluxSync) interval() metav1.Duration {
	return metav1.Duration{Duration: s.gitops.Flux.Interval.Or(spec.DefaultFluxInterval)}
}

func (s fluxSync) secret() *meta.LocalObjectReference {
	if s.gitops.Flux.Secret == "" {
		return nil
	}
	return &meta.LocalObjectReference{Name: s.gitops.Flux.Secret}
}

func (s fluxSync) kustomization() manifest.Object {
	kind := sourcev1.GitRepositoryKind
	if s.gitops.IsOCI() {
		kind = sourcev1.OCIRepositoryKind
	}
	k := &kustomizev1.Kustomization{
		TypeMeta: metav1.TypeMeta{APIVersion: kustomizev1.GroupVersion.String(), Kind: kustomizev1.KustomizationKind}, ObjectMeta: s.meta(),
		Spec: kustomizev1.KustomizationSpec{
			Interval: metav1.Duration{Duration: reconcileInterval}, RetryInterval: &metav1.Duration{Duration: retryInterval},
			Path: "./" + s.overlay, Prune: s.prune, DependsOn: s.dependsOn(),
			SourceRef: kustomizev1.CrossNamespaceSourceReference{Kind: kind, Name: s.name},
		},
	}
	object := manifest.Object{File: "sync", Typed: k, Comments: manifest.Comments{
		Head: "What Flux applies of it, and when that counts as done.",
		At:   map[string]string{"/spec/interval": "Also how long an edit in the cluster may last."},
	}}
	if !s.prune {
		object.Comments.At["/spec/prune"] = "With a namespace would go everything in it."
	}
	if len(s.health) > 0 {
		s.addHealth(k, &object)
	}
	return object
}

func (s fluxSync) dependsOn() []kustomizev1.DependencyReference {
	var list []kustomizev1.DependencyReference
	for _, name := range s.gitops.Flux.DependsOn {
		namespace, own, qualified := strings.Cut(name, "/")
		if !qualified {
			namespace, own = "", name
		}
		list = append(list, kustomizev1.DependencyReference{Name: own, Namespace: namespace})
	}
	return list
}

// addHealth makes Flux wait for the Deployments, by an expression of ours: by kstatus, Flux's own way, a Deployment has
// failed once its progress deadline is over, 600 s, which nothing in an InferenceService changes (kserve#5684).
func (s fluxSync) addHealth(k *kustomizev1.Kustomization, object *manifest.Object) {
	k.Spec.Timeout = ptr.To(metav1.Duration{Duration: s.rollout.Budget})
	for _, h := range s.health {
		k.Spec.HealthChecks = append(k.Spec.HealthChecks, meta.NamespacedObjectKindReference{
			APIVersion: h.APIVersion, Kind: h.Kind, Name: h.Name, Namespace: h.namespace,
		})
	}
	k.Spec.HealthCheckExprs = []kustomize.CustomHealthCheck{{
		APIVersion: s.health[0].APIVersion, Kind: s.health[0].Kind,
		HealthCheckExpressions: kustomize.HealthCheckExpressions{Current: currentExpr(s.health), Failed: failedExpr},
	}}
	object.Explicit = map[string]any{"/spec/wait": false}
	at := object.Comments.At
	at["/spec/timeout"] = s.rollout.Why + ".\nUntil it is over or the model answers, the next commit waits, one that rolls back too, unless\nkustomize-controller runs with --feature-gates=CancelHealthCheckOnNewRevision=true."
	at["/spec/wait"] = "It would wait for the InferenceServices, whose status cannot be waited for (kserve#6081)."
	at["/spec/healthChecks"] = "What KServe makes of them. The list follows the revisions: let Git sync this folder, too."
	switch s.serving {
	case spec.ServingLLMInferenceService:
		at["/spec/wait"] = "It would wait for the LLMInferenceServices, which say no more than their Deployments (workload_status.go)."
	case spec.ServingLeaderWorkerSet:
		at["/spec/wait"] = "healthChecks names what to wait for."
		at["/spec/healthChecks"] = "The groups. The list follows the revisions: let Git sync this folder, too."
		at["/spec/healthCheckExprs/0/current"] = "A group answers as one. Its conditions wait for groups that an autoscaler adds, too."
		k.Spec.HealthCheckExprs[0].Failed = ""
		return
	}
	at["/spec/healthCheckExprs/0/current"] = "Flux's own check takes a Deployment for failed after 600 s without progress, which KServe gives nobody a way to\nraise (kserve#5684), and waits for replicas that an autoscaler adds."
}
