// Package spectest draws random valid documents for property tests. A document covers every field of the
// input, in the layouts that people write YAML in; Load accepts each of them.
package spectest

import "pgregory.net/rapid"

// Document draws a valid ModelDeployment as YAML.
func Document(t *rapid.T) string { return Draw(t).YAML() }

// Params is a drawn document that a test can change step by step. Its methods return changed copies.
type Params struct {
	root *node
	// seed picks the layout of each node by its path, so a change moves nothing else. 0 is the plainest layout.
	seed uint64
}

// YAML writes the document.
func (p Params) YAML() string { return (&writer{seed: p.seed}).document(p.root) }

// Draw draws a valid document.
func Draw(t *rapid.T) Params {
	d := newDrawer(t)
	return Params{root: d.document(), seed: d.layout()}
}
