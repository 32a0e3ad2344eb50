// Package effective shows what KServe makes of an InferenceService, by running KServe's own code: the defaulting
// and validation of its webhooks, runtime selection, merging, placeholders and image rewriting, the reconcilers of
// Standard mode on a client in memory, and the pod webhook. Nothing of it is written again here, so what it says
// about KServe's behaviour cannot be out of step with the pinned release.
//
// What a cluster would hold and the input does not (the inferenceservice-config ConfigMap, the default
// ClusterStorageContainer, the ClusterServingRuntimes) is taken from that release's own manifests.
//
// The defaults of the API server itself are not applied: a caller who has the CRDs' schemas gives Options.Structural.
package effective
