// Package traffic says how requests are shared between a model's revisions: in which rules, and what of them a step of a
// canary changes. It knows nothing of the API that the rules are written in; pkg/istio and pkg/gatewayapi do.
package traffic
