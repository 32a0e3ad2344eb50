// Package native checks what an API server demands between the fields of its own kinds: Deployment, Service, Role, ….
//
// The server's code for this is handwritten and cannot be imported (k8s.io/kubernetes/pkg/apis/*/validation, which
// the comments name by function). What one field must be by itself is data, in e2e/tools/schemas/native.yaml; what is
// here needs two of them, or a decision. e2e/native runs the server's code on mutants and compares.
package native
