// Package gatewayapi builds the objects of the Gateway API (gateway.networking.k8s.io): how requests are shared between
// revisions, for Istio and every other implementation. It is the only importer of sigs.k8s.io/gateway-api, besides the
// scheme of pkg/effective.
//
// What the CRDs default is written out: what is applied is then what the server keeps, and Argo CD sees no difference
// (argo-cd#22151). Nothing of the experimental channel is used; what is used is in the standard one since Gateway API 1.4.
package gatewayapi
