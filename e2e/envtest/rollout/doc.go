// Package rollout runs `kservegen canary run` as a process against a real API server with the CRDs of Istio, KServe and the
// Gateway API. There are no controllers: the tests say which Deployments answer, and what Prometheus has seen.
package rollout
