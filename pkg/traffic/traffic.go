package traffic

import (
	"fmt"
	"slices"

	"github.com/kservegen/kservegen/pkg/spec"
)

// Weight is one number of a route that traffic.yaml sets.
type Weight struct {
	// Revision that gets the share.
	Revision string
	// Path is the JSON pointer of the weight, ServicePath that of the Service it belongs to.
	Path, ServicePath string
	// Service as the route names it.
	Service string
	// Object is the name of the object that holds the weight, where each revision has one of its own; otherwise empty.
	Object string
	// Value in percent.
	Value int
	// BucketPaths are the JSON pointers of the sticky rule's expression, none without sticky buckets;
	// BucketServicePath that of the Service the rule leads to.
	BucketPaths       []string
	BucketServicePath string
	// Buckets is the expression that matches the revision's buckets.
	Buckets string
}

// Layout says where an API keeps, in a route made of Rules, what traffic.yaml sets.
type Layout struct {
	// Rules is the JSON pointer of the list of rules, Backends the field of a rule that lists where it leads.
	Rules, Backends string
	// Service is the pointer, below a backend, of what names its Service, and Name what it says for a revision.
	Service string
	Name    func(revision string) string
	// Buckets are the pointers, below a sticky rule, of its expression.
	Buckets []string
}

// Weights lists what traffic.yaml sets in a route, in the order of the revisions.
func Weights(t spec.Target, l Layout) []Weight {
	rules := Rules(t)
	shared, upper := len(rules)-1, buckets
	list := make([]Weight, len(t.Revisions))
	for i, r := range t.Revisions {
		list[i] = Weight{
			Revision: r.Name, Value: r.Weight, Service: l.Name(r.Name),
			Path: l.backend(shared, i) + "/weight", ServicePath: l.backend(shared, i) + l.Service,
		}
		if t.Sticky == nil {
			continue
		}
		own := slices.IndexFunc(rules, func(rule Rule) bool { return rule.Sticky && rule.Revision == r.Name })
		for _, path := range l.Buckets {
			list[i].BucketPaths = append(list[i].BucketPaths, l.rule(own)+path)
		}
		list[i].BucketServicePath = l.backend(own, 0) + l.Service
		list[i].Buckets = Buckets(upper-r.Weight, upper)
		upper -= r.Weight
	}
	return list
}

func (l Layout) rule(index int) string { return fmt.Sprintf("%s/%d", l.Rules, index) }

func (l Layout) backend(rule, index int) string {
	return fmt.Sprintf("%s/%s/%d", l.rule(rule), l.Backends, index)
}
