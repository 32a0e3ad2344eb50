package routing

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func missingSubset() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0305", Name: "subset-not-defined", Level: finding.Error,
			Summary: "The subset of a destination is defined by a DestinationRule.",
			Why:     "Istio drops a route whose subset no DestinationRule of that host defines and answers 503; the two objects are validated apart.",
			How:     "Define the subset in a DestinationRule of the same host, or leave it out.",
			Refs:    []string{"istio: IST0101", "istio: pkg/config/analysis/analyzers/virtualservice/destinationrules.go"},
			Whole:   true,
			Kinds:   rule.ServiceKinds(rule.VirtualService, rule.DestinationRule),
		},
		Check: func(c *rule.Context) {
			defined := definedSubsets(c)
			for virtual, destination := range destinations(c) {
				host, ok := rule.ParseHost(destination.Field("host").Text(), virtual.Namespace)
				subset := destination.Field("subset")
				if !ok || subset.Text() == "" || defined[host][subset.Text()] {
					continue
				}
				// Of a host that the set neither makes nor configures it knows nothing.
				if service, _ := c.ServiceOf(destination.Field("host").Text(), virtual.Namespace); service != nil || defined[host] != nil {
					reported := c.Report(subset, "no DestinationRule of the set defines subset %q of %s", subset.Text(), host.Service)
					if defined[host] != nil {
						reported.Contradicts()
					}
				}
			}
		},
	}
}

// definedSubsets has the names of subsets for every host that a DestinationRule is for.
func definedSubsets(c *rule.Context) map[rule.Host]map[string]bool {
	defined := map[rule.Host]map[string]bool{}
	for _, destination := range c.Objects(rule.DestinationRule) {
		host, _ := rule.ParseHost(destination.Field("spec", "host").Text(), destination.Namespace)
		if defined[host] == nil {
			defined[host] = map[string]bool{}
		}
		for subset := range destination.Field("spec", "subsets").Items() {
			defined[host][subset.Field("name").Text()] = true
		}
	}
	return defined
}

func ruleWithoutHost() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0312", Name: "destinationrule-without-service", Level: finding.Error,
			Summary: "The host of a DestinationRule is a Service that exists.",
			Why: "A DestinationRule for a host that is no Service has no effect and no error: connection limits, outlier detection and TLS " +
				"of the Service that was meant stay at their defaults.",
			How:   "Write the host of the Service: for an InferenceService <name>-predictor.<namespace>.svc.cluster.local.",
			Refs:  []string{"istio: DestinationRule.host"},
			Whole: true,
			Kinds: rule.ServiceKinds(rule.DestinationRule),
		},
		Check: func(c *rule.Context) {
			for _, destination := range c.Objects(rule.DestinationRule) {
				host := destination.Field("spec", "host")
				if service, known := c.ServiceOf(host.Text(), destination.Namespace); service == nil && known {
					named, _ := rule.ParseHost(host.Text(), destination.Namespace)
					if !isTopLevel(c, named) {
						c.Report(host, "the set makes no Service %s in %s", named.Service, rule.InNamespace(named.Namespace))
					}
				}
			}
		},
	}
}

func twoRules() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0313", Name: "several-destinationrules", Level: finding.Warning,
			Summary: "A host has one DestinationRule.",
			Why: "Istio merges the subsets of several DestinationRules for one host and takes the trafficPolicy of the oldest alone. " +
				"Which that is depends on when they were created, so a new cluster may behave otherwise.",
			How:   "Merge them into one.",
			Refs:  []string{"istio: pilot/pkg/model/destination_rule.go (mergeDestinationRule)"},
			Kinds: []rule.Kind{rule.DestinationRule},
		},
		Check: func(c *rule.Context) {
			type key struct {
				host      rule.Host
				namespace string
			}
			first := map[key]*rule.Object{}
			for _, destination := range c.Objects(rule.DestinationRule) {
				host, ok := rule.ParseHost(destination.Field("spec", "host").Text(), destination.Namespace)
				// With a workloadSelector it is for clients of its own.
				if !ok || destination.Field("spec", "workloadSelector").Found() {
					continue
				}
				at := key{host, destination.Namespace}
				if other := first[at]; other != nil && other.Name != destination.Name {
					c.Report(destination.Field("spec", "host"), "DestinationRule %s is for %s too; the older one's trafficPolicy wins", other.Name, host.Service)
				} else if other == nil {
					first[at] = destination
				}
			}
		},
	}
}

func noConnectionLimit() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0320", Name: "connection-pool-cuts-streams", Level: finding.Warning,
			Summary: "A DestinationRule of a model server doesn't limit its connections to a few.",
			Why: "A stream keeps its connection until the generation ends. Beyond maxConnections (HTTP/1.1), http2MaxRequests or http1MaxPendingRequests Envoy answers 503 at once, " +
				"long before vLLM's own queue is full; a small limit that suits a web server refuses requests here. idleTimeout under a minute closes connections of waiting clients.",
			How:   "Leave the limits out, or set them above the number of sequences that vLLM queues.",
			Refs:  []string{"istio: DestinationRule, ConnectionPoolSettings"},
			Kinds: rule.ServiceKinds(rule.DestinationRule),
		},
		Check: func(c *rule.Context) {
			for _, destination := range c.Objects(rule.DestinationRule) {
				service, _ := c.ServiceOf(destination.Field("spec", "host").Text(), destination.Namespace)
				if service == nil || !servesLLM(c, service) {
					continue
				}
				pool := destination.Field("spec", "trafficPolicy", "connectionPool")
				for _, limit := range []rule.Value{pool.Field("tcp", "maxConnections"), pool.Field("http", "http1MaxPendingRequests"), pool.Field("http", "http2MaxRequests")} {
					if n, ok := limit.Int(); ok && n > 0 && n < 64 {
						c.Report(limit, "with %d at once Envoy answers 503 before vLLM queues", n)
					}
				}
			}
		},
	}
}
