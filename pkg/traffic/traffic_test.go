package traffic

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/spec"
)

func target(weights ...int) spec.Target {
	var t spec.Target
	for i, weight := range weights {
		t.Revisions = append(t.Revisions, spec.RevisionTarget{Name: fmt.Sprintf("v%d", i+1), Weight: weight})
	}
	return t
}

func drawTarget(rt *rapid.T) spec.Target {
	count := rapid.IntRange(1, 4).Draw(rt, "revisions")
	weights, left := make([]int, count), 100
	for i := range count - 1 {
		weights[i] = rapid.IntRange(0, left).Draw(rt, "weight")
		left -= weights[i]
	}
	weights[count-1] = left
	return target(weights...)
}

func anyLayout() Layout {
	return Layout{
		Rules: "/rules", Backends: "to", Service: "/name", Buckets: []string{"/a", "/b"},
		Name: func(revision string) string { return "svc-" + revision },
	}
}

func TestTestersComeFirstAndWeightsLast(t *testing.T) {
	t.Parallel()
	canary := target(90, 10)
	canary.Revisions[1].Testers = &spec.HeaderMatch{Header: "x-llm-track", Value: "v2"}
	canary.Sticky = &spec.Sticky{Header: "x-llm-bucket"}
	assert.Equal(t, []Rule{
		{Name: "testers-v2", Revision: "v2", Header: "x-llm-track", Value: "v2"},
		{Name: "sticky-v2", Revision: "v2", Header: "x-llm-bucket", Value: noBucket, Sticky: true},
		{Name: "sticky-v1", Revision: "v1", Header: "x-llm-bucket", Value: "0?[0-9]|[1-9][0-9]", Sticky: true},
		{Name: "weights"},
	}, Rules(canary))
	assert.Equal(t, []Weight{
		{
			Revision: "v1", Value: 90, Service: "svc-v1", Path: "/rules/3/to/0/weight", ServicePath: "/rules/3/to/0/name",
			Buckets: "[1-9][0-9]", BucketPaths: []string{"/rules/2/a", "/rules/2/b"}, BucketServicePath: "/rules/2/to/0/name",
		},
		{
			Revision: "v2", Value: 10, Service: "svc-v2", Path: "/rules/3/to/1/weight", ServicePath: "/rules/3/to/1/name",
			Buckets: "0?[0-9]", BucketPaths: []string{"/rules/1/a", "/rules/1/b"}, BucketServicePath: "/rules/1/to/0/name",
		},
	}, Weights(canary, anyLayout()))
}

// TestBucketsPartitionUsers: each bucket belongs to exactly one revision, in proportion to the weights, and a
// revision that only grows at the cost of the first never loses a bucket.
func TestBucketsPartitionUsers(t *testing.T) {
	t.Parallel()
	owned := func(t spec.Target, revision int) map[int]bool {
		matcher := regexp.MustCompile("^(?:" + Weights(t, anyLayout())[revision].Buckets + ")$")
		set := map[int]bool{}
		for n := range buckets {
			if matcher.MatchString(strconv.Itoa(n)) {
				set[n] = true
			}
		}
		return set
	}
	sticky := func(weights ...int) spec.Target {
		t := target(weights...)
		t.Sticky = &spec.Sticky{Header: "x-llm-bucket"}
		return t
	}
	rapid.Check(t, func(rt *rapid.T) {
		drawn := drawTarget(rt)
		drawn.Sticky = &spec.Sticky{Header: "x-bucket"}
		total := 0
		for i, r := range drawn.Revisions {
			set := owned(drawn, i)
			assert.Len(t, set, r.Weight)
			total += len(set)
		}
		assert.Equal(t, buckets, total)
	})
	before := map[int]bool{}
	for weight := 0; weight <= 100; weight++ {
		now := owned(sticky(100-weight, weight), 1)
		for n := range before {
			assert.Truef(t, now[n], "bucket %d leaves the canary when it grows to %d", n, weight)
		}
		before = now
	}
}
