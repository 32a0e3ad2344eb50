package istio

import (
	"fmt"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Weight is one number of a VirtualService that traffic.yaml sets.
type Weight struct {
	// Revision that gets the share.
	Revision string
	// Path is the JSON pointer of the weight, HostPath that of the host it belongs to.
	Path, HostPath string
	// Host of the destination.
	Host string
	// Value in percent.
	Value int
	// BucketPaths are the JSON pointers of the sticky rule's expression, none without sticky buckets;
	// BucketHostPath that of the host the rule leads to.
	BucketPaths    []string
	BucketHostPath string
	// Buckets is the expression that matches the revision's buckets.
	Buckets string
}

// Traffic lists what traffic.yaml sets in the object that VirtualService builds, in the order of the revisions.
func Traffic(t spec.Target) []Weight {
	rule := 0
	for _, r := range t.Revisions {
		if r.Testers != nil {
			rule++
		}
	}
	firstSticky := rule
	if t.Sticky != nil {
		rule += len(t.Revisions)
	}
	upper := buckets
	list := make([]Weight, len(t.Revisions))
	for i, r := range t.Revisions {
		path := fmt.Sprintf("/spec/http/%d/route/%d", rule, i)
		list[i] = Weight{
			Revision: r.Name, Value: r.Weight, Host: PredictorHost(t, r.Name),
			Path: path + "/weight", HostPath: path + "/destination/host",
		}
		if t.Sticky != nil {
			// The last revision has the first rule and the lowest buckets: as its weight grows it only gains.
			own := firstSticky + len(t.Revisions) - 1 - i
			list[i].BucketPaths = bucketPaths(t, own)
			list[i].BucketHostPath = fmt.Sprintf("/spec/http/%d/route/0/destination/host", own)
			list[i].Buckets = bucketRange(upper-r.Weight, upper)
			upper -= r.Weight
		}
	}
	return list
}

// baseBuckets is what stands in the base for the revision at an index: all for the first, none for others.
func baseBuckets(index int) string {
	if index == 0 {
		return bucketRange(0, buckets)
	}
	return bucketRange(0, 0)
}

// bucketPaths points at the expression in every match of a sticky rule.
func bucketPaths(t spec.Target, rule int) []string {
	header := manifest.EscapeToken(t.Sticky.Header)
	count := 1
	if selects(t) {
		count = 2
	}
	paths := make([]string, count)
	for i := range paths {
		paths[i] = fmt.Sprintf("/spec/http/%d/match/%d/headers/%s/regex", rule, i, header)
	}
	return paths
}
