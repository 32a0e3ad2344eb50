package traffic

import "github.com/kservegen/kservegen/pkg/spec"

// Rule is one rule of a route. The first of which a request has the header takes it; the last asks for none.
type Rule struct {
	// Name of the rule: testers-<revision>, sticky-<revision> or weights.
	Name string
	// Revision that gets all requests of the rule; empty for weights, which shares them.
	Revision string
	// Header that a request must have, empty for weights. Value is what it must be or, where Sticky is set, the expression
	// that it must match.
	Header, Value string
	Sticky        bool
	// Mirrors get copies of the rule's requests. Those of testers are none: they are asked for by name.
	Mirrors []Mirror
}

// Mirror is a revision that gets a copy of a share of the requests, in percent.
type Mirror struct {
	Revision string
	Percent  int
}

// Rules of a model: testers by their header, sticky buckets, then weights. The buckets are constants, all of them the
// first revision's; Weights says the real ones.
func Rules(t spec.Target) []Rule {
	var rules []Rule
	for _, r := range t.Revisions {
		if r.Testers != nil {
			rules = append(rules, Rule{Name: "testers-" + r.Name, Revision: r.Name, Header: r.Testers.Header, Value: r.Testers.Value})
		}
	}
	if t.Sticky != nil {
		// The last revision has the first rule and the lowest buckets: as its weight grows it only gains.
		for i := len(t.Revisions) - 1; i >= 0; i-- {
			name := t.Revisions[i].Name
			rules = append(rules, Rule{Name: "sticky-" + name, Revision: name, Header: t.Sticky.Header, Value: constantBuckets(i), Sticky: true, Mirrors: mirrors(t, name)})
		}
	}
	return append(rules, Rule{Name: "weights", Mirrors: mirrors(t, "")})
}

// mirrors are those of a rule that leads to a revision, which needs no copy of what it gets.
func mirrors(t spec.Target, revision string) []Mirror {
	var list []Mirror
	for _, r := range t.Revisions {
		if r.Mirror > 0 && r.Name != revision {
			list = append(list, Mirror{Revision: r.Name, Percent: r.Mirror})
		}
	}
	return list
}

// ConstantWeight is what stands in the base for the revision at an index, in percent: all for the first, none for
// others.
func ConstantWeight(index int) int {
	if index == 0 {
		return 100
	}
	return 0
}

func constantBuckets(index int) string { return Buckets(0, ConstantWeight(index)) }

// Comment says to a reader of the file what a rule is for; empty for weights.
func (r Rule) Comment() string {
	switch {
	case r.Sticky:
		return "Buckets of " + r.Revision + ", from traffic.yaml: the share of a user does not flip back as a weight grows."
	case r.Revision != "":
		return "Testers reach " + r.Revision + " whatever its weight."
	}
	return ""
}

// Comment says to a reader of the file what a mirror costs.
func (m Mirror) Comment() string {
	return "Copies, whose answers are thrown away; each takes as much of " + m.Revision + "'s devices as a request."
}
