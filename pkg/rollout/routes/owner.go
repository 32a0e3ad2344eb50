package routes

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// gitops are the field managers of what writes the state of Git over the cluster's, with their names for people.
func gitops() map[string]string {
	return map[string]string{
		"kustomize-controller":          "Flux",
		"helm-controller":               "Flux",
		"argocd-controller":             "Argo CD",
		"argocd-application-controller": "Argo CD",
	}
}

// keeper is what would take the weights back; empty for none.
func keeper(o *unstructured.Unstructured) string {
	for _, entry := range o.GetManagedFields() {
		if name := gitops()[entry.Manager]; name != "" {
			return name
		}
	}
	for key := range o.GetLabels() {
		if strings.HasPrefix(key, "kustomize.toolkit.fluxcd.io/") {
			return "Flux"
		}
	}
	if o.GetAnnotations()["argocd.argoproj.io/tracking-id"] != "" {
		return "Argo CD"
	}
	return ""
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
