package spec

import (
	"strings"

	"github.com/kservegen/kservegen/pkg/vllm"
)

const (
	// loadFormat is the flag that chooses what reads the weights, streamer its value for Run:ai's model streamer.
	loadFormat = "load-format"
	streamer   = "runai_streamer"
	// cudaRuntime is the runtime whose image has the streamer (runai-model-streamer[s3] in vLLM's docker/Dockerfile).
	cudaRuntime = "vllm-cuda"
)

// stream makes the server of a revision read the source itself, where the document asks for it.
func (r *resolver) stream(t *RevisionTarget) {
	if !t.Model.Streamed {
		return
	}
	r.checkStreamed()
	if _, ok := t.Args[loadFormat]; !ok {
		t.Args[loadFormat] = Arg{Values: []string{streamer}}
	}
	if eks := r.spec.Platform.EKS; eks != nil {
		t.Region = eks.Region
	}
}

// checkStreamed wants a server that can read the source.
func (r *resolver) checkStreamed() {
	const path = "spec.model.streamed"
	if r.serving() != ServingInferenceService || r.spec.Expose != nil && r.spec.Expose.API == APIKServe {
		r.failf(path, "is for InferenceServices whose routes are ours (spec.serving, spec.expose.api): KServe copies the weights of an LLMInferenceService, and tells its canaries apart by their storageUri")
	}
	if source := r.spec.Model.Source; !s3URI.MatchString(source) {
		r.failf(path, "the server streams from s3://<bucket>/<prefix>; the source is %s", source)
	}
	if r.spec.Runtime.Name != "" && r.spec.Runtime.Name != cudaRuntime {
		r.failf(path, "the streamer is in the image of %s, and this runs %s", cudaRuntime, r.spec.Runtime.Name)
	}
	if set, ok := r.spec.Runtime.Args[loadFormat]; ok && !strings.HasPrefix(set.String(), streamer) {
		r.failf("spec.runtime.args."+loadFormat, "%s does not read from S3; leave it out beside spec.model.streamed", set)
	}
	if release := r.release(); release != nil {
		if verdict := release.Judge(vllm.Use{Name: loadFormat, Values: []string{streamer}}); verdict != nil {
			r.reportFlag(path, verdict)
		}
	}
}
