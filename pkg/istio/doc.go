// Package istio builds Istio's objects: how requests are shared between revisions and who may send them. It is
// the only importer of istio.io/api and istio.io/client-go.
//
// Hosts are fully qualified: a short name resolves in the namespace of the object, and Kustomize cannot rewrite
// either.
package istio
