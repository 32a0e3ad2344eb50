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

// checkStreamed wants a server that can read the source itself.
func (r *resolver) checkStreamed() {
	const path = "spec.model.streamed"
	m := &r.spec.Model
	if !m.Streamed {
		return
	}
	if r.spec.Runtime.Name == Simulator {
		m.Streamed = false
		return
	}
	if r.serving() != ServingInferenceService || r.spec.Expose != nil && r.spec.Expose.API == APIKServe {
		r.failf(path, "is for InferenceServices whose routes are ours (spec.serving, spec.expose.api): KServe copies the weights of an LLMInferenceService, and tells its canaries apart by their storageUri")
	}
	if !s3URI.MatchString(m.Source) {
		r.failf(path, "the server streams from s3://<bucket>/<prefix>; the source is %s", m.Source)
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
