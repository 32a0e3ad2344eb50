package k8s

import (
	"fmt"
	"strconv"

	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/kservegen/kservegen/pkg/spec"
)

// hourTriggers keep replicas at hours that the document names. KEDA takes the trigger that asks for the most.
// https://keda.sh/docs/2.19/scalers/cron/
func hourTriggers(t spec.Target) []kedav1alpha1.ScaleTriggers {
	triggers := make([]kedav1alpha1.ScaleTriggers, 0, len(t.Scaling.Schedule))
	for i, hours := range t.Scaling.Schedule {
		triggers = append(triggers, kedav1alpha1.ScaleTriggers{
			Type: "cron", Name: fmt.Sprintf("hours-%d", i), MetricType: autoscalingv2.AverageValueMetricType,
			Metadata: map[string]string{
				"timezone": hours.Timezone, "start": hours.Start, "end": hours.End, "desiredReplicas": strconv.Itoa(hours.Min),
			},
		})
	}
	return triggers
}

const hoursComment = "Not fewer than desiredReplicas from start to end. Begin as much before people come as a replica takes to load."
