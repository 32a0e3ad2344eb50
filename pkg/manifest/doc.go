// Package manifest reads and writes Kubernetes objects as YAML.
//
// Marshal writes exactly the bytes that `kustomize build` writes for the same data, which is what makes a
// rendered file and a built one comparable byte for byte. Read parses files that people edit: it keeps the place
// and the comments of every value, reports all problems with their line and column, and is safe on hostile input.
package manifest
