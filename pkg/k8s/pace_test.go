package k8s

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
)

// TestPaceOfAColdStart: a replica idles as long as it would take to start, and meanwhile no more start than answer. Both autoscalers
// are alike.
func TestPaceOfAColdStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		coldStart                time.Duration
		window, down, up, upMost int32
		percent                  autoscalingv2.HPAScalingPolicyType
	}{
		"none is said":               {0, 600, 300, 60, 1, autoscalingv2.PodsScalingPolicy},
		"minutes":                    {12 * time.Minute, 720, 360, 720, 100, autoscalingv2.PercentScalingPolicy},
		"as Kubernetes' own default": {4 * time.Minute, 300, 150, 240, 100, autoscalingv2.PercentScalingPolicy},
		"seconds, as in a simulator": {5 * time.Second, 300, 150, 60, 100, autoscalingv2.PercentScalingPolicy},
		"more than a period may be":  {40 * time.Minute, 2400, 1200, 1800, 100, autoscalingv2.PercentScalingPolicy},
		"more than a window may be":  {2 * time.Hour, 3600, 1800, 1800, 100, autoscalingv2.PercentScalingPolicy},
	} {
		one := target("")
		one.Revisions[0].ColdStart = c.coldStart
		hpa, ok := HorizontalPodAutoscaler(one, one.Revisions[0]).Typed.(*autoscalingv2.HorizontalPodAutoscaler)
		require.True(t, ok)
		is := hpa.Spec.Behavior
		assert.Equal(t, c.window, *is.ScaleDown.StabilizationWindowSeconds, name)
		assert.Equal(t, []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 1, PeriodSeconds: c.down}}, is.ScaleDown.Policies, name)
		assert.Equal(t, []autoscalingv2.HPAScalingPolicy{{Type: c.percent, Value: c.upMost, PeriodSeconds: c.up}}, is.ScaleUp.Policies, name)
		assert.Zero(t, *is.ScaleUp.StabilizationWindowSeconds, "who waits, waits now")
		scaled, ok := ScaledObject(one, one.Revisions[0]).Typed.(*kedav1alpha1.ScaledObject)
		require.True(t, ok)
		assert.Equal(t, is, scaled.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior, name)
	}
}
