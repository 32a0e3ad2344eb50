// Package clients holds only tests: what other projects' code says of rendered trees. The kustomize CLI,
// Flux and kubectl build them, KServe's, Istio's and the Prometheus Operator's CRDs and Go types judge
// what comes out. It is a module of its own, since their versions of kustomize are not ours, and it
// knows kservegen only as a program that writes files.
package clients
