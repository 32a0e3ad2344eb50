package gitops

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// application is the part of Argo CD's Application that is written here: its module brings Kubernetes itself and a
// hundred others. A test holds it against the CRD.
type application struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec applicationSpec `json:"spec"`
}

type applicationSpec struct {
	Project           string             `json:"project"`
	Source            source             `json:"source"`
	Destination       destination        `json:"destination"`
	SyncPolicy        syncPolicy         `json:"syncPolicy"`
	IgnoreDifferences []ignoreDifference `json:"ignoreDifferences,omitempty"`
}

type source struct {
	RepoURL        string           `json:"repoURL"`
	TargetRevision string           `json:"targetRevision"`
	Path           string           `json:"path"`
	Kustomize      *sourceKustomize `json:"kustomize,omitempty"`
}

type sourceKustomize struct {
	Patches []kustomizePatch `json:"patches"`
}

type kustomizePatch struct {
	Target kustomizeTarget `json:"target"`
	Patch  string          `json:"patch"`
}

type kustomizeTarget struct {
	Kind string `json:"kind"`
}

type destination struct {
	Server    string `json:"server,omitempty"`
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

type syncPolicy struct {
	Automated   automated `json:"automated"`
	Retry       retry     `json:"retry"`
	SyncOptions []string  `json:"syncOptions"`
}

type automated struct {
	Prune    bool `json:"prune"`
	SelfHeal bool `json:"selfHeal"`
}

type retry struct {
	Limit   int64   `json:"limit"`
	Refresh *bool   `json:"refresh,omitempty"`
	Backoff backoff `json:"backoff"`
}

type backoff struct {
	Duration    string `json:"duration"`
	Factor      *int64 `json:"factor,omitempty"`
	MaxDuration string `json:"maxDuration"`
}

type ignoreDifference struct {
	Group        string   `json:"group"`
	Kind         string   `json:"kind"`
	JSONPointers []string `json:"jsonPointers"`
}

// argoSync is one overlay that Argo CD applies.
type argoSync struct {
	name, namespace, overlay string
	labels                   map[string]string
	gitops                   spec.GitOps
	// kept are the kinds of the overlay that stay when the model goes, as a pattern; empty for none.
	kept string
	// serves is set where the overlay holds InferenceServices.
	serves, prune bool
}

// inCluster is the cluster that Argo CD runs in, by the address that it knows it by.
const inCluster = "https://kubernetes.default.svc"

func argoCD(s argoSync) manifest.Object {
	app := &application{
		TypeMeta: metav1.TypeMeta{APIVersion: "argoproj.io/v1alpha1", Kind: "Application"},
		ObjectMeta: metav1.ObjectMeta{
			Name: s.name, Namespace: s.gitops.ArgoCD.Namespace, Labels: s.labels,
			Annotations: map[string]string{"argocd.argoproj.io/compare-options": "ServerSideDiff=true"},
		},
		Spec: applicationSpec{
			Project:     s.gitops.ArgoCD.Project,
			Source:      source{RepoURL: s.gitops.Repository, TargetRevision: s.gitops.Revision(), Path: s.overlay},
			Destination: destination{Server: inCluster, Namespace: s.namespace},
			SyncPolicy: syncPolicy{
				Automated:   automated{Prune: s.prune, SelfHeal: true},
				SyncOptions: []string{"ServerSideApply=true"},
				Retry: retry{
					Limit: -1, Refresh: ptr.To(true),
					Backoff: backoff{Duration: "10s", Factor: ptr.To(int64(2)), MaxDuration: "3m"},
				},
			},
		},
	}
	object := manifest.Object{File: "application", Typed: app, Comments: manifest.Comments{
		Head: "For Argo CD 3.3 or newer: before, its check of InferenceServices does not know KServe's condition\nStopped, and they stay Progressing (argo-cd#25263).",
		At: map[string]string{
			"/metadata/annotations/argocd.argoproj.io~1compare-options": "The API server says what applying would change, without what webhooks add.",
			"/spec/syncPolicy/retry/refresh":                            "A retry takes the newest commit, so that one that mends a bad one need not wait.",
		},
	}}
	if s.gitops.ArgoCD.Cluster != "" {
		app.Spec.Destination.Server, app.Spec.Destination.Name = "", s.gitops.ArgoCD.Cluster
	}
	if s.prune {
		app.Spec.SyncPolicy.SyncOptions = append(app.Spec.SyncPolicy.SyncOptions, "PruneLast=true")
		object.Comments.At["/spec/syncPolicy/syncOptions/1"] = "Traffic leaves a finished revision before the revision goes."
	} else {
		object.Comments.At["/spec/syncPolicy/automated/prune"] = "With a namespace would go everything in it."
	}
	if s.kept != "" {
		s.keepClaims(app, &object)
	}
	if s.serves {
		ignoreDefaults(app, &object)
	}
	return object
}

// keepClaims is for Argo CD what the annotation on the claim is for Flux.
func (s argoSync) keepClaims(app *application, object *manifest.Object) {
	app.Spec.Source.Kustomize = &sourceKustomize{Patches: []kustomizePatch{{
		Target: kustomizeTarget{Kind: s.kept},
		Patch:  "- op: add\n  path: /metadata/annotations/argocd.argoproj.io~1sync-options\n  value: Prune=false,Delete=false\n",
	}}}
	object.Comments.At["/spec/source/kustomize"] = "The claim stays when the model goes: weights take hours to bring back."
}

// ignoreDefaults names what KServe's webhook adds to an InferenceService (pkg/apis/serving/v1beta1/inference_service_defaults.go).
// Nothing in Git has these fields, so RespectIgnoreDifferences would have nothing to respect.
func ignoreDefaults(app *application, object *manifest.Object) {
	app.Spec.IgnoreDifferences = []ignoreDifference{{
		Group: "serving.kserve.io", Kind: "InferenceService",
		JSONPointers: []string{"/metadata/annotations/modelFormat", "/spec/predictor/model/name", "/spec/predictor/model/protocolVersion"},
	}}
	object.Comments.At["/spec/ignoreDifferences"] = "What KServe's webhook adds, for an Argo CD that compares by itself (kserve#2232). Replicas are not in the\ntree: KServe makes the Deployments."
}
