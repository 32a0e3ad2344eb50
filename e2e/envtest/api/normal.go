package api

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Normal is the object without what the server or a controller writes into each: identity, history, status,
// addresses. Two runs give the same.
func Normal(object *unstructured.Unstructured) *unstructured.Unstructured {
	normal := object.DeepCopy()
	for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"} {
		unstructured.RemoveNestedField(normal.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(normal.Object, "status")
	owners := normal.GetOwnerReferences()
	for i := range owners {
		owners[i].UID = ""
	}
	if len(owners) > 0 {
		normal.SetOwnerReferences(owners)
	}
	if normal.GetKind() == "Service" {
		dropAddresses(normal)
	}
	return normal
}

// dropAddresses leaves None, which a person chose.
func dropAddresses(service *unstructured.Unstructured) {
	if address, _, _ := unstructured.NestedString(service.Object, "spec", "clusterIP"); address != "None" {
		unstructured.RemoveNestedField(service.Object, "spec", "clusterIP")
		unstructured.RemoveNestedField(service.Object, "spec", "clusterIPs")
	}
}
