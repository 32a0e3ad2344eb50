// Package schema says what an API server would refuse in an object, without a server.
//
// Custom resources (KServe, Istio, Gateway API, KEDA, prometheus-operator, Karpenter, Flux, Argo CD, LeaderWorkerSet) go
// through what a kube-apiserver does on create with strict field validation, by its own code
// (k8s.io/apiextensions-apiserver) and in its order: metadata, unknown fields, nulls, defaults, OpenAPI, the scale
// subresource, embedded objects, list types, CEL with the server's cost limits. Admission webhooks, quota and what
// depends on other objects are not part of it.
//
// The server's own kinds (Deployment, Service, …) are validated by handwritten code that cannot be imported. Of
// them are checked: unknown fields and types as the server decodes them, required fields, unique list keys, the
// enumerations, ranges and formats of e2e/tools/schemas/native.yaml, names, labels, annotations, selectors, and in the
// native package what is between fields, for pods and their templates, workloads, Jobs, Services, Ingresses,
// NetworkPolicies, autoscalers, disruption budgets, RBAC, claims and volumes, ConfigMaps, Secrets, quotas and limits.
// Kinds beyond those (webhook configurations, API services, resource claims, …) have the schema only, and so have
// volumes that name a vendor's disk, Windows, ephemeral containers and resource claims within pods.
// What a cluster decides (addresses of a Service, feature gates, quota) is not looked at.
//
// e2e/native holds this to the server's own code (1.36.3): every single change to 106 objects of 29 kinds, 25,972 in
// all. The verdict is the same on 99.9 %; testdata/disagreements.txt there lists the others.
//
// Schemas come from the data folder, which `make generate` writes from pinned modules. A kind costs nothing until
// its first object. In the data each different schema stands once however often a CRD repeats it, and is compiled
// once; CEL rules are compiled when an object first has the field that they are about.
package schema
