// Package render turns a deployment into a tree of files: a base, one overlay per environment, and a lock.
//
// The way is from typed objects to bytes, never back: an overlay is the computed difference between the objects
// of its environment and those of the base, and its built form is known without running Kustomize. Tests run
// Kustomize and compare.
package render
