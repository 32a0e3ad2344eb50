package gatewayapi

import (
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/traffic"
)

// Traffic lists what traffic.yaml sets in each of the objects that HTTPRoutes builds, in the order of the revisions.
func Traffic(t spec.Target) []traffic.Weight {
	weights := traffic.Weights(t, traffic.Layout{
		Rules: "/spec/rules", Backends: "backendRefs", Service: "/name", Name: t.Predictor,
		Buckets: []string{"/matches/0/headers/0/value"},
	})
	for i, w := range weights {
		if w.Buckets != "" {
			weights[i].Buckets = Whole(w.Buckets)
		}
	}
	return weights
}
