package plan

import (
	"fmt"
	"io"
	"strings"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/spec"
)

// NodeAnswer is the nodes that a document asks for in an environment, as -o json prints them.
type NodeAnswer struct {
	Environment string `json:"environment"`
	// Pool is the name of the nodes; Instances the types that they may have, the cheapest first.
	Pool      string   `json:"pool"`
	Instances []string `json:"instances"`
	// Min and Max are how many of them replicas.min and replicas.max take at most, over the zones; Devices is the limit.
	Min     int `json:"min"`
	Max     int `json:"max"`
	Devices int `json:"deviceLimit"`
	// MinUSDPerHour and MaxUSDPerHour are what they cost on demand, with instances of the first type, 0 where there is no price;
	// Prices says of which day and region that is.
	MinUSDPerHour float64 `json:"minUSDPerHour,omitempty"`
	MaxUSDPerHour float64 `json:"maxUSDPerHour,omitempty"`
	Prices        string  `json:"prices"`
}

// NodesOf lists the nodes of an environment, none where the document asks for none.
func NodesOf(t spec.Target) ([]NodeAnswer, error) {
	pools := spec.NodePools([]spec.Target{t})
	if len(pools) == 0 {
		return nil, nil
	}
	list, err := catalog.EC2Instances()
	if err != nil {
		return nil, err
	}
	prices := fmt.Sprintf("on demand, %s, %s", list.Prices.Region, list.Prices.Day)
	var answers []NodeAnswer
	for _, p := range pools {
		a := NodeAnswer{
			Environment: t.Environment, Pool: p.Name, Instances: p.TypeNames(), Min: p.MinNodes, Max: p.MaxNodes, Devices: p.Limit, Prices: prices,
		}
		low, _ := p.PerHour(p.MinNodes)
		high, _ := p.PerHour(p.MaxNodes)
		a.MinUSDPerHour, a.MaxUSDPerHour = round(low, 10000), round(high, 10000)
		answers = append(answers, a)
	}
	return answers, nil
}

// WriteNodes prints them for a person.
func WriteNodes(w io.Writer, nodes []NodeAnswer) {
	for _, n := range nodes {
		cost := "no price is known"
		if n.MaxUSDPerHour > 0 {
			cost = fmt.Sprintf("%.2f to %.2f $/hour (%s)", n.MinUSDPerHour, n.MaxUSDPerHour, n.Prices)
		}
		fmt.Fprintf(w, "nodes: %s in %s: %d to %d × %s, %s\n", n.Pool, n.Environment, n.Min, n.Max, n.Instances[0], cost)
		if others := n.Instances[1:]; len(others) > 0 {
			fmt.Fprintf(w, "  or, where none of these is to be had, %s\n", strings.Join(others, ", "))
		}
	}
}
