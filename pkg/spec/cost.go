package spec

import (
	"slices"

	"github.com/kservegen/kservegen/pkg/catalog"
)

// Cost is what nodes cost in an hour, in US dollars, on demand, by the catalogue's list of prices. EBS, file systems, load balancers,
// traffic between zones and the cluster itself are not in it.
type Cost struct {
	// Min is with replicas.min of every model, Max with replicas.max, as many nodes as NodePool counts, of the cheapest type.
	Min, Max float64
	// Unpriced are the types that the list lacks; their nodes are not in Min and Max.
	Unpriced []string
	// Prices says of which day and region they are, and whose list it is.
	Prices catalog.PriceList
}

// CostOf adds up what the nodes of the models of one environment cost.
func CostOf(targets []Target) Cost {
	list, err := catalog.EC2Instances()
	if err != nil {
		return Cost{} // resolving said so
	}
	c := Cost{Prices: list.Prices}
	for _, pool := range NodePools(targets) {
		least, known := pool.PerHour(pool.MinNodes)
		most, _ := pool.PerHour(pool.MaxNodes)
		if name := pool.Types[0].Name; !known && !slices.Contains(c.Unpriced, name) {
			c.Unpriced = append(c.Unpriced, name)
		}
		c.Min, c.Max = c.Min+least, c.Max+most
	}
	return c
}
