package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/suggest"
)

// checkRegion refuses what can be no region. One that only isn't in the catalogue may be newer than that.
func (r *resolver) checkRegion(region string) {
	const path = "spec.platform.eks.region"
	regions, err := catalog.AWSRegions()
	if err != nil {
		r.failf(path, "reading the catalogue: %v", err)
		return
	}
	names := regions.Names()
	if region == "" || slices.Contains(names, region) {
		return
	}
	meant := ""
	if nearest := suggest.Nearest(region, names); nearest != "" {
		meant = "; did you mean " + nearest + "?"
	}
	if !regionName.MatchString(region) || !isDirection(region) {
		r.failf(path, "%q is not a region such as us-east-1%s", region, meant)
		return
	}
	r.remarkf(path, "%s is not among AWS' regions of %s, and so is mistyped or newer than that%s", region, regions.Partitions.Day, meant)
}

// isDirection says whether a region's name ends as every one does that there is: with a point of the compass, or central, and a
// number.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
func isDirection(region string) bool {
	words := strings.Split(region, "-")
	directions := []string{"central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"}
	return slices.Contains(directions, words[len(words)-2])
}

// offeredIn leaves the instance types that EC2 offers in a region, all of them where that isn't known or where it offers none.
func offeredIn(region string, types []catalog.Instance) []catalog.Instance {
	offered := slices.DeleteFunc(slices.Clone(types), func(i catalog.Instance) bool { return missesType(region, i.Name) })
	if len(offered) == 0 {
		return types
	}
	return offered
}

// missesType says that EC2, when it was asked, did not offer an instance type in a region.
func missesType(region, instance string) bool {
	regions, err := catalog.AWSRegions()
	if err != nil {
		return false // checkRegion said so
	}
	zones, known := regions.Offers.In(region, instance)
	return known && zones == 0
}

// checkOffers holds the types of the pools against what EC2 offers in the region. A reservation is of a type that is there.
func (r *resolver) checkOffers(t Target) {
	eks := t.Platform.EKS
	regions, err := catalog.AWSRegions()
	if err != nil || slices.Equal(eks.Nodes.Capacity, []string{CapacityReserved}) || len(r.problems) > 0 {
		return
	}
	for _, pool := range NodePools([]Target{t}) {
		widest, most := "", 0
		var missing []string
		for _, name := range pool.TypeNames() {
			zones, known := regions.Offers.In(eks.Region, name)
			if known && zones == 0 {
				missing = append(missing, name)
			}
			if zones > most {
				widest, most = name, zones
			}
		}
		if len(missing) > 0 {
			r.notThere(eks, missing, regions.Offers)
		}
		if most > 0 && len(eks.Zones) > most {
			r.tooManyZones(eks, widest, most, regions.Offers.Day)
		}
	}
}

// notThere is about types that a region doesn't have. A document that names them may know better.
func (r *resolver) notThere(eks *EKS, types []string, offers catalog.Offers) {
	text := fmt.Sprintf("EC2 offered no %s in %s when it was asked (%s)", strings.Join(types, ", "), eks.Region, offers.Day)
	if regions := offers.With(types[0]); len(regions) > 0 {
		text += ", but in " + strings.Join(regions, ", ")
	}
	if len(eks.Nodes.InstanceTypes) > 0 {
		r.remarkf(eksNodesPath+".instanceTypes", "%s", text)
		return
	}
	r.failf("spec.platform.eks.region", "%s; take another region, or, where it does by now, name the type in %s.instanceTypes", text, eksNodesPath)
}

// tooManyZones is about a type that is in fewer zones than the document names: which those are differs by account. Karpenter takes
// the others; a managed node group is in its zone.
func (r *resolver) tooManyZones(eks *EKS, instance string, zones int, day string) {
	text := fmt.Sprintf("EC2 offered %s in %d of the zones of %s when it was asked (%s), so that at least one of the %d that are named has none; which, says "+
		"aws ec2 describe-instance-type-offerings --location-type availability-zone --filters Name=instance-type,Values=%s", instance, zones, eks.Region, day, len(eks.Zones), instance)
	if eks.Nodes.Provisioner == ProvisionerManaged {
		r.failf("spec.platform.eks.zones", "%s: a group there gets no node; leave that zone out", text)
		return
	}
	r.remarkf("spec.platform.eks.zones", "%s", text)
}
