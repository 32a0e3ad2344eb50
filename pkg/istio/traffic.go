package istio

import (
	"fmt"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/traffic"
)

// Traffic lists what traffic.yaml sets in the object that VirtualService builds, in the order of the revisions.
func Traffic(t spec.Target) []traffic.Weight {
	return traffic.Weights(t, traffic.Layout{
		Rules: "/spec/http", Backends: "route",
		Service: "/destination/host", Name: func(revision string) string { return PredictorHost(t, revision) },
		Buckets: bucketPaths(t),
	})
}

// bucketPaths points at the expression in every match of a sticky rule.
func bucketPaths(t spec.Target) []string {
	if t.Sticky == nil {
		return nil
	}
	header := manifest.EscapeToken(t.Sticky.Header)
	paths := []string{"/match/0/headers/" + header + "/regex"}
	if selects(t) {
		paths = append(paths, fmt.Sprintf("/match/1/headers/%s/regex", header))
	}
	return paths
}
