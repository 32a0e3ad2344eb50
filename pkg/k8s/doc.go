// Package k8s builds the native Kubernetes objects around a model: identity, storage, network, availability
// and scaling.
package k8s
