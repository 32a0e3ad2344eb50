package cases

import (
	"time"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/sources"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// syncEvery is how often Flux compares the cluster with what it applied last, and looks at the source.
const syncEvery = 20 * time.Second

// syncTimeout is how long a sync may wait for the Deployments: a replica is replaced only when its streams have ended.
const syncTimeout = 3 * time.Minute

// fluxObjects are a source of that kind and what Flux applies of it: the overlay at the path.
func fluxObjects(kind, url, path string, overlay *tree.Tree) ([]map[string]any, error) {
	return install.Untyped(fluxSource(kind, url), fluxSync(kind, path, overlay))
}

func fluxMeta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: fluxName, Namespace: install.FluxNamespace}
}

func fluxSource(kind, url string) any {
	head := metav1.TypeMeta{APIVersion: sourcev1.GroupVersion.String(), Kind: kind}
	interval := metav1.Duration{Duration: syncEvery}
	if kind == sourcev1.OCIRepositoryKind {
		return &sourcev1.OCIRepository{TypeMeta: head, ObjectMeta: fluxMeta(), Spec: sourcev1.OCIRepositorySpec{
			URL: url, Interval: interval, Insecure: true, Reference: &sourcev1.OCIRepositoryRef{Tag: sources.Tag},
		}}
	}
	return &sourcev1.GitRepository{TypeMeta: head, ObjectMeta: fluxMeta(), Spec: sourcev1.GitRepositorySpec{
		URL: url, Interval: interval, Reference: &sourcev1.GitRepositoryRef{Branch: sources.Branch},
	}}
}

// fluxSync waits for the Deployments and not for the InferenceServices, whose status cannot be waited for (kserve#6081).
// When it is deleted, or a run that was cut off has left it, the tree stays.
func fluxSync(kind, path string, overlay *tree.Tree) *kustomizev1.Kustomization {
	k := &kustomizev1.Kustomization{
		TypeMeta:   metav1.TypeMeta{APIVersion: kustomizev1.GroupVersion.String(), Kind: kustomizev1.KustomizationKind},
		ObjectMeta: fluxMeta(),
		Spec: kustomizev1.KustomizationSpec{
			Interval: metav1.Duration{Duration: syncEvery}, Timeout: &metav1.Duration{Duration: syncTimeout},
			Path: "./" + path, Prune: true, DeletionPolicy: kustomizev1.DeletionPolicyOrphan,
			SourceRef: kustomizev1.CrossNamespaceSourceReference{Kind: kind, Name: fluxName},
		},
	}
	for _, service := range overlay.Services {
		k.Spec.HealthChecks = append(k.Spec.HealthChecks, meta.NamespacedObjectKindReference{
			APIVersion: "apps/v1", Kind: "Deployment", Namespace: service.Namespace, Name: tree.Deployment(service),
		})
	}
	return k
}
