package routes

import (
	"github.com/kservegen/kservegen/pkg/spec"
)

// Rule is a permission that a runner needs in the namespace of its model, as a Role has it.
type Rule struct {
	Group    string
	Resource string
	// Names of the objects that it is for, none for all: what is listed or created has no name yet.
	Names []string
	Verbs []string
}

// LeaseName is that of the Lease that one runner at a time holds.
func LeaseName(t spec.Target) string { return t.Name + "-canary" }

// Rules are all that a runner of a model needs: to write its routes and its Lease, and to read what its revisions do. Of kinds
// that the cluster does not have there may be rules all the same.
func Rules(t spec.Target) []Rule {
	routes := resource(t.RouteKind())
	lease := LeaseName(t)
	read := []string{"get", "list"}
	return []Rule{
		{Group: routes.Group, Resource: routes.Resource, Names: t.RouteNames(), Verbs: []string{"get", "patch"}},
		{Group: "networking.istio.io", Resource: "virtualservices", Verbs: []string{"list"}},
		{Group: "gateway.networking.k8s.io", Resource: "httproutes", Verbs: []string{"list"}},
		{Group: "coordination.k8s.io", Resource: "leases", Verbs: []string{"create"}},
		{Group: "coordination.k8s.io", Resource: "leases", Names: []string{lease}, Verbs: []string{"get", "update"}},
		{Group: "serving.kserve.io", Resource: "inferenceservices", Verbs: read},
		{Group: "serving.kserve.io", Resource: "llminferenceservices", Verbs: read},
		{Group: "serving.kserve.io", Resource: "servingruntimes", Verbs: []string{"get"}},
		{Group: "leaderworkerset.x-k8s.io", Resource: "leaderworkersets", Verbs: read},
		{Group: "apps", Resource: "deployments", Verbs: []string{"get"}},
		{Group: "", Resource: "pods", Verbs: []string{"list"}},
	}
}
