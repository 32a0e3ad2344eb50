package k8s

import (
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// scaleDownWindow is how long the metric must be low before a replica goes: twice Kubernetes' own default,
// since a replica costs minutes of loading to get back.
const scaleDownWindow = 600

// HorizontalPodAutoscaler scales one revision on a metric of vLLM, which an adapter serves as a custom metric
// of the pods (prometheus-adapter's default rules do, for the series that the PodMonitor collects).
func HorizontalPodAutoscaler(t spec.Target, r spec.RevisionTarget) manifest.Object {
	name := t.Qualified(r.Name)
	scaled, what := scaledBy(t, r)
	pace := paceOf(r)
	hpa := &autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta:   typeMeta("autoscaling/v2", "HorizontalPodAutoscaler"),
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: t.Namespace, Labels: t.RevisionLabels(spec.ComponentScaling, r.Name)},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: scaled,
			MinReplicas:    ptr.To(int32(r.MinReplicas)),
			MaxReplicas:    int32(r.MaxReplicas),
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{
				Metric: autoscalingv2.MetricIdentifier{Name: t.Scaling.Metric},
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: ptr.To(resource.MustParse(t.ScalingTarget(r)))},
			}}},
			Behavior: pace.HorizontalPodAutoscalerBehavior,
		},
	}
	return manifest.Object{File: "horizontalpodautoscaler-" + r.Name, Typed: hpa, Comments: manifest.Comments{
		Head: "Replicas of " + name + " by " + t.Scaling.Metric + " of each. CPU says nothing about a GPU server.",
		At: map[string]string{
			"/spec/scaleTargetRef":     what,
			"/spec/metrics/0":          metricOrigin(r),
			"/spec/behavior/scaleUp":   pace.up,
			"/spec/behavior/scaleDown": pace.down,
		},
	}}
}

// metricOrigin says where the value of a pod comes from. Each engine of a server has series of its own, told apart by the
// label engine (vllm/v1/metrics/loggers.py); the adapter's default rules sum what a pod has (MetricsQuery in
// prometheus-adapter cmd/config-gen/utils/default.go).
func metricOrigin(r spec.RevisionTarget) string {
	const origin = "A custom metric of the pods: prometheus-adapter or the like serves it."
	if r.DataParallel < 2 {
		return origin
	}
	return origin + fmt.Sprintf("\nA pod's value is the sum over its %d engines (label engine), and so is the target.", r.DataParallel)
}

// scaledBy is what has the replicas of a revision, and why that is scaled.
func scaledBy(t spec.Target, r spec.RevisionTarget) (autoscalingv2.CrossVersionObjectReference, string) {
	w := t.Workload(r.Name)
	reference := autoscalingv2.CrossVersionObjectReference{APIVersion: w.APIVersion, Kind: w.Kind, Name: w.Name}
	if t.Groups() {
		return reference, "Groups: its scale subresource counts leaders alone, and so does the metric."
	}
	return reference, "The Deployment that KServe makes; an " + t.Serving + " has no scale subresource (kserve#4644)."
}

// pace is how fast an autoscaler goes up and down, and why.
type pace struct {
	*autoscalingv2.HorizontalPodAutoscalerBehavior
	up, down string
}

// paceOf is the pace of a revision: a fixed one, or, where the document says so, one by what a replica takes to start.
func paceOf(r spec.RevisionTarget) pace {
	if r.ColdStart > 0 {
		return paceBy(r.ColdStart)
	}
	return pace{
		&autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: rules(0, 60), ScaleDown: rules(scaleDownWindow, 300)},
		"One replica a minute: more would all load at once and arrive late.",
		"Slowly: a replica takes minutes to come back.",
	}
}

const (
	// longestWindow and longestPeriod are the most that Kubernetes takes, in seconds; MaxStabilizationWindowSeconds and
	// MaxPeriodSeconds in its pkg/apis/autoscaling/validation/validation.go.
	longestWindow, longestPeriod = 3600, 1800
)

// paceBy computes the pace from a cold start. Down: what idles as long as it would take to start costs no more than to start it
// again, whatever the load does next, so that never more than twice the least is paid (ski rental: Karlin, Manasse, Rudolph and Sleator,
// Competitive Snoopy Caching, 1988). Up: until the first of the new replicas answers the queue says nothing of them, and grows on.
func paceBy(coldStart time.Duration) pace {
	seconds := int32(min(coldStart, longestWindow*time.Second).Round(time.Second).Seconds())
	window := max(seconds, spec.ShortestWindow)
	up := rules(0, min(max(seconds, 60), longestPeriod))
	up.Policies[0].Type, up.Policies[0].Value = autoscalingv2.PercentScalingPolicy, 100
	return pace{
		&autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: up, ScaleDown: rules(window, window/2)},
		"As many again at most, in the time that a replica takes to start (scaling.coldStart): until it answers, what waits says\nnothing of it.",
		"As long as a replica takes to start, an hour at most: what idles until then has cost no more than to start it again.",
	}
}

func rules(window, period int32) *autoscalingv2.HPAScalingRules {
	return &autoscalingv2.HPAScalingRules{
		StabilizationWindowSeconds: ptr.To(window),
		Policies:                   []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 1, PeriodSeconds: period}},
	}
}
