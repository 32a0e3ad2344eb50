// Package load reads whatever a person has, into sets of objects that are judged together: kustomizations, loose
// files, a stream, and documents of our own. Every object knows the file and line of its values, also of those
// that a patch of an overlay wrote.
//
// What cannot be read is a finding and hides nothing else. Nothing is fetched from a network, no link is
// followed out of the tree, and no text costs more than Limits say.
package load
