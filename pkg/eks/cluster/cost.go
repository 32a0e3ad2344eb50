package cluster

import (
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/pkg/spec"
)

// costNote says what the models' nodes cost, empty where they have none.
func (n needs) costNote() string {
	var list []string
	prices := spec.CostOf(nil).Prices
	for _, targets := range n.Environments {
		cost := spec.CostOf(targets)
		var parts []string
		if cost.Max > 0 {
			parts = append(parts, fmt.Sprintf("%.2f to %.2f $", cost.Min, cost.Max))
		}
		if len(cost.Unpriced) > 0 {
			parts = append(parts, "no price is known of "+strings.Join(cost.Unpriced, ", "))
		}
		if len(parts) > 0 {
			list = append(list, targets[0].Environment+": "+strings.Join(parts, ", and "))
		}
	}
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf("\nThe models' nodes cost in an hour, with replicas.min and with replicas.max, on demand in %s (%s), %s.", prices.Region, prices.Day, strings.Join(list, "; "))
}
