package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/spec"
)

// quotaOf is the quota of EC2 that an instance type counts against, in virtual CPUs: by the family's letters. Capacity Blocks have
// none of it.
// https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
func quotaOf(instance string) string {
	letters := instance[:strings.IndexAny(instance, "0123456789")]
	for _, family := range []struct{ letters, quota string }{{"inf", "Inf"}, {"trn", "Trn"}, {"g", "G and VT"}, {"p", "P"}} {
		if strings.HasPrefix(letters, family.letters) {
			return family.quota
		}
	}
	return "Standard"
}

// quotas are the virtual CPUs that the models' nodes take at most, by quota: with the largest environment of the cluster.
func (n needs) quotas() map[string]int {
	most := map[string]int{}
	for _, targets := range n.Environments {
		sum := map[string]int{}
		for _, pool := range spec.NodePools(targets) {
			if r := pool.Platform.Nodes.Reservation; r != nil && r.CapacityBlock {
				continue
			}
			perQuota := map[string]int{}
			for _, instance := range pool.Types {
				nodes := (pool.Limit + instance.Count - 1) / instance.Count
				quota := quotaOf(instance.Name)
				perQuota[quota] = max(perQuota[quota], nodes*instance.CPUs)
			}
			for quota, cpus := range perQuota {
				sum[quota] += cpus
			}
		}
		for quota, cpus := range sum {
			most[quota] = max(most[quota], cpus)
		}
	}
	return most
}

// quotaNote says what the account must have, empty where nothing counts.
func (n needs) quotaNote() string {
	quotas := n.quotas()
	var list []string
	for _, quota := range slices.Sorted(maps.Keys(quotas)) {
		if quotas[quota] > 0 {
			list = append(list, fmt.Sprintf("%s %d", quota, quotas[quota]))
		}
	}
	if len(list) == 0 {
		return ""
	}
	return "\nThe account's quotas of EC2 must have so many vCPUs for the models' nodes (aws service-quotas list-service-quotas --service-code ec2): " +
		strings.Join(list, ", ") + "."
}
