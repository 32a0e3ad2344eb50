// Package routes is the cluster as the place of a canary's shares: it reads and writes the weights in the VirtualService, or in
// the HTTPRoutes, of one environment.
//
// Each object is written by one server-side apply of our own field manager, with the resourceVersion that was read, so that no
// change of another is lost. The list of rules is atomic for the API server: it is applied whole, as it stands with the weights
// and buckets changed where traffic.yaml changes them. What a run has to know later is in an annotation of the same object, and
// so is written at the same moment.
package routes
