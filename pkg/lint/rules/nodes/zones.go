package nodes

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

const zoneLabel = "topology.kubernetes.io/zone"

func volumeElsewhere() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1106", Name: "no-pool-where-the-volume-is", Level: finding.Error,
			Summary: "Some NodePool has nodes in the zone of a volume that pods mount.",
			Why: "Karpenter adds what a PersistentVolume's nodeAffinity says, or the allowedTopologies of a claim's class, to what the pod wants. " +
				"Where no pool may make nodes in that zone the pod stays Pending.",
			How:   "Name the volume's zone in the pool's requirement of topology.kubernetes.io/zone, or leave that requirement out.",
			Refs:  []string{"karpenter: pkg/controllers/provisioning/scheduling/volumetopology.go (getRequirements)"},
			Kinds: rule.WorkloadKinds(rule.NodePool, rule.PersistentVolumeClaim, rule.PersistentVolume, rule.StorageClass),
		},
		Check: func(c *rule.Context) {
			for _, n := range needs(c) {
				var have []string
				pools := ofDevice(c, n.device)
				for _, pool := range pools {
					zones := required(pool, zoneLabel).Strings()
					if len(zones) == 0 {
						pools = nil // one that may be anywhere
						break
					}
					have = append(have, zones...)
				}
				for _, claim := range n.workload.Claims() {
					is, at := whereIs(c, n.workload.Namespace, rule.ClaimName(claim))
					if len(pools) > 0 && len(is) > 0 && !slices.ContainsFunc(is, func(zone string) bool { return slices.Contains(have, zone) }) {
						c.Report(at, "%s mounts it in %s, and the nodes of %s are in %s", n.workload.Object, strings.Join(is, ", "), n.device, strings.Join(have, ", "))
					}
				}
			}
		},
	}
}

// whereIs are the zones that a claim's volume is in, or may be made in, and where that is said; none where any will do.
func whereIs(c *rule.Context, namespace, claim string) ([]string, rule.Value) {
	object := c.Find(rule.PersistentVolumeClaim, namespace, claim)
	if object == nil {
		return nil, rule.Value{}
	}
	if volume := c.Find(rule.PersistentVolume, "", object.Field("spec", "volumeName").Text()); volume != nil {
		required := volume.Field("spec", "nodeAffinity", "required")
		return zonesIn(required.Field("nodeSelectorTerms"), "matchExpressions"), required
	}
	if class := c.Find(rule.StorageClass, "", object.Field("spec", "storageClassName").Text()); class != nil {
		topologies := class.Field("allowedTopologies")
		return zonesIn(topologies, "matchLabelExpressions"), topologies
	}
	return nil, rule.Value{}
}

// zonesIn are the zones of terms, of which one must hold; none where a term has any.
func zonesIn(terms rule.Value, expressions string) []string {
	var zones []string
	for term := range terms.Items() {
		var own []string
		for expression := range term.Field(expressions).Items() {
			if operator := expression.Field("operator").Text(); expression.Field("key").Text() == zoneLabel && (operator == "In" || operator == "") {
				own = append(own, expression.Field("values").Strings()...)
			}
		}
		if len(own) == 0 {
			return nil
		}
		zones = append(zones, own...)
	}
	return zones
}
