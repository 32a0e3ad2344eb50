package k8s

import (
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
	hpa := &autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta:   typeMeta("autoscaling/v2", "HorizontalPodAutoscaler"),
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: t.Namespace, Labels: t.RevisionLabels(spec.ComponentScaling, r.Name)},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: t.Workload(r.Name)},
			MinReplicas:    ptr.To(int32(r.MinReplicas)),
			MaxReplicas:    int32(r.MaxReplicas),
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{
				Metric: autoscalingv2.MetricIdentifier{Name: t.Scaling.Metric},
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: ptr.To(resource.MustParse(string(t.Scaling.Target)))},
			}}},
			Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{
				ScaleUp:   rules(0, 60),
				ScaleDown: rules(scaleDownWindow, 300),
			},
		},
	}
	return manifest.Object{File: "horizontalpodautoscaler-" + r.Name, Typed: hpa, Comments: manifest.Comments{
		Head: "Replicas of " + name + " by " + t.Scaling.Metric + " of each. CPU says nothing about a GPU server.",
		At: map[string]string{
			"/spec/scaleTargetRef":     "The Deployment that KServe makes; an " + t.Serving + " has no scale subresource (kserve#4644).",
			"/spec/metrics/0":          "A custom metric of the pods: prometheus-adapter or the like serves it.",
			"/spec/behavior/scaleUp":   "One replica a minute: more would all load at once and arrive late.",
			"/spec/behavior/scaleDown": "Slowly: a replica takes minutes to come back.",
		},
	}}
}

func rules(window, period int32) *autoscalingv2.HPAScalingRules {
	return &autoscalingv2.HPAScalingRules{
		StabilizationWindowSeconds: ptr.To(window),
		Policies:                   []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 1, PeriodSeconds: period}},
	}
}
