package scaling

import (
	"strconv"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func idleHours() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0519", Name: "hours-change-nothing", Level: finding.Warning,
			Summary: "A trigger cron of a ScaledObject has a start, another end, and more replicas than always run.",
			Why: "KEDA makes no scaler of a trigger whose start and end are written the same, and the ScaledObject isn't ready. Replicas over maxReplicaCount are not made, " +
				"and those that minReplicaCount keeps anyway need no hours.",
			How:   "Give start and end different times, and desiredReplicas a number over minReplicaCount and not over maxReplicaCount.",
			Refs:  []string{"keda: pkg/scalers/cron_scaler.go (Validate)", "https://keda.sh/docs/2.19/scalers/cron/"},
			Kinds: []rule.Kind{rule.ScaledObject},
		},
		Check: func(c *rule.Context) {
			for _, scaled := range c.Objects(rule.ScaledObject) {
				low, high := scaled.Field("spec", "minReplicaCount").IntOr(0), scaled.Field("spec", "maxReplicaCount").IntOr(100)
				for trigger := range scaled.Field("spec", "triggers").Items() {
					if trigger.Field("type").Text() == "cron" {
						checkHours(c, trigger.Field("metadata"), low, high)
					}
				}
			}
		},
	}
}

func checkHours(c *rule.Context, hours rule.Value, low, high int64) {
	if end := hours.Field("end"); end.Text() != "" && end.Text() == hours.Field("start").Text() {
		c.Report(end, "start and end are the same, and KEDA refuses the trigger")
	}
	desired := hours.Field("desiredReplicas")
	replicas, err := strconv.ParseInt(desired.Scalar(), 10, 64)
	switch {
	case err != nil: // the schema, or KEDA, says so
	case replicas > high:
		c.Report(desired, "desiredReplicas of %d is over maxReplicaCount (%d), so that they are not all made", replicas, high)
	case replicas <= low:
		c.Report(desired, "as many run at any hour (minReplicaCount %d)", low)
	}
}
