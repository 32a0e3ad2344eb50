// Package git runs the git program on a work tree: what kservegen commits, pushes and reads of its history. It changes no
// file that it was not told, and never pushes by itself.
package git
