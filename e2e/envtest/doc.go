// Package envtest holds only tests: what a real kube-apiserver says of rendered trees, without webhooks and
// with those of KServe and Istio. The packages below it start that server (cluster), ask it (api), find the
// trees (trees) and damage objects (mutate).
package envtest
