package load

const lockFile = "kservegen.lock"

// ownTree is one of our trees, its base read once.
type ownTree struct {
	used bool
}

// own builds an overlay of one of our trees directly; false where the overlay is not of the form that render
// writes.
func (l *loader) own(root, dir string) (Set, bool) {
	return Set{}, false
}
