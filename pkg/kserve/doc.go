// Package kserve builds KServe's objects, one ServingRuntime and one InferenceService per revision.
//
// KServe watches the spec of a runtime, so a shared one would roll what serves when it changes; each revision
// has its own (kserve#3683). It is the only importer of github.com/kserve/kserve.
package kserve
