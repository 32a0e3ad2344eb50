package routes

import (
	"bytes"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// keeper is what would take the weights back, and the sign by which that is known; both empty for none. Flux's controllers
// label what they apply and put a label back that is lost, while their entry in managedFields outlives them. Argo CD 2 marks objects
// by a label that everybody uses (app.kubernetes.io/instance), so that its entry has to do.
// https://fluxcd.io/flux/components/kustomize/kustomizations/ (owner labels),
// https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
func keeper(o *unstructured.Unstructured) (name, sign string) {
	for _, label := range []string{"kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name"} {
		if o.GetLabels()[label] != "" {
			return "Flux", "label " + label
		}
	}
	const tracking = "argocd.argoproj.io/tracking-id"
	if o.GetAnnotations()[tracking] != "" {
		return "Argo CD", "annotation " + tracking
	}
	for _, entry := range o.GetManagedFields() {
		if entry.Manager == "argocd-controller" || entry.Manager == "argocd-application-controller" {
			return "Argo CD", "manager " + entry.Manager
		}
	}
	return "", ""
}

// lastHand is who wrote an object's specification last besides us, and when. Who removes something leaves no name.
func lastHand(o *unstructured.Unstructured) string {
	var last *metav1.ManagedFieldsEntry
	for _, entry := range o.GetManagedFields() {
		if entry.Manager == FieldManager || entry.Time == nil || entry.FieldsV1 == nil || !bytes.Contains(entry.FieldsV1.Raw, []byte(`"f:spec"`)) {
			continue
		}
		if last == nil || last.Time.Before(entry.Time) {
			last = &entry
		}
	}
	if last == nil {
		return "somebody"
	}
	return fmt.Sprintf("%s at %s", last.Manager, last.Time.UTC().Format(time.RFC3339))
}
