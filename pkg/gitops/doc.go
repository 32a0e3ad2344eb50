// Package gitops builds the objects that make Flux or Argo CD pull a tree from its repository: where it is, what is
// applied of it, and when that counts as done. Only it knows their APIs.
//
// Both are told to leave the InferenceService out of the question whether a sync is done. KServe copies its
// status.observedGeneration from the Deployment (kserve#6081), so what compares that with metadata.generation, as kstatus
// and Flux's own CEL checks do before anything else, waits for ever once the two counters differ.
package gitops
