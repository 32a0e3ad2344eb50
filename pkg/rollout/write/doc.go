// Package write writes a changed document and the tree that is rendered from it, both or neither.
package write
