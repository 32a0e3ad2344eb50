package live

import (
	"context"
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/pkg/spec"
)

func servingRuntimes() kind {
	return kind{Group: "serving.kserve.io", Version: "v1alpha1", Resource: "servingruntimes"}
}

// Identity is what tells whether somebody changed a revision, and empty where there is none: which objects make its pods, and
// the generation of each, which only a change of its specification raises. That of a LeaderWorkerSet is not in it, since an
// autoscaler changes its specification.
func (c *Cluster) Identity(ctx context.Context, namespace, serving, name string) (string, error) {
	var parts []string
	for _, k := range identifying(serving) {
		o, there, err := c.get(ctx, k, namespace, name)
		if err != nil {
			return "", err
		}
		if there {
			part := string(o.GetUID())
			if k != groups() {
				part += fmt.Sprintf("/%d", o.GetGeneration())
			}
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "+"), nil
}

// identifying are the kinds of objects that a revision is made of.
func identifying(serving string) []kind {
	switch serving {
	case spec.ServingLLMInferenceService:
		return []kind{llmInferenceServices()}
	case spec.ServingLeaderWorkerSet:
		return []kind{groups(), servingRuntimes()}
	}
	return []kind{inferenceServices(), servingRuntimes()}
}
