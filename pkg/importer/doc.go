// Package importer proposes a ModelDeployment for objects that serve a model already: InferenceServices and their
// runtimes, or Deployments that run vLLM, with what is around them.
//
// It infers the document section by section, renders it, and compares every object of the input with what was rendered.
// What could not be carried is the difference, so that nothing is lost unseen; fields that no rendering depends on are
// left out.
package importer
