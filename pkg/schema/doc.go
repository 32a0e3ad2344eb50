// Package schema says what an API server would refuse in an object, without a server.
//
// Custom resources (KServe, Istio, Gateway API, KEDA, prometheus-operator, Karpenter, Flux, LeaderWorkerSet) go
// through what a kube-apiserver does on create with strict field validation, by its own code
// (k8s.io/apiextensions-apiserver) and in its order: metadata, unknown fields, nulls, defaults, OpenAPI, the scale
// subresource, embedded objects, list types, CEL with the server's cost limits. Admission webhooks, quota and what
// depends on other objects are not part of it.
//
// The server's own kinds (Deployment, Service, …) are validated by handwritten code that cannot be imported. Of
// them are checked: unknown fields, types, required fields, unique list keys, the enumerations, ranges and formats of
// e2e/tools/schemas/native.yaml, quantities, times, names, labels, annotations, label selectors, and in relations.go
// what manifests get wrong between fields: a workload that does not select its pods, a Service without ports, a claim
// without a size. The rest of what the server demands between fields is not, nor the syntax of a cron schedule or of a
// resource's name: an accepted Deployment may still be refused. Of 7,161 objects and mutants of 27 kinds the verdict was
// the server's (1.36.3) on 98.9 %.
//
// Schemas come from the data folder, which `make generate` writes from pinned modules. A kind costs nothing until
// its first object. In the data each different schema stands once however often a CRD repeats it, and is compiled
// once; CEL rules are compiled when an object first has the field that they are about.
package schema
