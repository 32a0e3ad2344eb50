// Package across holds the rules about objects that belong together: selectors, references and ports.
package across

import (
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{
		selectsNothing(), absentReference(), absentRuntime(), absentTarget(), healthOfModel(), twice(), targetPort(),
		monitoredPort(), closedPort(), noDNS(), substituted(), missedReference(), idleRuntime(), spreadOfOthers(),
		unselective(), noIstiod(), noDownload(), unknownPort(), noDNSByTCP(),
		misspeltNamespace(), beyondModel(), closedScrape(), forgottenBudget(), everyPath(),
		siblingWithoutSidecar(), missingKey(), smallQuota(),
	}
}
