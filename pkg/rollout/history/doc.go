// Package history finds the states of a model in Git: commits in which the tree is what was rendered from the document, and
// what its revisions got of the requests then. It can give back the files of one.
package history
