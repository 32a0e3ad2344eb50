package nodes

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

const (
	capacityType    = "karpenter.sh/capacity-type"
	reservationType = "karpenter.k8s.aws/capacity-reservation-type"
)

func reservations() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1104", Name: "reservation-and-capacity", Level: finding.Warning,
			Summary: "A NodePool whose class names a reservation of capacity uses it, and no spot instances beside a Capacity Block.",
			Why: "Karpenter takes an instance out of a reservation only where the pool's requirements allow the capacity type reserved: otherwise the reservation is paid for and unused. " +
				"Spot instances are not of a Capacity Block: a pool that wants both types gets none.",
			How:   "Add reserved to the values of karpenter.sh/capacity-type, or take the reservation out; give spot instances a pool of their own.",
			Refs:  []string{"https://karpenter.sh/docs/tasks/odcrs/", "https://karpenter.sh/docs/concepts/nodeclasses/#speccapacityreservationselectorterms"},
			Kinds: []rule.Kind{rule.NodePool, rule.EC2NodeClass},
		},
		Check: func(c *rule.Context) {
			for _, pool := range c.Objects(rule.NodePool) {
				capacities := required(pool, capacityType)
				if !capacities.Found() {
					continue
				}
				values := capacities.Strings()
				class := c.Find(rule.EC2NodeClass, "", pool.Field("spec", "template", "spec", "nodeClassRef", "name").Text())
				if class != nil && class.Field("spec", "capacityReservationSelectorTerms").Len() > 0 && !slices.Contains(values, "reserved") {
					c.Report(capacities, "%s names a reservation, which %s doesn't use", class, pool)
				}
				if slices.Contains(required(pool, reservationType).Strings(), "capacity-block") && slices.Contains(values, "spot") {
					c.Report(capacities, "spot instances are not of a Capacity Block")
				}
			}
		},
	}
}

// required are the values that a pool wants of a label, not found where it doesn't say.
func required(pool *rule.Object, key string) rule.Value {
	for requirement := range pool.Field("spec", "template", "spec", "requirements").Items() {
		if requirement.Field("key").Text() == key && requirement.Field("operator").Text() == "In" {
			return requirement.Field("values")
		}
	}
	return rule.Value{}
}

func latestImage() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1105", Name: "latest-node-image", Level: finding.Warning,
			Summary: "The image of an EC2NodeClass is pinned.",
			Why: "With the alias …@latest every node of the class has drifted as soon as AWS releases an image, which is every one or two weeks. Karpenter replaces them, " +
				"and each model on them loads its weights again, with a driver that nobody has tried.",
			How:   "Pin a release, for example al2023@v20260903, and change it when it suits.",
			Refs:  []string{"https://karpenter.sh/docs/concepts/nodeclasses/#specamiselectorterms", "https://karpenter.sh/docs/tasks/managing-amis/"},
			Kinds: []rule.Kind{rule.EC2NodeClass},
		},
		Check: func(c *rule.Context) {
			for _, class := range c.Objects(rule.EC2NodeClass) {
				for term := range class.Field("spec", "amiSelectorTerms").Items() {
					if alias := term.Field("alias"); strings.HasSuffix(alias.Text(), "@latest") && !strings.HasPrefix(alias.Text(), "windows") {
						c.Report(alias, "%s is another image with AWS' next release", alias.Text())
					}
				}
			}
		},
	}
}
