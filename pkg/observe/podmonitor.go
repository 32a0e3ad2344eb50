// Package observe builds what watches a model.
package observe

import (
	"fmt"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// PodMonitor collects the metrics of vLLM and of the sidecar from the sidecar's port 15020. It is not a
// declared port of any container, so the address is rewritten to it.
// https://istio.io/latest/docs/ops/integrations/prometheus/#option-1-metrics-merging
func PodMonitor(t spec.Target) manifest.Object {
	monitor := &monitoringv1.PodMonitor{
		TypeMeta: metav1.TypeMeta{APIVersion: monitoringv1.SchemeGroupVersion.String(), Kind: monitoringv1.PodMonitorsKind},
		ObjectMeta: metav1.ObjectMeta{
			Name: t.Name, Namespace: t.Namespace, Labels: monitorLabels(t),
		},
		Spec: monitoringv1.PodMonitorSpec{
			Selector:        metav1.LabelSelector{MatchLabels: t.Selector()},
			PodTargetLabels: []string{spec.ModelLabel, spec.RevisionLabel},
			PodMetricsEndpoints: []monitoringv1.PodMetricsEndpoint{{
				Port: ptr.To("http"), Path: "/stats/prometheus", Interval: "15s",
				RelabelConfigs: []monitoringv1.RelabelConfig{
					address(`(\d+\.\d+\.\d+\.\d+)`, fmt.Sprintf("$1:%d", spec.MetricsPort)),
					address(`([0-9a-fA-F:]*:[0-9a-fA-F:]+)`, fmt.Sprintf("[$1]:%d", spec.MetricsPort)),
				},
			}},
		},
	}
	return manifest.Object{File: "podmonitor", Typed: monitor, Absent: []string{"/spec/podMetricsEndpoints/0/bearerTokenSecret"}, Comments: manifest.Comments{
		Head: "Metrics of vLLM and of the sidecar together. For the Prometheus operator.",
		At: map[string]string{
			"/spec/podMetricsEndpoints/0/relabelings": fmt.Sprintf("To 15020, where the sidecar serves both; %d speaks mTLS only", t.Port()) + " (kserve's own annotation names\nport 9091, where nothing listens in Standard mode).",
			"/spec/podTargetLabels":                   "Tell the revisions apart: model_name is the same on all of them.",
		},
	}}
}

func address(regex, replacement string) monitoringv1.RelabelConfig {
	return monitoringv1.RelabelConfig{
		SourceLabels: []monitoringv1.LabelName{"__meta_kubernetes_pod_ip"}, Regex: regex,
		Replacement: ptr.To(replacement), TargetLabel: "__address__", Action: "replace",
	}
}
